"""What a property of a data contract says under `quality`: of its cells, and of the column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lepton_spark.config.column import NUMBERS, Column
from lepton_spark.config.document import refuse
from lepton_spark.config.nearest import nearest
from lepton_spark.config.pattern import PatternError, read_pattern
from lepton_spark.config.rule_reader import Comparison, Content, RuleReader, SeverityOf
from lepton_spark.config.table_rules import Compared, Counted, Filled, Promise, RowSeverity, Unique

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.config.document import Document, KeyPath
    from lepton_spark.config.model import Settings

PART_KINDS = frozenset({"string", "boolean", "integer"})
_IMPLEMENTATIONS: Mapping[str, type[Settings]] = {
    "severity_of": SeverityOf,
    "null_rate": Comparison,
    "median": Comparison,
    "share": Comparison,
    "not_constant": Content,
    "not_all_null": Content,
}


class QualityReader:
    """Reads the rules of one property, adding to its column what they say of cells.

    Args:
        path: Of the property in the document.
        column: As read so far; `column` and `promises` hold the result.
        others: All columns of the table, by name.
    """

    def __init__(
        self, document: Document, path: KeyPath, column: Column, others: Mapping[str, Column]
    ) -> None:
        self.column = column
        self.promises: list[Promise] = []
        self._document = document
        self._path = path
        self._others = others

    def read(self, quality: list[Any]) -> None:
        """Take in every entry.

        Raises:
            ConfigError: One is not executed here, or does not fit the column.
        """
        for index in range(len(quality)):
            rule = RuleReader(self._document, (*self._path, "quality", index))
            if rule.is_documentation:
                continue
            rule.check()
            if rule.is_custom:
                self._custom(rule)
            else:
                self._library(rule)

    def _library(self, rule: RuleReader) -> None:
        metric = rule.written.get("metric", "")
        known = {
            "nullValues": self._nulls,
            "missingValues": self._missing,
            "invalidValues": self._invalid,
            "duplicateValues": self._duplicates,
        }
        if metric not in known:
            rule.refuse(
                "metric", f"the metric {metric} is not executed here", nearest(metric, known)
            )
        known[metric](rule)

    def _nulls(self, rule: RuleReader) -> None:
        rule.arguments(())
        self._count(rule, "missing", is_there=self._promises("missing"))
        self.column = replace(self.column, missing=())

    def _missing(self, rule: RuleReader) -> None:
        values = rule.listed("missingValues")
        texts = [value for value in values if value is not None]
        if self.column.kind != "string" or not all(isinstance(text, str) for text in texts):
            rule.refuse("arguments", "missingValues are text, of string columns", "quote them")
        if None not in values:
            rule.refuse("arguments", "missingValues lacks null", "an empty cell is null: add null")
        self._count(rule, "missing", is_there=self._promises("missing"))
        self.column = replace(self.column, missing=tuple(texts))

    def _invalid(self, rule: RuleReader) -> None:
        if "pattern" in (rule.written.get("arguments") or {}):
            self._pattern(rule)
            return
        values = rule.listed("validValues")
        is_text = bool(values) and all(isinstance(value, str) for value in values)
        if self.column.kind != "string" or not is_text:
            rule.refuse(
                "arguments",
                "validValues are text, and only string columns have them",
                "quote the values, or use minimum and maximum",
            )
        self._count(rule, "not_allowed", is_there=self._promises("not_allowed"))
        self.column = replace(self.column, allowed=tuple(values))

    def _pattern(self, rule: RuleReader) -> None:
        pattern = rule.arguments({"pattern"})["pattern"]
        if self.column.kind != "string":
            rule.refuse("arguments", f"{self.column.name} is no string column, to have a pattern")
        try:
            read_pattern(pattern)
        except PatternError as error:
            rule.refuse("arguments", f"the pattern is not executed: {error.why}", error.fix)
        self._count(rule, "bad_pattern", is_there=self._promises("bad_pattern"))
        self.column = replace(self.column, pattern=pattern)

    def _duplicates(self, rule: RuleReader) -> None:
        rule.arguments(())
        self.promises += unique_promises(rule, (self.column.name,))

    def _count(self, rule: RuleReader, code: str, *, is_there: bool) -> None:
        """Note what a row that breaks a promise of cells becomes."""
        if is_there:
            rule.refuse(
                "metric",
                f"{code}:{self.column.name} is promised twice",
                "write it once; severity_of gives a severity to one that is written elsewhere",
            )
        limit = rule.limit()
        severity: RowSeverity = "counted"
        if (limit.operator, limit.low) == ("mustBe", 0):
            severity = rule.severity()
        else:
            self.promises.append(
                Counted(
                    counts=f"{code}:{self.column.name}",
                    limit=limit,
                    in_percent=rule.in_percent(),
                    severity=rule.severity(),
                    place=rule.place,
                )
            )
        self._set(code, severity)

    def _custom(self, rule: RuleReader) -> None:
        said = rule.implementation(_IMPLEMENTATIONS)
        if isinstance(said, SeverityOf):
            self._severity_of(rule, said.severity_of)
        elif isinstance(said, Content):
            self.promises.append(
                Filled(
                    column=self.column.name,
                    varies=said.rule == "not_constant",
                    min_rows=said.min_rows,
                    severity=rule.severity(),
                    place=rule.place,
                )
            )
        elif isinstance(said, Comparison):
            self.promises.append(comparison(rule, said, self.column, self._others))

    def _severity_of(self, rule: RuleReader, code: str) -> None:
        if not self._promises(code):
            rule.refuse("implementation", f"{self.column.name} does not promise what {code} breaks")
        if code == "missing":
            required = rule.severity() != "warning"
            self.column = replace(self.column, required=required, missing=self.column.missing or ())
        self._set(code, rule.severity())

    def _promises(self, code: str) -> bool:
        column = self.column
        return {
            "missing": column.required or column.missing is not None,
            "out_of_range": (column.minimum, column.maximum) != (None, None),
            "bad_pattern": column.pattern is not None,
            "too_long": column.max_length is not None,
            "not_allowed": column.allowed is not None,
        }[code]

    def _set(self, code: str, severity: RowSeverity) -> None:
        kept = tuple(pair for pair in self.column.severities if pair[0] != code)
        # An error is what every promise is without a word.
        added = () if severity == "error" else ((code, severity),)
        self.column = replace(self.column, severities=(*kept, *added))


def unique_promises(rule: RuleReader, columns: tuple[str, ...]) -> list[Promise]:
    """Columns that hold each value once, or only so many values again."""
    limit, severity = rule.limit(), rule.severity()
    if (limit.operator, limit.low) == ("mustBe", 0):
        return [Unique(columns=columns, row_severity=severity, severity=severity, place=rule.place)]
    marked = Unique(columns=columns, row_severity="counted", severity=severity, place=rule.place)
    counted = Counted(
        counts=marked.code,
        limit=limit,
        in_percent=rule.in_percent(),
        severity=severity,
        place=rule.place,
    )
    return [marked, counted]


def comparison(
    rule: RuleReader, said: Comparison, column: Column | None, others: Mapping[str, Column]
) -> Compared:
    """A measure that is compared with earlier days.

    Raises:
        ConfigError: The column cannot be measured so, or a part would tell a personal value.
    """
    if said.rule == "median" and column is not None and column.kind not in NUMBERS:
        _unfit(rule, f"{column.name} is a {column.kind}", "only numbers have a median")
    if said.rule == "share" and column is not None and column.kind not in PART_KINDS:
        _unfit(rule, f"{column.name} is a {column.kind}", "it has no categories")
    if said.rule == "share" and said.by:
        rule.refuse("implementation", "a share has no parts", "remove by")
    if column is not None and said.rule in ("median", "share"):
        _refuse_personal(rule, column)
    for name in said.by:
        if name not in others or name == (column and column.name):
            rule.refuse("implementation", f"by names {name}", nearest(name, others))
        if others[name].kind not in PART_KINDS:
            _unfit(rule, f"{name} is a {others[name].kind}", "it has no categories")
        _refuse_personal(rule, others[name])
    return Compared(
        measure=said.rule,
        column=None if column is None else column.name,
        days=said.days,
        within=said.within,
        by=said.by,
        min_rows=said.min_rows,
        min_days=min(said.min_days, said.days),
        severity=rule.severity(),
        place=rule.place,
    )


def _unfit(rule: RuleReader, what: str, why: str) -> None:
    refuse(rule.place, what, why, "use another column, or another rule", code="LS-1073")


def _refuse_personal(rule: RuleReader, column: Column) -> None:
    if column.is_personal:
        refuse(
            rule.place,
            f"{column.name} holds personal or guarded values",
            "its contract classifies it so; a median and the name of a category are values",
            "measure its null_rate, or another column",
            code="LS-1074",
        )
