"""What a source has to land: what has arrived, less what is there, refusing what changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from lepton_spark.bronze.arrivals import LandedFile, Listed, fixed_folder, is_pattern, nearest
from lepton_spark.bronze.stream import changed
from lepton_spark.config.location import refuse_outside
from lepton_spark.errors import DataError
from lepton_spark.lake.catalog import scheme_of

if TYPE_CHECKING:
    from lepton_spark.bronze.landed import StoredFile
    from lepton_spark.config.source import Source
    from lepton_spark.lake.catalog import TableId
    from lepton_spark.lake.marker import Marker

CASE = "case"  # what a commit of bronze calls the case that landed it
Hasher = Callable[[Sequence[LandedFile]], Mapping[str, str]]


def refuse_nothing(
    source: Source, listing: Iterable[Listed], *, until: datetime, allow_empty: bool
) -> None:
    """Refuse that no file of a source has arrived.

    Args:
        source: Its path names one file or, as a pattern, many.
        listing: All files in the landing folder of the case.
        until: The moment of the run, UTC.
        allow_empty: Whether a pattern may match nothing.

    Raises:
        DataError: The one file is missing, or nothing may not be.
    """
    names = [listed.path for listed in listing]
    folder = fixed_folder(source.path)
    if not is_pattern(source.path):
        raise _missing(source.path, names)
    if allow_empty:
        return
    if folder and not any(name.startswith(f"{folder}/") for name in names):
        raise _missing(folder, {name.rpartition("/")[0] for name in names} - {""})
    raise DataError(
        "LS-2020",
        f"no files for {source.path} had arrived by {until:%Y-%m-%d %H:%M} UTC.",
        "a source without files is a failed delivery unless it is said to be allowed.",
        "deliver the files, look at `path` and `arrives`, or add --allow-empty.",
    )


def _missing(wanted: str, names: Iterable[str]) -> DataError:
    near = nearest(wanted, names)
    hint = f"; the nearest names are {', '.join(near)}" if near else ""
    return DataError(
        "LS-2010",
        f"{wanted} does not exist in the landing folder{hint}.",
        "the source says that its files are there.",
        "deliver the files, or correct `path` of the source.",
    )


def new_files(
    files: Sequence[LandedFile], known: Mapping[str, StoredFile], hasher: Hasher
) -> tuple[LandedFile, ...]:
    """The files that are not in bronze yet.

    A known file of the same size and time is taken as unchanged; of another time it is read again.
    One that held no records is new where it is not what it was: nothing was read from it.

    Raises:
        DataError: A known file is not what it was.
    """
    there = [file for file in files if file.path in known]
    resized = [file.path for file in there if known[file.path].size != file.size]
    _refuse_changed(resized, known)
    touched = [
        file
        for file in there
        if known[file.path].modified_at != file.modified_at and file.path not in resized
    ]
    digests = hasher(touched) if touched else {}
    rewritten = [f.path for f in touched if digests.get(f.path) != known[f.path].sha256]
    _refuse_changed(rewritten, known)
    unchanged = known.keys() - {*resized, *rewritten}
    return tuple(file for file in files if file.path not in unchanged)


def _refuse_changed(paths: Iterable[str], known: Mapping[str, StoredFile]) -> None:
    for path in paths:
        if known[path].records > 0:
            raise changed(path, "after it was landed")


def refuse_other_case(marks: Iterable[Marker | None], table: TableId, case: str) -> None:
    """Refuse a table that another case landed: names of case and source may meet in one name.

    Args:
        marks: Of all its commits; those of older versions of the package name no case.
        table: Of a source of the case.
        case: Name of the case that is about to land.

    Raises:
        DataError: The other case is named.
    """
    told = {str(mark.facts[CASE]) for mark in marks if mark is not None and CASE in mark.facts}
    for other in sorted(told - {case}):
        raise DataError(
            "LS-2158",
            f"{table} holds what the case {other} landed, and {case} would land there too.",
            "a table is named <case>_<source>, and two cases with one table would mix their rows.",
            f"name the source of {case} otherwise.",
        )


def refuse_links(files: Iterable[LandedFile], landing: str) -> None:
    """Refuse files that a link brings from elsewhere; only a path of this machine has links.

    Args:
        files: Not landed yet.
        landing: The landing folder of the case.

    Raises:
        ConfigError: The first of them is named, and where it is.
    """
    if scheme_of(landing) == "file":
        root = Path(landing)
        for file in files:
            refuse_outside(root, root / file.path, where=file.path)


def refuse_tables(files: Iterable[LandedFile], names_in: Callable[[str], Collection[str]]) -> None:
    """Refuse Parquet files that lie in a Delta table: only its log says which of them count.

    Args:
        files: Not landed yet.
        names_in: The names in a folder; asked once for each folder above a file.

    Raises:
        DataError: The folder of the table is named.
    """
    folders = {
        (file.uri.removesuffix(file.path), str(folder))
        for file in files
        for folder in PurePosixPath(file.path).parents
    }
    for root, folder in sorted(folders):
        if "_delta_log" in names_in(f"{root}{folder}"):
            raise DataError(
                "LS-2153",
                f"{folder} in the landing folder is a Delta table.",
                "files of rows that were changed or deleted stay in it, and would be landed too.",
                "give the source the folder as its path, and `delta: {}` in place of `parquet`.",
            )


def digest_of_set(files: Iterable[LandedFile]) -> str:
    """What identifies a landing: the names, sizes and times of its files."""
    listed = sorted((file.path, file.size, file.modified_at.isoformat()) for file in files)
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
