"""The columns of each source once it is clean: name, kind, and what they were made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lepton_spark.config.clean_checker import check_clean, check_emptied
from lepton_spark.config.document import KeyPath, refuse
from lepton_spark.config.expression import Checked, parse
from lepton_spark.config.moment import has_time, needed_before_lookups, refuse_asking
from lepton_spark.config.nearest import nearest
from lepton_spark.config.zone import is_known_zone

if TYPE_CHECKING:
    from lepton_spark.config.case import Case
    from lepton_spark.config.column import Column
    from lepton_spark.config.contract import Contract
    from lepton_spark.config.source import LocalTime, Lookup

# Says where in the files a key path was written.
Where = Callable[[KeyPath], str]
_OTHER_KIND = "use another column, or cast this one in derive"
_CONTENT = "content"  # the column that holds a whole file


def dotted(path: KeyPath) -> str:
    """A key path without a file, such as `sources.orders.key.0`."""
    return ".".join(str(part) for part in path)


@dataclass(frozen=True)
class SilverColumn:
    """One column of a clean table.

    Args:
        kind: As in contracts.
        reads: Columns of this source that its values come from, itself included.
        is_personal: Its values give away those of a column with a guarded classification.
        is_optional: It is a column of a contract that is not required.
    """

    kind: str
    reads: frozenset[str]
    is_personal: bool
    is_optional: bool = False


Columns = Mapping[str, SilverColumn]


class SilverColumns:
    """Works out the columns of every source of a case, references first."""

    def __init__(
        self, case: Case, contracts: Mapping[str, Contract], where: Where = dotted
    ) -> None:
        self._case = case
        self._contracts = contracts
        self._where = where
        self._known: dict[str, Columns] = {}
        self._open: list[str] = []

    def of(self, source: str) -> Columns:
        """Columns of one source.

        Raises:
            ConfigError: A column that is not there, a name used twice, kinds that do not fit,
                or sources that look each other up in a circle.
        """
        if source in self._known:
            return self._known[source]
        if source in self._open:
            circle = " -> ".join([*self._open[self._open.index(source) :], source])
            refuse(
                self._where(("sources", source, "lookup")),
                f"the look-ups form a circle: {circle}",
                "a reference must be clean before it is looked up",
                "remove one of the look-ups",
                code="LS-1043",
            )
        self._open.append(source)
        self._known[source] = _SourceColumns(self, source).all()
        self._open.pop()
        return self._known[source]

    def learn(self, name: str, columns: Columns) -> None:
        """Remember the columns of a clean table that no source is made into, such as an entity."""
        self._known[name] = columns

    def refuse_unknown(self, path: KeyPath, name: str, known: Columns, owner: str) -> None:
        """See that a source has a column.

        Raises:
            ConfigError: It has not; the nearest known one is named.
        """
        if name in known:
            return
        refuse(
            self._where(path),
            f"{dotted(path)} names {name}, which is no column of {owner}",
            "columns come from the contract, or from lookup, times and derive before them",
            nearest(name, known),
            code="LS-1018",
        )


class _SourceColumns:
    """Collects the columns of one source in the order in which they come to be."""

    def __init__(self, parent: SilverColumns, source: str) -> None:
        self._parent = parent
        self._source = parent._case.sources[source]
        self._where = parent._where
        self._contracts = parent._contracts
        self._path: KeyPath = ("sources", source)
        self._name = source
        self._columns: dict[str, SilverColumn] = {}

    def all(self) -> Columns:
        """Contract, origin, lookup, times and derive, then the expressions that read them."""
        promised = {each.name: each for each in self._contracts[self._source.contract].columns}
        for column in promised.values():
            reads = frozenset({column.name})
            is_optional = not column.is_required and column.name not in self._source.key
            self._columns[column.name] = SilverColumn(
                column.kind, reads, column.is_personal, is_optional
            )
        self._check_content(promised.values())
        for name, clean in self._source.clean.items():
            path = (*self._path, "clean", name)
            self._see(path, name)
            place, column = self._where(path), promised[name]
            check_clean(place, column, clean)
            nulls, is_key = self._source.format.nulls, name in self._source.key
            check_emptied(place, column, clean, nulls, is_key=is_key)
        for part, kind in (("file", "string"), ("row", "integer")):
            if (name := getattr(self._source.origin, part)) is not None:
                given = SilverColumn(kind, frozenset({name}), is_personal=False)
                self._add((*self._path, "origin", part), name, given)
        for index, lookup in enumerate(self._source.lookup):
            self._look_up((*self._path, "lookup", index), lookup)
        for name, time in self._source.times.items():
            self._add_time((*self._path, "times", name), name, time)
        for name, text in self._source.derive.items():
            path = (*self._path, "derive", name)
            self._add_checked(path, name, self._parse(path, text))
        self._check_uses()
        return self._columns

    def _check_uses(self) -> None:
        for index, name in enumerate(self._source.key):
            self._see((*self._path, "key", index), name)
        for key in ("known_at", "happened_at"):
            if (instant := getattr(self._source, key)) is not None:
                path = (*self._path, key)
                self._demand(path, self._parse(path, instant).kind, {"timestamp"})
        self._check_asked()
        if (near := self._source.near_duplicates) is not None:
            path = (*self._path, "near_duplicates", "column")
            self._see(path, near.column)
            self._demand(path, self._columns[near.column].kind, {"string"})
        if self._source.arrives is not None and "{date}" not in self._source.path:
            refuse(
                self._where((*self._path, "arrives")),
                f"{self._name} arrives by date, but its path has no {{date}}",
                "the date in the name of a file says when it is there",
                "write {date} into the path, or remove arrives",
                code="LS-1044",
            )

    def _check_asked(self) -> None:
        """See that every look-up can find something."""
        if self._source.arrives is not None:
            return
        is_told = needed_before_lookups(self._source, [*self._columns]) is not None
        for index, lookup in enumerate(self._source.lookup):
            if not is_told and has_time(self._parent._case.sources[lookup.source]):
                place = self._where((*self._path, "lookup", index))
                refuse_asking(place, self._name, self._source, lookup.source, before=True)

    def _check_content(self, promised: Iterable[Column]) -> None:
        """The content of whole files is text or bytes."""
        files = self._source.files
        if files is None:
            return
        kind = "string" if files.content == "text" else "binary"
        for column in promised:
            if (column.header or column.name) == _CONTENT and column.kind != kind:
                refuse(
                    self._where((*self._path, "files", _CONTENT)),
                    f"{column.name} is a {column.kind} in the contract {self._source.contract}",
                    f"the content of these files is a {kind}",
                    "write logicalType: string in the contract"
                    + (", and physicalType: binary" if kind == "binary" else ""),
                    code="LS-1033",
                )

    def _look_up(self, path: KeyPath, lookup: Lookup) -> None:
        case = self._parent._case
        if lookup.source not in case.sources:
            refuse(
                self._where((*path, "from")),
                f"{dotted((*path, 'from'))} names {lookup.source}, which is no source",
                "a reference is one of the sources of the case",
                nearest(lookup.source, case.sources),
                code="LS-1019",
            )
        reference = self._parent.of(lookup.source)
        self._check_join(path, lookup, reference)
        for name, taken in lookup.take.items():
            place = (*path, "take", name)
            self._parent.refuse_unknown(place, taken, reference, lookup.source)
            reads = frozenset({name, *lookup.on})
            found = reference[taken]
            self._add(place, name, SilverColumn(found.kind, reads, found.is_personal))
        for name in lookup.otherwise:
            place = (*path, "otherwise", name)
            self._parent.refuse_unknown(
                place, name, {n: reference[t] for n, t in lookup.take.items()}, "take"
            )
            self._demand(place, self._columns[name].kind, {"string"})

    def _check_join(self, path: KeyPath, lookup: Lookup, reference: Columns) -> None:
        key = self._parent._case.sources[lookup.source].key
        if set(lookup.on.values()) != set(key) or len(lookup.on) != len(key):
            refuse(
                self._where((*path, "on")),
                f"{dotted((*path, 'on'))} is not the key of {lookup.source}",
                "a look-up finds at most one row, so it joins on the whole key",
                f"join on {', '.join(key)}",
                code="LS-1045",
            )
        for mine, other in lookup.on.items():
            place = (*path, "on", mine)
            self._see(place, mine)
            self._demand(place, self._columns[mine].kind, {reference[other].kind})

    def _add_time(self, path: KeyPath, name: str, time: LocalTime) -> None:
        kinds = {"date": {"date"}, "clock": {"integer", "string"}, "text": {"string"}}
        for key, wanted in kinds.items():
            column = getattr(time, key)
            if column is not None:
                self._see((*path, key), column)
                self._demand(
                    (*path, key),
                    self._columns[column].kind,
                    wanted,
                    "times are read before derive: declare the column as a "
                    f"{max(wanted)} in the contract, or use another",
                )
        if time.zone in self._columns:
            self._demand((*path, "zone"), self._columns[time.zone].kind, {"string"})
        elif not is_known_zone(time.zone):
            self._refuse_derived((*path, "zone"), time.zone)
            refuse(
                self._where((*path, "zone")),
                f"{dotted((*path, 'zone'))} is neither a column of {self._name} nor a time zone",
                "a local time needs the zone of its place",
                f"name an IANA zone, such as Europe/Vienna, or a column: "
                f"{nearest(time.zone, self._columns)}",
                code="LS-1018",
            )
        if time.after is not None:
            self._see((*path, "after"), time.after)
            self._demand((*path, "after"), self._columns[time.after].kind, {"timestamp"})
        if time.near is not None:
            checked = self._parse((*path, "near"), time.near)
            self._demand((*path, "near"), checked.kind, {"timestamp"})
        reads = frozenset().union(*(self._columns[each].reads for each in time.reads)) | {name}
        is_personal = any(self._columns[each].is_personal for each in time.reads)
        self._add(path, name, SilverColumn("timestamp", reads, is_personal))

    def _add_checked(self, path: KeyPath, name: str, checked: Checked) -> None:
        if checked.kind is None or checked.kind == "interval":
            refuse(
                self._where(path),
                f"the type of {name} is {checked.kind or 'not known'}",
                "a column is text, a number, a boolean, a date or a timestamp",
                "cast it; of two instants take unix_seconds(b) - unix_seconds(a)",
                code="LS-1033",
            )
        reads = frozenset().union(*(self._columns[c].reads for c in checked.columns)) | {name}
        is_personal = any(self._columns[c].is_personal for c in checked.exposed)
        self._add(path, name, SilverColumn(checked.kind, reads, is_personal))

    def _add(self, path: KeyPath, name: str, column: SilverColumn) -> None:
        taken = {known.lower(): known for known in self._columns}
        if name.lower() in taken:
            refuse(
                self._where(path),
                f"{name} is already a column of {self._name}, as {taken[name.lower()]}",
                "a name means one thing, and Spark does not tell upper from lower case",
                "choose another name",
                code="LS-1042",
            )
        self._columns[name] = column

    def _parse(self, path: KeyPath, text: str) -> Checked:
        kinds = {name: column.kind for name, column in self._columns.items()}
        return parse(text, columns=kinds, where=f"{self._where(path)}: {dotted(path)}")

    def _see(self, path: KeyPath, name: str) -> None:
        self._refuse_derived(path, name)
        self._parent.refuse_unknown(path, name, self._columns, self._name)

    def _refuse_derived(self, path: KeyPath, name: str) -> None:
        if name in self._source.derive and name not in self._columns:
            refuse(
                self._where(path),
                f"{dotted(path)} names {name}, which is only derived later",
                "derive comes after clean, lookup and times, and may read what they give",
                "name a column of the contract or of a lookup, as it is in the file",
                code="LS-1018",
            )

    def _demand(
        self, path: KeyPath, kind: str | None, wanted: set[str], fix: str = _OTHER_KIND
    ) -> None:
        demand(self._where(path), dotted(path), kind, wanted, fix)


def demand(
    place: str, what: str, kind: str | None, wanted: set[str], fix: str = _OTHER_KIND
) -> None:
    """See that a value has one of some kinds; an unknown kind is let through.

    Raises:
        ConfigError: It has another.
    """
    if kind is None or kind in wanted:
        return
    refuse(
        place,
        f"{what} is a {kind}",
        f"a {' or '.join(sorted(wanted))} is needed here",
        fix,
        code="LS-1033",
    )
