"""Land what has arrived: each file once, every record of it, as it came."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_schema

from lepton_spark.bronze.accounting import account
from lepton_spark.bronze.arrivals import LandedFile, Listed, spread, visible
from lepton_spark.bronze.delta_table import (
    DeltaFolder,
    as_version,
    described,
    files_of,
    find_table,
    last_landed,
    visible_again,
)
from lepton_spark.bronze.header import Promised
from lepton_spark.bronze.landed import as_fact, empty_by, stored
from lepton_spark.bronze.layout import Layout, Stamp
from lepton_spark.bronze.plan import (
    CASE,
    digest_of_set,
    new_files,
    refuse_links,
    refuse_nothing,
    refuse_other_case,
    refuse_tables,
)
from lepton_spark.bronze.reader import hash_files, read_files
from lepton_spark.bronze.settings import num_read_otherwise, read_by, tell_read_otherwise
from lepton_spark.config.format import Delta, Parquet
from lepton_spark.context import Published, RunContext, StageResult
from lepton_spark.lake import files as lake_files
from lepton_spark.lake import tables
from lepton_spark.lake.catalog import TableId, landing_path

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.source import Source

logger = logging.getLogger(__name__)
_TASK_BYTES = 64 * 1024 * 1024
_JOB = "land"


@dataclass(frozen=True)
class _Landing:
    """One source of one run: its table as it was, and the files that are not in it.

    Args:
        delta: Where they are from, if the source is a Delta table.
        since: The version of it that was landed last.
    """

    name: str
    source: Source
    layout: Layout
    table: TableId
    version: int
    num_known: int
    new: tuple[LandedFile, ...]
    delta: DeltaFolder | None = None
    since: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether the table is there, lacks no file, and tells the version of its source."""
        landed = -1 if self.since is None else self.since
        is_told = self.delta is None or self.delta.version <= landed
        return not self.new and self.version >= 0 and is_told


@dataclass(frozen=True)
class _Landed:
    landing: _Landing
    published: Published
    counted: Mapping[str, Any] = field(default_factory=dict)


def land(context: RunContext) -> StageResult:
    """Append to bronze every file that had arrived by the moment of the run and is not there.

    Nothing is appended where any file of any source was changed since it was landed or is missing.
    """
    listing = lake_files.list_files(_landing(context))
    names = list(context.case.sources)
    with ThreadPoolExecutor(max_workers=len(names), thread_name_prefix="land") as pool:
        # Each commit waits on the log far more than it computes.
        landings = list(pool.map(lambda name: _plan(context, name, listing), names))
        landed = list(pool.map(lambda landing: _publish(context, landing, listing), landings))
    num_rows = sum(each.published.rows for each in landed)
    logger.info("landed %d records of %d sources", num_rows, len(names))
    facts = {
        each.landing.name: {"files_known": each.landing.num_known, **each.counted}
        for each in landed
    }
    return StageResult("land", tuple(each.published for each in landed), {"sources": facts})


def _plan(context: RunContext, name: str, listing: Sequence[Listed]) -> _Landing:
    source = context.case.sources[name]
    table = TableId("bronze", f"{context.case.case}_{name}")
    version = tables.current_version(context, table)
    marks = tables.marks(context, table, version)
    refuse_other_case(marks, table, context.case.case)
    tell_read_otherwise(name, num_read_otherwise(marks, source.format))
    held = stored(marks, lambda: tables.read(context, table, version=version))
    # A file without records is known too: alone it would be a landing with too few rows.
    known = empty_by(marks) | {file.path: file for file in held}
    layout, delta, since = _layout(context, source), None, None
    if isinstance(source.format, Delta):
        delta = find_table(source.path, f"{_landing(context)}/{source.path}")
        delta, offered_columns = described(context.spark, delta)
        layout = replace(layout, offered=offered_columns)
        since = last_landed(marks, delta, known)
        offered = files_of(context.spark, delta, listing, since)
        arrived = (*offered, *visible_again(listing, known))
    else:
        arrived = visible(listing, source.path, source.arrives, until=context.moment)
        if not arrived:
            refuse_nothing(source, listing, until=context.moment, allow_empty=context.allow_empty)
    new = new_files(arrived, known, lambda touched: _digests(context, touched))
    refuse_links(new, _landing(context))
    if new and isinstance(source.format, Parquet):
        refuse_tables(new, lake_files.names_in)
    return _Landing(name, source, layout, table, version, len(known), new, delta, since)


