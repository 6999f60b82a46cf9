"""A table's Delta log as files: its newest version and the marks in its history, without a JVM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import files
from lepton_spark.lake.catalog import join
from lepton_spark.lake.marker import Marker, marker_from

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
    names = files.names_in(join(folder, "_delta_log"))
    found = [name.removesuffix(".json") for name in names if name.endswith(".json")]
    numbers = [int(name) for name in found if len(name) == _DIGITS and name.isdigit()]
    return sorted(numbers, reverse=True)


def marker_at(folder: str, version: int) -> Marker | None:
    """The mark of one version; None where the version is not one of ours or is gone."""
    try:
        return _read_commit(folder, version)[0]
    except FileNotFoundError:
        return None


def markers(folder: str) -> Iterator[Marker]:
    """The marks that count, newest first: what a RESTORE has undone is left out."""
    newest_that_counts: int | None = None
    versions = versions_of(folder)
    for first in range(0, len(versions), _AT_ONCE):
        some = versions[first : first + _AT_ONCE]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            commits = list(pool.map(lambda version: _read_commit(folder, version), some))
        for version, (marker, restored) in zip(some, commits, strict=True):
            if newest_that_counts is not None and version > newest_that_counts:
                continue
            if restored is not None:
                newest_that_counts = restored
            elif marker is not None:
                yield marker


@lru_cache(maxsize=4096)
def _read_commit(folder: str, version: int) -> tuple[Marker | None, int | None]:
    """The mark of a commit, and the version that it restored if it did; a commit never changes."""
    path = join(folder, "_delta_log", f"{version:0{_DIGITS}d}.json")
    for line in files.read_text(path).splitlines():
        if '"commitInfo"' not in line[:40]:
            continue
        try:
            said = json.loads(line)["commitInfo"]
        except (json.JSONDecodeError, KeyError) as error:
            raise EnvironmentFault(
                "LS-5013",
                f"{path} is cut off or damaged.",
                "each line of a commit is one JSON document.",
                "restore this file from a backup; the data files are not changed.",
            ) from error
        restored = said.get("operationParameters", {}).get("version")
        is_restore = said.get("operation") == "RESTORE" and restored is not None
        return marker_from(version, said.get("userMetadata")), int(restored) if is_restore else None
    return None, None
