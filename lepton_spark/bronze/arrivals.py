"""Which files of a landing folder belong to a source, and when each of them was there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.config.source import Arrival

# Before any row that a table holds (quality/span.py): a file without a date is always known.
ALWAYS = datetime(1678, 1, 1, tzinfo=UTC)
_DATE = "{date}"


class Listed(Protocol):
    """What a listing says of a file."""

    @property
    def path(self) -> str:
        """Below the listed folder."""

    @property
    def uri(self) -> str:
        """Where it is."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def modified_at(self) -> datetime:
        """Last change, UTC."""


@dataclass(frozen=True)
class LandedFile:
    """One raw file that may be read.

    Args:
        path: Relative to the landing folder of the case.
        size: Bytes, as listed.
        modified_at: As listed, UTC, whole microseconds.
        arrived_at: Logical arrival, UTC: from the date in its path, never from the disk.
        partition: Of a file in a Delta table: columns that all its rows have the value of, as text.
    """

    path: str
    uri: str
    size: int
    modified_at: datetime
    arrived_at: datetime
    partition: tuple[tuple[str, str | None], ...] = ()


def fixed_folder(pattern: str) -> str:
    """The part of a source's path before the first segment with a `{date}` or `*`; may be empty."""
    folders = pattern.split("/")[:-1]
    fixed = []
    for folder in folders:
        if "*" in folder or _DATE in folder:
            break
        fixed.append(folder)
    return "/".join(fixed)


def is_pattern(path: str) -> bool:
    """Whether a source's path may match more than one file."""
    return "*" in path or _DATE in path


def visible(
    files: Iterable[Listed], path: str, arrives: Arrival | None, *, until: datetime
) -> tuple[LandedFile, ...]:
    """The files of a source that were there at a moment, in order of arrival and path.

    Args:
        files: A listing with paths relative to the landing folder of the case.
        path: The source's path; `{date}` is an ISO date, `*` any characters but a slash.
        arrives: When the file of a date is there; without it all files always were.
        until: The moment, UTC; a file that arrives at this very instant is there.

    Raises:
        DataError: The date in a file's path is in no calendar.
    """
    expression = expression_of(path)
    found = []
    for listed in files:
        match = expression.fullmatch(listed.path)
        arrived_at = _arrival(match, arrives) if match else None
        if arrived_at is not None and arrived_at <= until:
            modified_at = listed.modified_at.astimezone(UTC)
            found.append(LandedFile(listed.path, listed.uri, listed.size, modified_at, arrived_at))
    return tuple(sorted(found, key=lambda file: (file.arrived_at, file.path)))


def expression_of(path: str) -> re.Pattern[str]:
    """What the paths of a source's files match as a whole; the date, if any, is group `date`."""
    pieces = {_DATE: r"(?P<date>\d{4}-\d{2}-\d{2})", "*": r"[^/]*"}
    parts = re.split(r"(\{date\}|\*)", path)
    text = "".join(pieces.get(part, re.escape(part)) for part in parts)
    # Hidden names are other programs' work in progress, as `config.location.is_hidden` has it; in
    # words that Java's expressions have too.
    return re.compile(r"(?!(?:.*/)?(?:[.]|_[^/=]*(?:/|$)))" + text)


def nearest(name: str, names: Iterable[str], *, limit: int = 3) -> list[str]:
    """The names most like one that is not there, best first."""
    return difflib.get_close_matches(name, sorted(set(names)), n=limit, cutoff=0.4)


def spread(files: Sequence[LandedFile], num_tasks: int) -> list[list[LandedFile]]:
    """Deal files to tasks so that each gets about the same bytes; no task is left empty."""
    tasks: list[list[LandedFile]] = [[] for _ in range(min(num_tasks, len(files)))]
    loads = [0] * len(tasks)
    for file in sorted(files, key=lambda file: (-file.size, file.path)):
        lightest = min(range(len(tasks)), key=lambda task: (loads[task], task))
        tasks[lightest].append(file)
        loads[lightest] += file.size + 4096  # opening a file costs too
    return [sorted(task, key=lambda file: (file.arrived_at, file.path)) for task in tasks]


def _arrival(match: re.Match[str], arrives: Arrival | None) -> datetime | None:
    """When a matched file was there; none where that instant is in no calendar."""
    text = match.groupdict().get("date")
    if text is None:
        return ALWAYS
    day = _day(match[0], text)
    if arrives is None:
        return ALWAYS
    try:
        day += timedelta(days=arrives.days)
        local = datetime.combine(day, time.fromisoformat(arrives.time), ZoneInfo(arrives.zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(path: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DataError(
            "LS-2159",
            f"{path}: the date in its path is in no calendar.",
            "it says when the file arrived, and a file that is left out in silence is lost.",
            "give the file its true date, or move it out of the landing folder.",
        ) from None
