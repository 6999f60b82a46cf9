"""What a data contract says of its table as a whole, besides the rules of its properties."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from lepton_spark.config.document import refuse
from lepton_spark.config.nearest import nearest
from lepton_spark.config.quality_reader import comparison, unique_promises
from lepton_spark.config.rule_reader import Comparison, RuleReader, at, check_keys, severity_of
from lepton_spark.config.table_rules import ROWS, Counted, Fresh, Promise, Relationship, Unique

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.config.column import Column
    from lepton_spark.config.document import Document, KeyPath
    from lepton_spark.config.table_rules import Severity

_TABLE: KeyPath = ("schema", 0)
_KEYS = frozenset({"name", "properties", "quality", "relationships"})
_DOCUMENTATION = frozenset(
    {"id", "physicalType", "physicalName", "logicalType", "description", "businessName",
     "deprecated", "synonyms", "authoritativeDefinitions", "tags", "customProperties",
     "dataGranularityDescription", "context"}
)  # fmt: skip
_FRESH = frozenset({"latency", "ly", "freshness"})
# What the people behind a table promise; no run can see it.
_SERVICE = frozenset(
    {"availability", "av", "generalavailability", "ga", "endofsupport", "es", "endoflife", "el",
     "timetodetect", "td", "timetonotify", "tn", "timetorepair", "tr"}
)  # fmt: skip
_MOST_DAYS = 36_500
_UNITS = {
    **dict.fromkeys(("h", "hr", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
}


class TableRuleReader:
    """Reads `quality` and `relationships` of the table and `slaProperties` of the contract.

    Args:
        columns: All of the table, by name; `promises` holds the result.
    """

    def __init__(self, document: Document, columns: Mapping[str, Column]) -> None:
        self.promises: list[Promise] = []
        self._document = document
        self._columns = columns
        self._table: dict[str, Any] = at(document, _TABLE)

    def read(self) -> None:
        """Take in everything.

        Raises:
            ConfigError: Something is not executed here, or does not fit the columns.
        """
        check_keys(self._document, _TABLE, _KEYS, _DOCUMENTATION)
        for index in range(len(self._table.get("quality") or [])):
            rule = RuleReader(self._document, (*_TABLE, "quality", index))
            if not rule.is_documentation:
                rule.check()
                self._quality(rule)
        for index in range(len(self._table.get("relationships") or [])):
            self._relationship((*_TABLE, "relationships", index))
        for index in range(len(self._document.values.get("slaProperties") or [])):
            self._service_level(("slaProperties", index))
        if "slaDefaultElement" in self._document.values:
            self._refuse(("slaDefaultElement",), "it is deprecated", "write element: column")

    def read_property(self, path: KeyPath, name: str) -> None:
        """Take in `unique` and `relationships` of one property."""
        written = at(self._document, path)
        if written.get("unique"):
            place = self._document.place_of((*path, "unique"))
            self.promises.append(Unique(columns=(name,), place=place))
        for index in range(len(written.get("relationships") or [])):
            self._relationship((*path, "relationships", index), name)

    def _quality(self, rule: RuleReader) -> None:
        metric = rule.written.get("metric", "")
        if rule.is_custom:
            said = rule.implementation({"volume": Comparison})
            self.promises.append(comparison(rule, said, None, self._columns))
        elif metric == "rowCount":
            rule.arguments(())
            if rule.in_percent():
                rule.refuse("unit", "a number of rows is no share", "write unit: rows")
            self.promises.append(
                Counted(counts=ROWS, limit=rule.limit(), severity=rule.severity(), place=rule.place)
            )
        elif metric == "duplicateValues":
            names = rule.listed("properties")
            columns = tuple(self._known((*rule.path, "arguments"), name) for name in names)
            if not columns:
                rule.refuse("arguments", "properties is empty", "name the columns")
            self.promises += unique_promises(rule, columns)
        else:
            known = ("rowCount", "duplicateValues")
            rule.refuse(
                "metric", f"the metric {metric} is not executed here", nearest(metric, known)
            )

    def _relationship(self, path: KeyPath, column: str | None = None) -> None:
        check_keys(
            self._document, path, {"type", "from", "to", "customProperties"}, {"id", "description"}
        )
        written = at(self._document, path)
        if written.get("type", "foreignKey") != "foreignKey":
            self._refuse((*path, "type"), "the relationship is no foreignKey", "remove type")
        if (column is None) != ("from" in written):
            self._refuse(path, "from belongs to relationships of the table only", "move it")
        targets = [self._target((*path, "to"), text) for text in _listed(written.get("to"))]
        given = [column] if column is not None else _listed(written["from"])
        names = tuple(
            self._known((*path, "from"), str(name).removeprefix(f"{self._table.get('name')}."))
            for name in given
        )
        tables = {table for table, _ in targets}
        if len(tables) != 1 or len(names) != len(targets):
            self._refuse(path, "from and to do not fit", "name a column of one table for each")
        self.promises.append(
            Relationship(
                columns=names,
                table=tables.pop(),
                found_in=tuple(name for _, name in targets),
                severity=self._severity(path),
                place=self._document.place_of(path),
            )
        )

    def _target(self, path: KeyPath, text: object) -> tuple[str, str]:
        table, _, column = str(text).partition(".")
        if not table.isidentifier() or not column.isidentifier():
            self._refuse(path, "the target is no table.column", "write shops.shop, for example")
        return table, column

    def _service_level(self, path: KeyPath) -> None:
        keys = {"property", "value", "unit", "element", "customProperties"}
        written = at(self._document, path)
        kind = str(written.get("property", ""))
        if kind.lower() in _SERVICE:
            return
        if kind.lower() not in _FRESH:
            known = {"latency", "freshness", "availability", "endOfLife", "endOfSupport"}
            self._refuse((*path, "property"), f"{kind} is not executed", nearest(kind, known))
        check_keys(self._document, path, keys, {"id", "driver", "description"})
        for name in str(written.get("element") or "").split(","):
            short = name.strip().removeprefix(f"{self._table.get('name')}.")
            self.promises.append(self._fresh(path, self._known((*path, "element"), short)))

    def _fresh(self, path: KeyPath, name: str) -> Fresh:
        column, written = self._columns[name], at(self._document, path)
        unit, value = _UNITS.get(str(written.get("unit"))), written.get("value")
        if unit is None or isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(path, "the age is not known", "write value: 26 and unit: h, or d")
        if not 0 < value * (unit / timedelta(days=1)) <= _MOST_DAYS:
            what = f"the age is not above 0, or more than {_MOST_DAYS:,} days"
            self._refuse((*path, "value"), what, "write how old the newest value may be")
        is_date = column.kind == "date"
        if column.kind not in ("date", "timestamp") or (is_date and unit < timedelta(days=1)):
            self._refuse(
                (*path, "element"),
                f"the age of {name}, a {column.kind}, has no such unit",
                "use a timestamp, or a date and unit: d",
                "LS-1073",
            )
        if column.is_personal:
            what = f"{name} holds personal or guarded values, and its age would tell them"
            self._refuse((*path, "element"), what, "use another column", "LS-1074")
        return Fresh(
            column=name,
            at_most=value * unit,
            is_date=is_date,
            severity=self._severity(path),
            place=self._document.place_of(path),
        )

    def _severity(self, path: KeyPath) -> Severity:
        """What stands in the custom property of that name: the standard has no other place."""
        for index, item in enumerate(at(self._document, path).get("customProperties") or []):
            if item.get("property") == "severity":
                place = (*path, "customProperties", index, "value")
                return severity_of(self._document, place, item.get("value"))
        return "error"

    def _known(self, path: KeyPath, name: object) -> str:
        if not isinstance(name, str):
            self._refuse(path, "a column is named by what is no text", "write names of columns")
        if name not in self._columns:
            what = f"{name or 'nothing'} is no column of the contract"
            self._refuse(path, what, nearest(name, self._columns))
        return name

    def _refuse(self, path: KeyPath, what: str, fix: str, code: str = "LS-1070") -> NoReturn:
        why = "a promise that nobody checks is refused"
        refuse(self._document.place_of(path), what, why, fix, code=code)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
