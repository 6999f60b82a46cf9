"""A table's Delta log as files: its newest version and the marks in its history, without a JVM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import files
from lepton_spark.lake.catalog import join
from lepton_spark.lake.marker import Marker, marker_from

if TYPE_CHECKING:
    from lepton_spark.lake.files import FileInfo

_AT_ONCE = 16
_DIGITS = 20


def newest_version(folder: str) -> int:
    """The newest version in a table's log; -1 where the folder holds no table.

    Raises:
        EnvironmentFault: The folder holds Parquet files but no log.
    """
    versions = versions_of(folder)
    if versions:
        return versions[0]
    names = files.names_in(folder)
    if "_delta_log" not in names and any(name.endswith(".parquet") for name in names):
        raise EnvironmentFault(
            "LS-5018",
            f"{folder} is a plain Parquet folder, not a Delta table.",
            "tables of the lake have a Delta log.",
            "move it away, or convert it in place with CONVERT TO DELTA.",
        )
    return -1


def versions_of(folder: str) -> list[int]:
    """All versions whose commit is still in the log, newest first."""
    return [version for version, _ in _commits(folder)]


def marker_at(folder: str, version: int) -> Marker | None:
    """The mark of one version; None where the version is not one of ours or is gone."""
    return _mark(version, dict(_commits(folder)).get(version))


def marks(folder: str, until: int) -> list[Marker | None]:
    """The marks of versions 0 to `until`; None for each that is not one of ours or is gone."""
    commits = dict(_commits(folder))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda v: _mark(v, commits.get(v)), range(until + 1)))


def actions(folder: str, version: int) -> Iterator[Mapping[str, Any]]:
    """What one commit does to a table, as the Delta protocol words it: `add`, `remove`, ...

    Raises:
        EnvironmentFault: The commit is damaged.
        FileNotFoundError: It is no longer in the log.
    """
    uri = join(folder, "_delta_log", f"{version:0{_DIGITS}}.json")
    for line in _lines(uri):
        yield _said(line, uri)


def _lines(uri: str) -> list[str]:
    """The documents of a commit. A text in one may hold what else ends a line, such as U+2028."""
    return [line for line in files.read_text(uri).split("\n") if line]


def _said(line: str, uri: str) -> Mapping[str, Any]:
    try:
        said: Mapping[str, Any] = json.loads(line)
    except json.JSONDecodeError as error:
        raise EnvironmentFault(
            "LS-5013",
            f"{uri} is cut off or damaged.",
            "each line of a commit is one JSON document.",
            "restore this file from a backup; the data files are not changed.",
        ) from error
    return said


def _mark(version: int, commit: FileInfo | None) -> Marker | None:
    return None if commit is None else _read(version, commit)[0]


def markers(folder: str) -> Iterator[Marker]:
    """The marks that count, newest first: what a RESTORE has undone is left out."""
    newest_that_counts: int | None = None
    commits = _commits(folder)
    for first in range(0, len(commits), _AT_ONCE):
        some = commits[first : first + _AT_ONCE]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            read = list(pool.map(lambda commit: _read(*commit), some))
        for (version, _), (marker, restored) in zip(some, read, strict=True):
            if newest_that_counts is not None and version > newest_that_counts:
                continue
            if restored is not None:
                newest_that_counts = restored
            elif marker is not None:
                yield marker


def _commits(folder: str) -> list[tuple[int, FileInfo]]:
    found = []
    for entry in files.entries_of(join(folder, "_delta_log")):
        number = entry.path.removesuffix(".json")
        if entry.path.endswith(".json") and len(number) == _DIGITS and number.isdigit():
            found.append((int(number), entry))
    return sorted(found, reverse=True)


# A commit never changes; size and time tell it from one of a table that was made anew.
@lru_cache(maxsize=4096)
def _read(version: int, commit: FileInfo) -> tuple[Marker | None, int | None]:
    """The mark of a commit, and the version that it restored if it did."""
    for line in _lines(commit.uri):
        if '"commitInfo"' not in line[:40]:
            continue
        said = _said(line, commit.uri)["commitInfo"]
        restored = (said.get("operationParameters") or {}).get("version")
        if said.get("operation") == "RESTORE" and restored is not None:
            return None, int(restored)
        return marker_from(version, said.get("userMetadata")), None
    return None, None
