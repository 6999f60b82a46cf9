"""Hold what contracts promise of whole tables against the sources of a case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.checker import Checker
from lepton_spark.config.document import refuse
from lepton_spark.config.moment import has_time, refuse_asking
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.config.case import Case
    from lepton_spark.config.columns import SilverColumns, Where
    from lepton_spark.config.contract import Contract
    from lepton_spark.config.table_rules import Relationship


def sources_of(
    case: Case, contracts: Mapping[str, Contract], source: str
) -> dict[Relationship, str]:
    """The source in which each relationship of a source looks; its contract has that table."""
    tables = {contracts[each.contract].table: name for name, each in case.sources.items()}
    rules = contracts[case.sources[source].contract].rules
    return {rule: tables[rule.table] for rule in rules.relationships if rule.table in tables}


def needs_of(case: Case, contracts: Mapping[str, Contract]) -> dict[str, set[str]]:
    """Each source and those that must be clean before it: it looks them up, or refers to them."""
    return {
        name: {lookup.source for lookup in source.lookup}
        | set(sources_of(case, contracts, name).values())
        for name, source in case.sources.items()
    }


class RuleChecker(Checker):
    """Checks the rules of every contract that a source of the case points to."""

    def __init__(
        self, case: Case, contracts: Mapping[str, Contract], silver: SilverColumns, where: Where
    ) -> None:
        super().__init__(case, silver, where)
        self._contracts = contracts

    def check(self) -> None:
        """See that days can be told apart, and that every relationship has its table.

        Raises:
            ConfigError: A rule cannot be executed in this case.
        """
        for name in self.case.sources:
            self._check_arrival(name)
            self._check_relationships(name)
        self._check_circles()
        for name in self.case.sources:
            self._check_moments(name)

    def _check_arrival(self, name: str) -> None:
        source = self.case.sources[name]
        compared = self._contracts[source.contract].rules.compared
        if compared and source.arrives is None:
            self.refuse(
                ("sources", name, "arrives"),
                f"{name} does not say when its files arrive",
                f"its contract compares days of arrival, at {compared[0].place}",
                "give arrives, or remove the rule from the contract",
                "LS-1073",
            )

    def _check_relationships(self, name: str) -> None:
        contracts = self._contracts
        tables = [contracts[each.contract].table for each in self.case.sources.values()]
        mine = contracts[self.case.sources[name].contract]
        for rule in mine.rules.relationships:
            if tables.count(rule.table) != 1 or rule.table == mine.table:
                _refuse(
                    rule,
                    f"{rule.table} is not the table of one other source of the case",
                    nearest(rule.table, {table for table in tables if table != mine.table}),
                )
            other = contracts[
                self.case.sources[sources_of(self.case, contracts, name)[rule]].contract
            ]
            for column, found_in in zip(rule.columns, rule.found_in, strict=True):
                if found_in not in other.kinds:
                    _refuse(
                        rule,
                        f"{rule.table} has no column {found_in}",
                        nearest(found_in, other.kinds),
                    )
                if mine.kinds[column] != other.kinds[found_in]:
                    _refuse(
                        rule,
                        f"{column} is a {mine.kinds[column]}, {rule.table}.{found_in} a"
                        f" {other.kinds[found_in]}",
                        "give both one logicalType",
                    )

    def _check_moments(self, name: str) -> None:
        """See that rows can find what they refer to."""
        source = self.case.sources[name]
        for rule, other in sources_of(self.case, self._contracts, name).items():
            if not has_time(source) and has_time(self.case.sources[other]):
                refuse_asking(rule.place, name, source, other, before=False)

    def _check_circles(self) -> None:
        """See that every table can be refined after those that it refers to."""
        open_ = needs_of(self.case, self._contracts)
        while open_:
            free = [name for name, others in open_.items() if not others & open_.keys()]
            if not free:
                contracts = [self._contracts[self.case.sources[name].contract] for name in open_]
                rules = [rule for contract in contracts for rule in contract.rules.relationships]
                _refuse(
                    rules[0],
                    f"{', '.join(sorted(open_))} need each other in a circle",
                    "remove one of the relationships or look-ups",
                )
            for name in free:
                del open_[name]


def _refuse(rule: Relationship, what: str, fix: str) -> None:
    why = "a value is looked for in the clean table of another source, which is refined before"
    refuse(rule.place, what, why, fix, code="LS-1072")
