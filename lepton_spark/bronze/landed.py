"""Which raw files a bronze table holds, as the commits that landed them say.

It spares a look at the table. Where a commit does not tell, such as one by somebody else or one of
very many files, there is no answer, and the rows have to be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.lake.marker import Marker

_FACT = "landed"
_EMPTY = "empty"
# A commit that names more would be slow to read for every user of the table.
_MOST_TOLD = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StoredFile:
    """A raw file as it was when it was landed.

    Args:
        size: Bytes.
        modified: Microseconds since 1970-01-01 UTC, as listed.
        arrived: Logical arrival, counted likewise.
        records: How many it holds.
    """

    path: str
    sha256: str
    size: int
    modified: int
    arrived: int
    records: int

    @property
    def modified_at(self) -> datetime:
        """When it was changed last, UTC."""
        return _EPOCH + timedelta(microseconds=self.modified)

    def has_arrived(self, moment: datetime) -> bool:
        """Whether it was there at a moment."""
        return self.arrived <= _micros(moment)


def stored(marks: Iterable[Marker | None], rows: Callable[[], DataFrame]) -> list[StoredFile]:
    """The files of a bronze table, in order of path; those without records have no part in it.

    Args:
        marks: Of all its commits.
        rows: The table; only where the marks do not tell is it read, by one query that collects
            a row a file.
    """
    told = told_by(marks)
    return sorted(_asked(rows()) if told is None else told, key=lambda file: file.path)


def told_by(marks: Iterable[Marker | None]) -> list[StoredFile] | None:
    """The files with records that some commits landed; None where one of them does not tell."""
    found: list[StoredFile] = []
    for mark in marks:
        told = mark.facts.get(_FACT) if mark is not None else None
        if told is None:
            return None
        found += [StoredFile(*file) for file in told]
    return found


def empty_by(marks: Iterable[Marker | None]) -> dict[str, StoredFile]:
    """The files without records that some commits tell of, by path, as the last one found them.

    Where a commit does not tell of its own, they are new at the next landing.
    """
    told = [mark.facts.get(_EMPTY, ()) for mark in marks if mark is not None]
    found = [StoredFile(*file) for files in told for file in files]
    return {file.path: file for file in found}


def as_fact(files: Sequence[LandedFile], records: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
    """What a commit says of the files that it lands; nothing where they are too many.

    Args:
        files: Of the landing.
        records: How many each path gave, and its SHA-256.
    """
    told = [_told(file, *records[file.path]) for file in files]
    empty = [list(astuple(file)) for file in told if file.records == 0]
    facts: dict[str, Any] = {}
    if len(files) <= _MOST_TOLD:
        facts[_FACT] = [list(astuple(file)) for file in told if file.records > 0]
    if 0 < len(empty) <= _MOST_TOLD:
        facts[_EMPTY] = empty
    return facts


def _told(file: LandedFile, num_records: int, sha256: str) -> StoredFile:
    modified, arrived = _micros(file.modified_at), _micros(file.arrived_at)
    return StoredFile(file.path, sha256, file.size, modified, arrived, num_records)


def _asked(rows: DataFrame) -> list[StoredFile]:
    last = rows.filter(F.col("_records").isNotNull())
    instants = (F.unix_micros(name) for name in ("_modified_at", "_arrived_at"))
    columns = last.select("_file", "_sha256", "_size", *instants, "_records")
    return [StoredFile(*row) for row in columns.collect()]


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)
