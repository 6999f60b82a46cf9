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


def watermark_of(mark: Marker | None) -> Watermark | None:
    """What the newest commit of a silver table says; None where it does not tell."""
    facts: Mapping[str, object] = mark.facts if mark is not None else {}
    bronze, quarantine = facts.get("bronze_version"), facts.get("quarantine_version")
    if isinstance(bronze, int) and isinstance(quarantine, int):
        return Watermark(bronze, quarantine)
    return None


def new_runs(watermark: Watermark, marks: Sequence[Marker | None]) -> list[str] | None:
    """The runs that have landed files since, in order.

    Args:
        watermark: Of the source.
        marks: Those of all versions of its bronze table, from the first.

    Returns:
        Their ids; none where nothing was landed. None where runs cannot tell what is new.
    """
    if len(marks) <= watermark.bronze:
        return None
    old, new = marks[: watermark.bronze + 1], marks[watermark.bronze + 1 :]
    before = {mark.run_id for mark in old if mark is not None}
    runs = [mark.run_id for mark in new if mark is not None]
    if len(runs) < len(new) or before.intersection(runs):
        return None
    return runs
