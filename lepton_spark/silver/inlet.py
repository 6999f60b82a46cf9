"""What a source has to refine, as the log tells it or as its tables are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lepton_spark.bronze.landed import StoredFile, told_by
from lepton_spark.quality.accounting import FileState

if TYPE_CHECKING:
    from lepton_spark.lake.catalog import TableId
    from lepton_spark.lake.marker import Marker

REPLAYED = "replayed"  # fact of a commit of quarantine: tables whose rows it gave back


@dataclass(frozen=True)
class Inlet:
    """One source as it was found: what is in its tables, and what is not refined.

    Args:
        bronze_version: Of its bronze table; nothing that lands later is looked at.
        silver_version: -1 where there is no table yet.
        files: Those to refine.
        is_last: Whether none of that version has yet to arrive.
    """

    name: str
    bronze: TableId
    silver: TableId
    bronze_version: int
    silver_version: int
    files: tuple[FileState, ...] = ()
    is_last: bool = True

    @property
    def is_waiting(self) -> bool:
        """Whether there is anything to do; a table is made even where all its files are empty."""
        return bool(self.files) or self.silver_version < 0

    @property
    def state(self) -> str:
        """What is true of the clean table now, for errors."""
        version = self.silver_version
        is_at = f"is still at version {version}" if version >= 0 else "is not made yet"
        return f"{self.silver} {is_at}"

    def as_told(self, landed: Sequence[StoredFile], moment: datetime) -> Inlet:
        """With the files that were landed since; those not there at the moment are left out."""
        here = [file for file in landed if file.has_arrived(moment)]
        files = tuple(FileState(file.path, file.sha256, file.records, 0, 0) for file in here)
        return replace(self, files=files, is_last=len(here) == len(landed))

    def as_found(self, rows: Sequence[Sequence[Any]]) -> Inlet:
        """With the states of files that a query gave; a file without name has yet to arrive."""
        states = [FileState(*row) for row in rows]
        files = tuple(state for state in states if state.file is not None)
        return replace(self, files=files, is_last=len(files) == len(states))


def landed_since(
    bronze: Iterable[Marker | None] | None,
    quarantine: Iterable[Marker | None] | None,
    case: str,
    table: str,
) -> list[StoredFile] | None:
    """The files that a source has landed since it was refined; None where marks cannot say.

    Args:
        bronze: Marks of its bronze table since then; None where it was set back.
        quarantine: Those of quarantine; whoever else deletes rows there wants them refined again.
        case: Its name. A mark of this case may be of a run that was killed, and that left rows
            of these very files in quarantine.
        table: Its silver table. A mark may be of a replay that was killed when it had taken rows
            of this table out of quarantine.
    """
    files = None if bronze is None else told_by(bronze)
    marks = None if quarantine is None else list(quarantine)
    if files is None or marks is None:
        return None
    cases = {mark and mark.facts.get("case") for mark in marks}
    if None in cases or any(table in mark.facts.get(REPLAYED, ()) for mark in marks if mark):
        return None
    return None if files and case in cases else files
