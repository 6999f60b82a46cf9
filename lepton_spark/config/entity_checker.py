"""Hold the entities of a case against the columns of their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.checker import Checker
from lepton_spark.config.column import NUMBERS
from lepton_spark.config.columns import Columns, SilverColumn, dotted
from lepton_spark.config.entity import block_of, compared, id_of, members_of
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.config.document import KeyPath

_TEXT = {"string"}
_KINDS: Mapping[str, set[str]] = {
    "exact": {*NUMBERS, "string", "boolean", "date", "timestamp"},
    "jaro_winkler": _TEXT,
    "jaccard": _TEXT,
    "levenshtein": _TEXT,
    "difference": set(NUMBERS),
    "days": {"date", "timestamp"},
}


class EntityChecker(Checker):
    """Checks that entities can be found, and works out the columns of their tables."""

    def check_entity(self, name: str) -> Columns:
        """Names, columns, comparisons and blocking rules of one entity.

        Returns:
            The columns of its table: its id, and what it keeps.
        """
        self._check_names(name)
        self._check_members(name)
        entity = self.case.entities[name]
        columns = {column: self._column(name, column) for column in entity.columns}
        for column, comparison in entity.match.items():
            path: KeyPath = ("entities", name, "match", column, comparison.kind)
            self.demand(path, columns[column].kind, _KINDS[comparison.kind], column)
        self._check_blocks(name, columns)
        made = SilverColumn("string", frozenset({id_of(name)}), is_personal=False)
        return {id_of(name): made} | {kept: columns[kept] for kept in entity.keep}

    def _check_names(self, name: str) -> None:
        taken = {*self.case.sources, *(members_of(each) for each in self.case.entities)}
        lower = {each.lower() for each in taken}
        if name.lower() in lower or members_of(name).lower() in self._lower_sources():
            self.refuse(
                ("entities", name),
                f"the entity {name} would share the name of a table with another",
                f"it has the tables {name} and {members_of(name)}, beside those of the sources",
                "rename the entity",
                "LS-1077",
            )
        self._check_made_names(name)
        self._check_twins(name)
        if id_of(name).lower() in {each.lower() for each in self.case.entities[name].columns}:
            self.refuse(
                ("entities", name),
                f"{id_of(name)} is a column of the sources and the id of the entity",
                "a name means one thing",
                "name the column otherwise under `columns` of its sources",
                "LS-1077",
            )

    def _check_made_names(self, name: str) -> None:
        """Columns that are made while rows are compared: prepared values, and blocks."""
        entity = self.case.entities[name]
        made = {compared(column).lower() for column in entity.match}
        made |= {block_of(index) for index in range(len(entity.block))}
        for column in entity.columns:
            if column.lower() in made:
                self.refuse(
                    ("entities", name),
                    f"{name} has a column {column}, which is also made while its rows are compared",
                    "a name means one thing",
                    "name the column otherwise under `columns` of its sources",
                    "LS-1077",
                )

    def _check_twins(self, name: str) -> None:
        """See that no two columns differ in upper and lower case only."""
        found: dict[str, str] = {}
        for column in self.case.entities[name].columns:
            if (other := found.setdefault(column.lower(), column)) != column:
                self.refuse(
                    ("entities", name),
                    f"{name} has the columns {other} and {column}",
                    "a name means one thing, and Spark does not tell upper from lower case",
                    "write one of them everywhere, or name it otherwise under `columns` of its"
                    " sources",
                    "LS-1077",
                )

    def _lower_sources(self) -> set[str]:
        return {each.lower() for each in self.case.sources}

    def _check_members(self, name: str) -> None:
        entity = self.case.entities[name]
        for source, member in entity.sources.items():
            path: KeyPath = ("entities", name, "from", source)
            if source not in self.case.sources:
                self.refuse(
                    path,
                    f"{dotted(path)} names {source}, which is no source",
                    "entities are made of rows of the case's sources",
                    nearest(source, self.case.sources),
                    "LS-1019",
                )
            for column in member.columns:
                if column not in entity.columns:
                    self.refuse(
                        (*path, "columns", column),
                        f"{column} is neither compared nor kept by {name}",
                        "a column that nothing uses would be without effect",
                        nearest(column, entity.columns),
                        "LS-1079",
                    )

    def _column(self, name: str, column: str) -> SilverColumn:
        """A column that every source has, of one kind; personal where that of one source is."""
        entity = self.case.entities[name]
        found: dict[str, SilverColumn] = {}
        for source in entity.sources:
            path = ("entities", name, *self._place(name, source, column))
            columns, mine = self.silver.of(source), entity.column_of(source, column)
            self.silver.refuse_unknown(path, mine, columns, source)
            found[source] = columns[mine]
            first = next(iter(found))
            if found[source].kind != found[first].kind:
                self.refuse(
                    path,
                    f"{column} is a {found[first].kind} in {first} and a {found[source].kind}"
                    f" in {source}",
                    "a column of an entity has one kind",
                    "cast one of them in derive, and name the new column under `columns`",
                    "LS-1033",
                )
        is_personal = any(each.is_personal for each in found.values())
        is_optional = any(each.is_optional for each in found.values())
        return SilverColumn(found[first].kind, frozenset({column}), is_personal, is_optional)

    def _place(self, name: str, source: str, column: str) -> KeyPath:
        """Where the author wrote a column: under its source, else where it is used."""
        entity = self.case.entities[name]
        if column in entity.sources[source].columns:
            return ("from", source, "columns", column)
        return ("keep", column) if column in entity.keep else ("match", column)

    def _check_blocks(self, name: str, columns: Columns) -> None:
        """Each comparison is learned from pairs that other columns have brought together."""
        entity = self.case.entities[name]
        reads = [
            self.parse(("entities", name, "block", index), text, columns).columns
            for index, text in enumerate(entity.block)
        ]
        for column in entity.match:
            if all(column in read for read in reads):
                self.refuse(
                    ("entities", name, "block"),
                    f"every blocking rule of {name} reads {column}",
                    "what a column tells is learned from rows that other columns brought"
                    " together: rows that share a block agree in its own columns anyway",
                    f"add a rule that does not read {column}",
                    "LS-1078",
                )
