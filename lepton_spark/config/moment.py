"""When a row asks other tables: as it arrived, or, of a file without a date, as it was known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.document import refuse
from lepton_spark.config.expression import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from lepton_spark.config.source import LocalTime, Source


def has_time(source: Source) -> bool:
    """Whether rows of a source come to be known one after the other."""
    return source.arrives is not None or source.known_at is not None


def needed_before_lookups(source: Source, columns: Collection[str]) -> frozenset[str] | None:
    """What `known_at` is made of, where that can be said before anything is looked up.

    Args:
        source: Of files without a date; those of others ask as they arrived.
        columns: All columns of its clean table.

    Returns:
        Names of columns; None where the source has no `known_at`, or one that reads what is looked
        up.
    """
    if source.known_at is None:
        return None
    found: set[str] = set()
    open_ = list(_read(source.known_at, columns))
    while open_:
        name = open_.pop()
        if name not in found:
            found.add(name)
            open_ += _made_of(source, name, columns)
    taken = {name for lookup in source.lookup for name in lookup.take}
    return None if found & taken else frozenset(found)


def _made_of(source: Source, name: str, columns: Collection[str]) -> Iterable[str]:
    if name in source.derive:
        return _read(source.derive[name], columns)
    return _read_by_time(source.times[name], columns) if name in source.times else ()


def _read_by_time(time: LocalTime, columns: Collection[str]) -> Iterable[str]:
    others = (time.zone, *((time.after,) if time.after is not None else ()))
    named = {name for name in (*time.reads, *others) if name in columns}
    return named if time.near is None else named | _read(time.near, columns)


def _read(text: str, columns: Collection[str]) -> frozenset[str]:
    return parse(text, columns=columns, where="known_at").columns


def refuse_asking(place: str, name: str, source: Source, other: str, *, before: bool) -> None:
    """Refuse a source whose rows find nothing in a table that came to be known over time.

    Args:
        place: Where in the files the other table is named.
        name: The source, which has no `arrives`.
        source: Its settings.
        other: The source of the other table, which has a time.
        before: Whether the moment must be known before anything is looked up.

    Raises:
        ConfigError: Always.
    """
    reads = "known_at reads what is looked up" if source.known_at else "they are always known"
    limit = " that reads no looked-up column" if before else ""
    refuse(
        place,
        f"{name} looks in {other}, whose rows are known from some day on, and does not say as of"
        f" when: {reads}",
        "a row finds what was known when it came, and nothing was known since ever",
        f"give {name} arrives, or a known_at{limit}; or remove arrives and known_at of {other}",
        code="LS-1107",
    )
