"""From a column of a clean table back to the raw columns that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.columns import SilverColumns, dotted
from lepton_spark.config.entity import id_of
from lepton_spark.config.entity_checker import EntityChecker
from lepton_spark.config.expression import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lepton_spark.config.case import Case
    from lepton_spark.config.contract import Contract
    from lepton_spark.config.entity import Entity
    from lepton_spark.config.source import LocalTime


class Lineage:
    """Follows columns through look-ups, times and expressions, across the sources of a case."""

    def __init__(self, case: Case, contracts: Mapping[str, Contract]) -> None:
        self._case = case
        self._contracts = contracts
        self._silver = SilverColumns(case, contracts)
        for entity in case.entities:
            checker = EntityChecker(case, self._silver, dotted)
            self._silver.learn(entity, checker.check_entity(entity))

    def kind(self, source: str, column: str) -> str:
        """Kind of a clean column, as in contracts."""
        return self._silver.of(source)[column].kind

    def raw(self, source: str, column: str) -> frozenset[str]:
        """What a column of a clean table is made of, as `source.column` of contracts.

        What says where a row is from is `source (file)` and `source (row)`. For a column that was
        looked up, those of the reference and those that it was found by; for one of an entity,
        those of all its members.
        """
        if (entity := self._case.entities.get(source)) is not None:
            return self._raw_of_entity(source, entity, column)
        settings = self._case.sources[source]
        if column in {each.name for each in self._contracts[settings.contract].columns}:
            return frozenset({f"{source}.{column}"})
        for part in ("file", "row"):
            if getattr(settings.origin, part) == column:
                return frozenset({f"{source} ({part})"})
        for lookup in settings.lookup:
            if column in lookup.take:
                found = self.raw(lookup.source, lookup.take[column])
                return found | self._raw_of_all(source, lookup.on)
        if column in settings.times:
            return self._raw_of_time(source, settings.times[column])
        return self.raw_of(source, settings.derive[column])

    def raw_of(self, source: str, expression: str) -> frozenset[str]:
        """What an expression over a clean table is made of; nothing for `*`."""
        if expression == "*":
            return frozenset()
        columns = {name: column.kind for name, column in self._silver.of(source).items()}
        checked = parse(expression, columns=columns, where=source)
        return self._raw_of_all(source, checked.columns)

    def _raw_of_entity(self, name: str, entity: Entity, column: str) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for member in entity.sources:
            # The name of an entity is made of the keys of its members.
            is_name = column == id_of(name)
            key = self._case.sources[member].key
            found |= self._raw_of_all(
                member, key if is_name else [entity.column_of(member, column)]
            )
        return found

    def _raw_of_time(self, source: str, time: LocalTime) -> frozenset[str]:
        read = [*time.reads, *([time.after] if time.after else [])]
        if time.zone in self._silver.of(source):
            read.append(time.zone)
        found = self._raw_of_all(source, read)
        return found if time.near is None else found | self.raw_of(source, time.near)

    def _raw_of_all(self, source: str, columns: Iterable[str]) -> frozenset[str]:
        return frozenset().union(*(self.raw(source, column) for column in columns))
