"""Up to where a source is refined, as the last publication of its silver table says.

It spares the look at every file each night. Whenever something does not fit, such as a commit by
somebody else, it gives no answer, and every file is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lepton_spark.lake.marker import Marker


@dataclass(frozen=True)
class Watermark:
    """What was done when silver was last published.

    Args:
        bronze: Version of the bronze table of which every file is refined.
        quarantine: Version of the quarantine at that time; -1 before there was one.
    """

    bronze: int
    quarantine: int


NOTHING_YET = Watermark(bronze=-1, quarantine=-1)


def watermark_of(mark: Marker | None) -> Watermark | None:
    """What the newest commit of a silver table says; None where it does not tell."""
    facts: Mapping[str, object] = mark.facts if mark is not None else {}
    bronze, quarantine = facts.get("bronze_version"), facts.get("quarantine_version")
    if isinstance(bronze, int) and isinstance(quarantine, int):
        return Watermark(bronze, quarantine)
    return None


def since(version: int, marks: Sequence[Marker | None]) -> list[Marker | None] | None:
    """The marks of later versions; None where the table was set back behind that version.

    Args:
        version: Of a table; -1 before its first.
        marks: Of all its versions, from the first.
    """
    return None if len(marks) <= version else list(marks[version + 1 :])