def _landing(context: RunContext) -> str:
    return landing_path(context.environment, context.case.case)


def _layout(context: RunContext, source: Source) -> Layout:
    columns = context.contracts[source.contract].columns
    promised = tuple(
        Promised(column.name, column.kind, column.header or column.name) for column in columns
    )
    return Layout(promised, source.format, source.max_columns)


def _digests(context: RunContext, touched: Sequence[LandedFile]) -> Mapping[str, str]:
    """The SHA-256 of files, read in workers."""
    tasks = _tasks(context, touched)

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Path and digest of each file of a task, a batch a file."""
        for batch in batches:
            for index in batch.column(0).to_pylist():
                pairs = list(hash_files(tasks[index]))
                yield pa.RecordBatch.from_pylist(
                    [{"path": path, "sha256": sha256} for path, sha256 in pairs]
                )

    hashed = _ids(context, tasks).mapInArrow(task, "path string, sha256 string")
    return {row.path: row.sha256 for row in hashed.collect()}


def _tasks(context: RunContext, files: Sequence[LandedFile]) -> list[list[LandedFile]]:
    wanted = math.ceil(sum(file.size for file in files) / _TASK_BYTES)
    return spread(files, max(wanted, context.spark.sparkContext.defaultParallelism))


def _ids(context: RunContext, tasks: Sequence[object]) -> DataFrame:
    """One row in each of as many partitions as there are tasks."""
    return context.spark.range(0, len(tasks), 1, max(1, len(tasks)))


def _records(context: RunContext, landing: _Landing) -> DataFrame:
    tasks, layout = _tasks(context, landing.new), landing.layout
    stamp = Stamp(context.run_id, context.started_at)

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The records of a task's files, read in their layout."""
        for batch in batches:
            for index in batch.column(0).to_pylist():
                yield from read_files(tasks[index], layout, stamp)

    schema = from_arrow_schema(layout.schema)
    return _ids(context, tasks).mapInArrow(task, schema)


def _publish(context: RunContext, landing: _Landing, listing: Sequence[Listed]) -> _Landed:
    if landing.is_done:
        return _as_it_was(landing)
    # What is new is decided by reading the table: no one else may append between the two.
    with tables.hold(context, landing.table):
        if tables.current_version(context, landing.table) != landing.version:
            landing = _plan(context, landing.name, listing)
        return _as_it_was(landing) if landing.is_done else _append(context, landing)


def _as_it_was(landing: _Landing) -> _Landed:
    return _Landed(landing, Published(str(landing.table), landing.version, 0, is_new=False))


def _append(context: RunContext, landing: _Landing) -> _Landed:
    counted: dict[str, Any] = {}
    facts: dict[str, Any] = {"files": len(landing.new), "source": landing.name}
    facts[CASE] = context.case.case
    facts |= read_by(landing.source.format)
    if landing.delta is not None:
        facts |= as_version(landing.delta)

    def audit(staged: DataFrame) -> None:
        """Count the staged rows; `counted` and `facts` hold what was found."""
        min_rows = landing.source.min_rows if landing.new else 0
        books = account(staged, landing.new, landing.layout, min_rows)
        counted.update(books.told)
        facts.update(as_fact(landing.new, books.records))

    key = digest_of_set(landing.new)
    if landing.delta is not None and not landing.new:
        # Its commits that brought no rows may be gone from its log at the next landing.
        key = f"{_JOB}-nothing-until-{landing.delta.version}"
    names = tuple(column.name for column in landing.layout.promised)
    publication = tables.Publication(
        landing.table, _JOB, key, key, facts=facts, audit=audit, add_columns=names
    )
    published = tables.publish(context, _records(context, landing), publication)
    return _Landed(landing, published, counted)
