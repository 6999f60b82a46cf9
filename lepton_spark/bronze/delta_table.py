"""A Delta table as a source: its log says which files hold rows that are not landed yet.

The words are those of the Delta protocol, https://github.com/delta-io/delta/blob/master/PROTOCOL.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

import pyarrow.parquet as pq
from delta.tables import DeltaTable
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType, TimestampType

from lepton_spark.bronze.arrivals import ALWAYS, LandedFile, Listed
from lepton_spark.errors import DataError
from lepton_spark.lake import files, log
from lepton_spark.lake.troubles import told_as

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

    from lepton_spark.lake.marker import Marker

_THREADS = 16
_MAPPING = "delta.columnMapping.mode"
_INSTANT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"  # of a session in UTC
_FACT = "delta_version"
_ID_FACT = "delta_id"

Partition = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class DeltaFolder:
    """A table in the landing folder of a case.

    Args:
        name: The folder, relative to the landing folder.
        uri: Where it is.
        version: Newest version when the run looked; later ones are not seen.
        id: What Delta calls the table since it was made; None where it was not asked.
    """

    name: str
    uri: str
    version: int
    id: str | None = None


def find_table(name: str, uri: str) -> DeltaFolder:
    """The table of a folder at its newest version.

    Raises:
        DataError: The folder holds no Delta table.
    """
    with told_as(name):
        versions = log.versions_of(uri)
    if not versions:
        raise DataError(
            "LS-2154",
            f"{name} in the landing folder is no Delta table.",
            "a Delta table has a _delta_log with at least one commit.",
            "deliver the table, correct `path`, or name the format that the files have.",
        )
    return DeltaFolder(name, uri, versions[0])


def described(spark: SparkSession, table: DeltaFolder) -> tuple[DeltaFolder, tuple[str, ...]]:
    """A table with its id, and its leaf columns, those of structs as `a.b`.

    Raises:
        DataError: The files name their columns otherwise than the table does.
    """
    with told_as(table.name):
        detail = DeltaTable.forPath(spark, table.uri).detail().select("id", "properties").first()
        said = detail.asDict() if detail is not None else {}
        _refuse_mapping(table, dict(said.get("properties") or {}))
        return replace(table, id=said.get("id")), tuple(_leaves(_rows(spark, table).schema))


def files_of(
    spark: SparkSession, table: DeltaFolder, listing: Sequence[Listed], since: int | None
) -> tuple[LandedFile, ...]:
    """The files with rows that are to be landed, in order of path.

    Args:
        spark: Asked for a row a file at the first landing; later the log is enough.
        table: Its version counts.
        listing: All files in the landing folder; the folder of a table that has grown since then
            is listed once more.
        since: The version landed last; None where nothing is landed yet.

    Raises:
        DataError: Landed rows were changed or deleted, the log no longer tells, or files hold
            other rows than the table does.
    """
    with told_as(table.name):
        found = _active(spark, table) if since is None else _appended(table, since)
        listed = {each.path: each for each in listing}
        if not found.keys() <= listed.keys():
            listed = _listed(table)
    gone = sorted(found.keys() - listed.keys())
    if gone:
        _refuse(
            table,
            f"{gone[0]} is in the log and not in the folder; {len(gone)} such files",
            "a VACUUM has removed it, or the folder was copied in part",
            "copy the table anew, or land it under the name of another source",
        )
    return tuple(
        LandedFile(path, at.uri, at.size, at.modified_at, ALWAYS, found[path])
        for path, at in sorted(listed.items())
        if path in found
    )


def newest_file(table: DeltaFolder) -> LandedFile:
    """The largest file of the newest commit that brought rows; without a JVM.

    Raises:
        DataError: The files name their columns otherwise than the table does, or no commit that
            is still in the log brought a file that is still there.
    """
    with told_as(table.name):
        _refuse_mapping(table, _configuration(table))
        listed = _listed(table)
        brought = (_largest(table, version, listed) for version in log.versions_of(table.uri))
        newest = next((file for file in brought if file is not None), None)
    if newest is None:
        _refuse(
            table,
            "no commit in its log brought a file that is still there",
            "the columns are told by a file of the newest rows",
            "profile one of its Parquet files",
        )
    return newest


def _listed(table: DeltaFolder) -> dict[str, Listed]:
    """The files in the folder of a table, by their path in the landing folder."""
    return {f"{table.name}/{each.path}": each for each in files.list_files(table.uri)}


def _configuration(table: DeltaFolder) -> Mapping[str, str]:
    """The properties of a table as the newest commit that is still in its log says them."""
    for version in log.versions_of(table.uri):
        for action in log.actions(table.uri, version):
            if "metaData" in action:
                return dict(action["metaData"].get("configuration") or {})
    return {}


def _largest(table: DeltaFolder, version: int, listed: Mapping[str, Listed]) -> LandedFile | None:
    added: dict[str, Partition] = {}
    for action in log.actions(table.uri, version):
        added |= _added_by(table, action)
    there = [listed[path] for path in added if path in listed]
    if not there:
        return None
    largest = max(there, key=lambda each: (each.size, each.path))
    path = f"{table.name}/{largest.path}"
    return LandedFile(path, largest.uri, largest.size, largest.modified_at, ALWAYS, added[path])


def as_version(table: DeltaFolder) -> dict[str, Any]:
    """What a commit says of the table and the version of it that it lands."""
    return {_FACT: table.version} | ({} if table.id is None else {_ID_FACT: table.id})


def last_landed(
    marks: Iterable[Marker | None], table: DeltaFolder, known: Collection[str]
) -> int | None:
    """The version that was landed last, as commits say; None before the first landing.

    Args:
        marks: Of all commits of the bronze table.
        table: For the error.
        known: Files in the bronze table.

    Raises:
        DataError: There are files, and no commit says of which version; or another table than
            this one was landed.
    """
    facts = [mark.facts for mark in marks if mark is not None and _FACT in mark.facts]
    told = [each[_FACT] for each in facts]
    if known and not told:
        _refuse(
            table,
            "it was landed before, and no commit of the bronze table says up to which version",
            "the log of that table was cut, or the source was not a Delta table then",
            "land it under the name of another source",
        )
    since = max(told, default=None)
    _refuse_another(table, {each[_ID_FACT] for each in facts if _ID_FACT in each}, since)
    return since


def visible_again(listing: Iterable[Listed], known: Collection[str]) -> Iterator[LandedFile]:
    """Landed files that are still there: they must be as they were."""
    for each in listing:
        if each.path in known:
            yield LandedFile(each.path, each.uri, each.size, each.modified_at, ALWAYS)


def _active(spark: SparkSession, table: DeltaFolder) -> dict[str, Partition]:
    """The files of a whole version. One query without a data column, and the end of each file."""
    detail = DeltaTable.forPath(spark, table.uri).detail().select("partitionColumns").first()
    partitions = list(detail["partitionColumns"]) if detail is not None else []
    place = F.col("_metadata.file_path").alias("_path")
    rows = _rows(spark, table)
    texts = [_as_in_log(_quoted(name), rows.schema[name]).alias(name) for name in partitions]
    groups = rows.select(place, *texts).groupBy("_path", *map(_quoted, partitions))
    counted = groups.count()
    found, held = {}, {}
    for row in counted.collect():
        path = _relative(table, files.named_by_spark(row["_path"]))
        found[path] = _partition({name: row[name] for name in partitions})
        held[path] = row["count"]
    with ThreadPoolExecutor(_THREADS) as pool:
        stored = dict(zip(held, pool.map(lambda path: _num_rows(table, path), held), strict=True))
    if stored != held:
        _refuse_deletions(table)
    return found


def _appended(table: DeltaFolder, since: int) -> dict[str, Partition]:
    """The files that commits after a version added, even those that were compacted since."""
    there = set(log.versions_of(table.uri))
    found: dict[str, Partition] = {}
    for version in range(since + 1, table.version + 1):
        if version not in there:
            _refuse(
                table,
                f"version {version} is no longer in the log; {since} was landed last",
                "which rows are new is told by the commits since",
                "keep the log longer (delta.logRetentionDuration), and land the table under the"
                " name of another source",
            )
        for action in log.actions(table.uri, version):
            found |= _added(table, version, action)
    return found


def _added(table: DeltaFolder, version: int, action: Mapping[str, Any]) -> dict[str, Partition]:
    removed, added = action.get("remove"), action.get("add")
    if removed is not None and removed.get("dataChange", True):
        _refuse(
            table,
            f"version {version} changed or deleted rows that were there",
            "rows are landed once, as they came, and a change of landed ones would not be seen",
            "give the source a table that is only appended to, such as the changes themselves with"
            " their time; or land it anew under the name of another source",
        )
    found = _added_by(table, action)
    if found and added is not None and added.get("deletionVector") is not None:
        _refuse_deletions(table)
    return found


def _added_by(table: DeltaFolder, action: Mapping[str, Any]) -> dict[str, Partition]:
    added = action.get("add")
    # A compaction writes rows anew that were landed from other files.
    if added is None or not added.get("dataChange", True):
        return {}
    path = f"{table.name}/{unquote(added['path'])}"
    return {path: _partition(added.get("partitionValues") or {})}


def _partition(values: Mapping[str, str | None]) -> Partition:
    # The protocol: an empty text stands for null, whatever the type of the column.
    return tuple((name, text or None) for name, text in values.items())


def _rows(spark: SparkSession, table: DeltaFolder) -> DataFrame:
    reader = spark.read.format("delta").option("versionAsOf", table.version)
    return reader.load(table.uri)


def _quoted(name: str) -> str:
    """A column that Spark does not take for a field of a struct, whatever its name."""
    return "`" + name.replace("`", "``") + "`"


def _as_in_log(name: str, field: StructField) -> Column:
    """A column of partitions as the log writes its values: later landings take them from there."""
    if isinstance(field.dataType, TimestampType):
        return F.date_format(name, _INSTANT)
    return F.col(name).cast("string")


def _relative(table: DeltaFolder, path: str) -> str:
    return f"{table.name}/{path.removeprefix(files.named_by_spark(table.uri)).lstrip('/')}"


def _num_rows(table: DeltaFolder, path: str) -> int:
    inside = path.removeprefix(f"{table.name}/")
    with files.open_input(f"{table.uri}/{inside}") as stream:
        return int(pq.read_metadata(stream).num_rows)


def _leaves(schema: StructType, prefix: str = "") -> Iterator[str]:
    for each in schema.fields:
        if isinstance(each.dataType, StructType):
            yield from _leaves(each.dataType, f"{prefix}{each.name}.")
        else:
            yield f"{prefix}{each.name}"


def _refuse_mapping(table: DeltaFolder, properties: Mapping[str, str]) -> None:
    if properties.get(_MAPPING, "none") != "none":
        raise DataError(
            "LS-2155",
            f"{table.name}: its columns have other names in the files (column mapping).",
            "raw files are read as they are, by the names that they hold.",
            "give the source a copy of the table without delta.columnMapping.mode.",
        )


def _refuse_deletions(table: DeltaFolder) -> NoReturn:
    _refuse(
        table,
        "its files hold rows that the table does not (deletion vectors)",
        "raw files are read as they are",
        "run REORG TABLE ... APPLY (PURGE) on it before the first landing",
    )


def _refuse_another(table: DeltaFolder, ids: Collection[str], since: int | None) -> None:
    """A table that was removed and written anew counts its versions from 0 again."""
    is_other = bool(ids) and table.id is not None and table.id not in ids
    if is_other or (since is not None and table.version < since):
        found = "another id than" if is_other else "fewer versions than"
        raise DataError(
            "LS-2157",
            f"{table.name} has {found} the table that was landed up to version {since}.",
            "it was removed and written anew, and its log does not tell which of its rows are"
            " landed already.",
            "land it under the name of another source; and append to a table in place of writing"
            " it anew.",
        )


def _refuse(table: DeltaFolder, what: str, why: str, fix: str) -> NoReturn:
    raise DataError("LS-2156", f"{table.name}: {what}.", f"{why}.", f"{fix}.")
