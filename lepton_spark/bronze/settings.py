"""By which settings of their format the files of a bronze table were read, as its commits say."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lepton_spark.config.format import FixedWidth
from lepton_spark.lake.marker import json_digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lepton_spark.config.format import Format
    from lepton_spark.lake.marker import Marker

logger = logging.getLogger(__name__)
_FACT = "read_by"


def read_by(settings: Format) -> dict[str, str]:
    """What a commit says of the settings that its files were read by: a digest.

    Args:
        settings: Of the source. One that has its default counts as one that is not written, so
            that a release with a new setting changes no digest.
    """
    # Nulls count when rows are refined; other columns refuse a file, or rows of fixed width.
    later = {"nulls"} if isinstance(settings, FixedWidth) else {"nulls", "extra_columns"}
    written = settings.model_dump(mode="json", exclude=later, exclude_defaults=True)
    return {_FACT: json_digest([type(settings).__name__, written])[:16]}


def num_read_otherwise(marks: Iterable[Marker | None], settings: Format) -> int:
    """How many files of a table were read by other settings; 0 once others were read by these.

    Args:
        marks: Of all its commits, the oldest first; those that say nothing do not count.
        settings: Of the source as they are now.
    """
    told = [mark for mark in marks if mark is not None and _FACT in mark.facts]
    now = read_by(settings)[_FACT]
    # Who has landed by them knows of it: files may well be written otherwise from some day on.
    if not told or told[-1].facts[_FACT] == now:
        return 0
    return sum(int(mark.facts.get("files", 0)) for mark in told if mark.facts[_FACT] != now)


def tell_read_otherwise(name: str, num_files: int) -> None:
    """Warn that settings have no effect on files that are landed."""
    if num_files:
        logger.warning(
            "%s: %d files were read by other settings of their format, and stay as they were read;"
            " to read them anew move its bronze and silver tables and its quarantined rows away, or"
            " land them under a new source name",
            name,
            num_files,
        )
