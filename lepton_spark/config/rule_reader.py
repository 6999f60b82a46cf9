"""Read one entry under `quality` of a data contract: what is measured, and what it must be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar, get_args

from pydantic import Field

from lepton_spark.config.document import Document, KeyPath, refuse
from lepton_spark.config.model import ColumnName, Settings
from lepton_spark.config.nearest import nearest
from lepton_spark.config.table_rules import Limit, Operator, Severity
from lepton_spark.config.validation import validate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Model = TypeVar("Model", bound=Settings)

ENGINE = "lepton"
_OPERATORS = get_args(Operator)
_EXECUTED = frozenset(
    {"type", "metric", "arguments", "unit", "severity", "engine", "implementation", *_OPERATORS}
)
_DOCUMENTATION = frozenset(
    {"id", "name", "description", "dimension", "businessImpact", "method", "tags",
     "customProperties", "authoritativeDefinitions"}
)  # fmt: skip


class SeverityOf(Settings):
    """Gives a severity to a promise that is written elsewhere in the property."""

    severity_of: Literal["missing", "out_of_range", "bad_pattern", "too_long"] = Field(
        description="Reason code of the rows that break it."
    )


class Comparison(Settings):
    """A measure of each day of arrival against the median of the days before it."""

    rule: Literal["volume", "null_rate", "median", "share"] = Field(description="What is measured.")
    days: int = Field(ge=2, le=366, description="How many days before.")
    within: Annotated[float, Field(gt=0)] = Field(
        description="Largest difference of a null rate or share; of the others, of the ratio to 1."
    )
    by: tuple[ColumnName, ...] = Field((), description="Columns whose values are parts of a day.")
    min_rows: int = Field(100, ge=1, description="A part with fewer rows is not compared.")
    min_days: int = Field(3, ge=1, le=366, description="Fewest measured days to compare with.")


class Content(Settings):
    """A column that is not the same in all rows of a day, or not without any value."""

    rule: Literal["not_constant", "not_all_null"] = Field(description="What a column must not be.")
    min_rows: int = Field(2, ge=1, description="A day with fewer rows is not looked at.")


@dataclass(frozen=True)
class RuleReader:
    """One entry under `quality`, and how to refuse it.

    Args:
        path: Of the entry in the document.
    """

    document: Document
    path: KeyPath

    @property
    def written(self) -> dict[str, Any]:
        """The entry as it stands in the file."""
        found: dict[str, Any] = at(self.document, self.path)
        return found

    @property
    def place(self) -> str:
        """Where the entry is written."""
        return self.document.place_of(self.path)

    @property
    def is_documentation(self) -> bool:
        """Whether it is text for a person."""
        return self.written.get("type") == "text"

    @property
    def is_custom(self) -> bool:
        """Whether it is written for one engine."""
        return self.written.get("type") == "custom"

    def check(self) -> None:
        """See that it has only keys that are executed, for this engine.

        Raises:
            ConfigError: It has another, is SQL, or is for another engine.
        """
        check_keys(self.document, self.path, _EXECUTED, _DOCUMENTATION)
        kind = self.written.get("type", "library")
        if kind not in ("library", "custom"):
            self.refuse("type", f"a rule of type {kind} is not executed here")
        if kind == "custom" and self.written.get("engine") != ENGINE:
            self.refuse(
                "engine", "the rule is written for another engine", f"write engine: {ENGINE}"
            )

    def severity(self) -> Severity:
        """What follows when it is broken; error where nothing is said.

        Raises:
            ConfigError: It is none of the severities.
        """
        return severity_of(self.document, (*self.path, "severity"), self.written.get("severity"))

    def limit(self) -> Limit:
        """The numbers that a measured one is compared with.

        Raises:
            ConfigError: There is no operator, more than one, or its value is no number.
        """
        given = [name for name in _OPERATORS if name in self.written]
        if len(given) != 1:
            self.refuse(
                "metric",
                f"the rule has {len(given)} operators",
                f"give one of {', '.join(_OPERATORS)}",
            )
        value = self.written[given[0]]
        low, high = value if isinstance(value, list) else (value, value)
        is_fit = isinstance(value, list) == given[0].endswith("Between")
        if not is_fit or not _is_number(low) or not _is_number(high) or low > high:
            self.refuse(given[0], f"{given[0]} is no number", "write 5, or [5, 10] for between")
        return Limit(given[0], low, high)

    def in_percent(self) -> bool:
        """Whether the limit is of a hundred rows.

        Raises:
            ConfigError: The unit is neither rows nor percent.
        """
        unit = self.written.get("unit", "rows")
        if unit not in ("rows", "percent"):
            self.refuse("unit", f"the unit {unit} is not known", "write rows or percent")
        return bool(unit == "percent")

    def arguments(self, wanted: Collection[str]) -> dict[str, Any]:
        """The arguments of the metric.

        Raises:
            ConfigError: They are others than those wanted.
        """
        given: dict[str, Any] = self.written.get("arguments") or {}
        if not isinstance(given, dict):
            self.refuse("arguments", "the arguments are no mapping", "write {name: value}")
        if set(given) != set(wanted):
            self.refuse(
                "arguments",
                f"the arguments are {', '.join(sorted(given)) or 'none'}",
                f"give {', '.join(sorted(wanted)) or 'none'}",
            )
        return given

    def listed(self, argument: str) -> list[Any]:
        """The only argument of the metric, whose values are a list.

        Raises:
            ConfigError: There is another, or it is no list: a text would be read as its letters.
        """
        values = self.arguments({argument})[argument]
        if not isinstance(values, list):
            self.refuse("arguments", f"{argument} is no list", f"write {argument}: [a, b]")
        return values

    def implementation(self, models: Mapping[str, type[Model]]) -> Model:
        """What a rule for this engine says.

        Args:
            models: Its settings, by what `rule` may be, or by another key that it begins with.

        Raises:
            ConfigError: The rule is not known here, or a setting is wrong.
        """
        path = (*self.path, "implementation")
        given = self.written.get("implementation")
        if not isinstance(given, dict):
            self.refuse("implementation", "the rule is no mapping", "write {rule: ...}")
        names = [name for name in models if name in given]
        name = names[0] if names else str(given.get("rule", ""))
        if name not in models:
            refuse(
                self.document.place_of((*path, "rule")),
                f"the rule {name or 'without a name'} is not executed here",
                "a promise that nobody checks is refused",
                nearest(name, models),
                code="LS-1070",
            )
        places = {
            key[len(path) :]: place
            for key, place in self.document.places.items()
            if key[: len(path)] == path
        }
        places.setdefault((), self.document.place_of(path))
        return validate(Document(self.document.path, given, places), models[name])

    def refuse(self, key: str, what: str, fix: str = "remove it, or use another rule") -> NoReturn:
        """Raise what is wrong with a key of the entry."""
        refuse(
            self.document.place_of((*self.path, key)),
            what,
            "a promise that nobody checks is refused",
            fix,
            code="LS-1070",
        )


def at(document: Document, path: KeyPath) -> Any:
    """What a document holds at a key path that is there."""
    found: Any = document.values
    for part in path:
        found = found[part]
    return found


def check_keys(
    document: Document, path: KeyPath, executed: Collection[str], documentation: Collection[str]
) -> None:
    """See that a mapping has only keys that are executed or for a person.

    Raises:
        ConfigError: It has another.
    """
    known = {*executed, *documentation}
    for key in at(document, path):
        if key not in known:
            refuse(
                document.place_of((*path, key)),
                f"{key} is not executed here",
                "a promise that nobody checks is refused",
                f"{nearest(key, known)} Otherwise remove it",
                code="LS-1070",
            )


def severity_of(document: Document, path: KeyPath, given: Any) -> Severity:
    """A severity as it is written; error where there is none.

    Raises:
        ConfigError: It is none of the severities.
    """
    known: dict[Any, Severity] = {severity: severity for severity in get_args(Severity)}
    severity = given or "error"
    if severity not in known:
        refuse(
            document.place_of(path),
            f"the severity {severity} is not known",
            "a warning is told, an error refuses what breaks the rule, critical the whole table",
            nearest(str(severity), known),
            code="LS-1071",
        )
    return known[severity]


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
