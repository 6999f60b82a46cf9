"""One key with most of the rows: it goes to one task, however many there are."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

logger = logging.getLogger(__name__)

GROUP = "_group"
_FEWEST_ROWS = 100
_MOST_SHARE = 0.5


class LargestGroup(NamedTuple):
    """The key that most rows of one arrival have: how many, and a hash of the key."""

    rows: int
    key_hash: int


def largest(groups: Iterable[tuple[int, int] | None]) -> LargestGroup | None:
    """The largest of some groups; null ones are left out."""
    found = [LargestGroup(*group) for group in groups if group is not None]
    return max(found, default=None)


def skewed(group: LargestGroup | None, num_rows: int) -> Mapping[str, Any]:
    """`largest_key` with its rows, share and hash where it has more than half of at least 100."""
    if group is None or num_rows < _FEWEST_ROWS or group.rows <= _MOST_SHARE * num_rows:
        return {}
    share = round(group.rows / num_rows, 3)
    key = f"{group.key_hash & 0xFFFFFFFFFFFFFFFF:016x}"
    return {"largest_key": {"rows": group.rows, "share": share, "key_hash": key}}


def warn_of_skew(source: str, group: LargestGroup | None, num_rows: int) -> None:
    """Log where one key has most of the new rows; the key itself is not told."""
    for told in skewed(group, num_rows).values():
        logger.warning(
            "%s: %d of %d rows, %.1f%%, have one key (hash %s); one task groups them all",
            source,
            told["rows"],
            num_rows,
            100 * told["share"],
            told["key_hash"],
        )
