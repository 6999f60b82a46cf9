"""Read one property of the data contract standard as a column."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast, get_args

from lepton_spark.config.clean import date_pattern_problem, has_zone
from lepton_spark.config.column import Bound, Column, Kind
from lepton_spark.config.document import Document, KeyPath, refuse
from lepton_spark.config.nearest import nearest
from lepton_spark.config.pattern import PatternError, read_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from open_data_contract_standard.model import SchemaProperty

MAX_PRECISION = 38
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_IS_DECIMAL = re.compile(r"\s*(dec|decimal|numeric)\b", re.IGNORECASE)
_DECIMAL = re.compile(r"\s*\w+\s*\(\s*([0-9]{1,2})\s*(?:,\s*([0-9]{1,2})\s*)?\)\s*")
_OPTIONS: Mapping[str, frozenset[str]] = {
    "string": frozenset({"pattern", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
    "number": frozenset({"minimum", "maximum"}),
    "decimal": frozenset({"minimum", "maximum"}),
    "boolean": frozenset(),
    "date": frozenset({"format", "minimum", "maximum"}),
    "timestamp": frozenset({"format", "minimum", "maximum", "timezone"}),
    "binary": frozenset(),
}
_INSTEAD: Mapping[str, str] = {
    "minLength": "write pattern: '.{3,}' for at least 3 characters, in string columns",
}
_EXECUTED = frozenset(
    {"name", "physicalName", "physicalType", "logicalType", "logicalTypeOptions", "required",
     "classification", "quality", "unique", "relationships"}
)  # fmt: skip
_DOCUMENTATION = frozenset(
    {"id", "description", "businessName", "tags", "examples", "synonyms", "semanticType",
     "authoritativeDefinitions", "customProperties", "criticalDataElement", "deprecated"}
)  # fmt: skip


class ColumnReader:
    """Turns one property of the standard into a column, or says what is wrong with it."""

    def __init__(self, document: Document, path: KeyPath, item: SchemaProperty) -> None:
        self.document = document
        self.path = path
        self.item = item

    def read(self, *, taken: set[str]) -> Column:
        """Check and convert the property; `taken` are the names before it, in lower case."""
        name = self._name(taken)
        self._check_keys()
        kind, precision, scale = self._kind()
        options = self._options(kind)
        return Column(
            name=name,
            kind=kind,
            format=self._format(kind, options),
            required=bool(self.item.required),
            minimum=self._bound("minimum", kind, options),
            maximum=self._bound("maximum", kind, options),
            pattern=self._pattern(options),
            max_length=self._max_length(options),
            precision=precision,
            scale=scale,
            classification=(self.item.classification or "").lower() or None,
            header=self.item.physicalName,
        )

    def _refuse(self, key: str, what: str, why: str, fix: str) -> Any:
        refuse(self.document.place_of((*self.path, *key.split("."))), what, why, fix)

    def _name(self, taken: set[str]) -> str:
        name = self.item.name or ""
        if not _NAME.fullmatch(name):
            self._refuse(
                "name",
                "the column's name is not an identifier",
                "names are letters, digits and _, first a letter, at most 80",
                "rename it; give the name in the file as physicalName",
            )
        if name.lower() in taken:
            self._refuse(
                "name",
                f"the column {name} is there twice, perhaps in another case",
                "Spark does not tell upper from lower case",
                "rename one of them",
            )
        return name

    def _check_keys(self) -> None:
        written: Any = self.document.values
        for part in self.path:
            written = written[part]
        for key in written:
            if key in _EXECUTED or key in _DOCUMENTATION:
                continue
            known = nearest(key, _EXECUTED | _DOCUMENTATION)
            self._refuse(
                key,
                f"{key} is not executed here",
                "a promise that nobody checks is refused; keys of rows are named in the case",
                f"{known} Otherwise remove it",
            )

    def _kind(self) -> tuple[Kind, int | None, int | None]:
        logical = self.item.logicalType or ""
        if logical == "number" and _IS_DECIMAL.match(self.item.physicalType or ""):
            return "decimal", *self._digits()
        if logical == "string" and (self.item.physicalType or "").lower() == "binary":
            return "binary", None, None
        kinds = set(get_args(Kind)) - {"decimal", "binary"}
        if logical not in kinds:
            self._refuse(
                "logicalType",
                "the logical type is missing or not read here",
                f"it is one of {', '.join(sorted(kinds))}",
                nearest(logical, kinds),
            )
        return cast("Kind", logical), None, None

    def _digits(self) -> tuple[int, int]:
        """Precision and scale of a decimal; without a scale it has no fraction."""
        match = _DECIMAL.fullmatch(self.item.physicalType or "")
        precision, scale = (int(match[1]), int(match[2] or 0)) if match else (0, 0)
        if not scale <= precision <= MAX_PRECISION or precision == 0:
            self._refuse(
                "physicalType",
                "the decimal cannot be held",
                "precision is 1 to 38 and scale at most the precision",
                "write decimal(18,2), for example",
            )
        return precision, scale

    def _options(self, kind: str) -> dict[str, Any]:
        options = self.item.logicalTypeOptions or {}
        for key in options:
            if key not in _OPTIONS[kind]:
                self._refuse(
                    f"logicalTypeOptions.{key}",
                    f"the option {key} is not executed for {kind} columns",
                    "a promise that nobody checks is refused",
                    _INSTEAD.get(key) or nearest(key, _OPTIONS[kind]),
                )
        if options.get("timezone") is False:
            self._refuse(
                "logicalTypeOptions.timezone",
                "a timestamp without an offset is no instant",
                "every instant is known in UTC",
                "declare a date and a clock column, and `times` in the case; or a text column, and "
                "under `times` {text, formats: [yyyy-MM-dd'T'HH:mm:ss.SSSSSS], zone}, which is how "
                "a Parquet timestamp without a zone lands",
            )
        return options

    def _format(self, kind: str, options: Mapping[str, Any]) -> str | None:
        pattern = options.get("format")
        if pattern is None:
            return None
        is_instant = kind == "timestamp"
        problem = (
            date_pattern_problem(pattern, has_zone=is_instant)
            if isinstance(pattern, str)
            else "it is no text"
        )
        if problem is not None:
            self._refuse(
                "logicalTypeOptions.format",
                f"the format is no pattern that a {kind} is read by: {problem}",
                "its letters are yMdDHhmsSa, and of a timestamp XxZzVO; text is in single quotes",
                "write dd/MM/yyyy, or yyyy-MM-dd HH:mm:ssXXX, for example",
            )
        if is_instant and not has_zone(pattern):
            self._refuse(
                "logicalTypeOptions.format",
                "the format of a timestamp reads no offset from UTC",
                "a time without one is no instant, so every cell would be refused",
                "declare a string, and under `times` of the case {text, formats, zone}; or add the"
                " offset, such as XXX, where cells have one",
            )
        return str(pattern)

    def _bound(self, key: str, kind: str, options: Mapping[str, Any]) -> Bound | None:
        value = options.get(key)
        if value is None:
            return None
        try:
            if isinstance(value, bool):
                raise TypeError
            bound = _BOUNDS[kind](value)
            low = options.get("minimum")
            if key == "maximum" and low is not None and bound < _BOUNDS[kind](low):
                raise ValueError
        except (TypeError, ValueError, ArithmeticError):
            self._refuse(
                f"logicalTypeOptions.{key}",
                f"{key} is no {kind}, or below the minimum",
                "bounds are values of the column's own type",
                "write a number, a date as 2013-01-01 or an instant as 2013-01-01T00:00:00Z",
            )
        return cast("Bound", bound)

    def _pattern(self, options: Mapping[str, Any]) -> str | None:
        pattern = options.get("pattern")
        if pattern is None:
            return None
        try:
            read_pattern(pattern)
        except PatternError as error:
            self._refuse(
                "logicalTypeOptions.pattern",
                f"the pattern is not executed: {error.why}",
                "the whole text of each cell is matched against it, by Java",
                f"{error.fix}; and quote the pattern in YAML",
            )
        return str(pattern)

    def _max_length(self, options: Mapping[str, Any]) -> int | None:
        length = options.get("maxLength")
        if length is None:
            return None
        if isinstance(length, bool) or not isinstance(length, int) or length < 1:
            self._refuse(
                "logicalTypeOptions.maxLength",
                "the length is no whole number above 0",
                "it counts characters",
                "write a number",
            )
        return int(length)


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("no offset")
    return instant


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("not whole")
    if not -(2**63) <= value < 2**63:
        raise ValueError("no cell can hold it")
    return value


def _finite(value: Any) -> float:
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("not finite")
    return float(number)


def _decimal(value: Any) -> Decimal:
    _finite(value)
    return Decimal(str(value))


_BOUNDS: Mapping[str, Callable[[Any], Any]] = {
    "integer": _whole,
    "number": _finite,
    "decimal": _decimal,
    "date": date.fromisoformat,
    "timestamp": _instant,
}
