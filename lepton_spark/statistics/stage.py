"""Measure tables of a case, when somebody asks, and keep what was found."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark import __version__
from lepton_spark.context import Published, RunContext, StageResult
from lepton_spark.lake import file_plan, tables
from lepton_spark.lake.tables import Publication
from lepton_spark.lake.troubles import told_as
from lepton_spark.quality.metrics import METRICS, PARTITION_BY, Metric, metric_rows
from lepton_spark.statistics.document import document
from lepton_spark.statistics.scan import Found, scan_files, scan_rows
from lepton_spark.statistics.subject import ARRIVED, AS_OF, chosen, correlated, kinds_of, tables_of
from lepton_spark.statistics.work import Wanted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.lake.tables import TableId

logger = logging.getLogger(__name__)
JOB = "statistics"


def measure(context: RunContext, names: Sequence[str] = ()) -> StageResult:
    """Publish what the columns of some tables hold; a version that was measured is not read again.

    Args:
        context: Rows that arrived, or features of days, after its logical date are left out.
        names: As `silver.shop_orders`, or the name of a source; all clean tables where empty.

    Raises:
        ConfigError: The case has no such table.
        DataError: A table was never published, or has too many columns.
    """
    published: list[Published] = []
    facts: dict[str, object] = {}
    for table in chosen(context.case, names):
        done, told = _measure(context, table)
        published.append(done)
        facts[str(table)] = told
    return StageResult(JOB, tuple(published), {"tables": facts})


def recorded(context: RunContext, result: StageResult) -> dict[str, dict[str, Any]]:
    """The profiles that a run published, or found published, by table; reads `ops.metrics`.

    Args:
        context: Of that run.
        result: What the stage gave.
    """
    names = [each.name for each in fields(Metric)]
    found = {}
    for table, facts in result.facts["tables"].items():
        version, run_id = facts["metrics_version"], facts["run_id"]
        marker = tables.marker_of(context, METRICS, version)
        is_mine = (F.col("table") == table) & (F.col("run_id") == run_id)
        rows = tables.read(context, METRICS, version=version)
        rows = rows.filter((F.col("case") == context.case.case) & is_mine).select(*names)
        columns = marker.facts["columns"] if marker is not None else ()
        found[table] = document(columns, (Metric(*row) for row in rows.collect()))
    return found


def _measure(context: RunContext, table: TableId) -> tuple[Published, dict[str, Any]]:
    """Publish the profile of one table, and tell where it is."""
    version = tables.current_version(context, table)
    with told_as(table):
        rows = tables.read(context, table, version=None if version < 0 else version)
        types = {field.name: field.dataType.simpleString() for field in rows.schema}
    wanted = _wanted(context, table, types)
    publication = _publication(context, table, version, wanted)
    # Whether what stands may be replaced is for the publication to say, before anything is read.
    standing = tables.find(context, METRICS, JOB, publication.key)
    is_settled = standing is not None and (
        standing.fingerprint == publication.fingerprint or context.revision <= standing.revision
    )
    metrics = () if is_settled else _metrics(_scan(context, (table, version), rows, wanted))
    published = tables.publish(context, metric_rows(context, table, metrics), publication)
    marker = tables.marker_of(context, METRICS, published.version)
    logger.info("%d measurements of %s at version %d", published.rows, table, version)
    return published, {
        "version": version,
        "columns": len(wanted.kinds),
        "run_id": marker.run_id if marker is not None else context.run_id,
        "metrics_version": published.version,
    }


def _wanted(context: RunContext, table: TableId, types: Mapping[str, str]) -> Wanted:
    kinds = kinds_of(context.case, context.contracts, table, types)
    is_clean = tables_of(context.case)[table] is not None
    known_at, until = (ARRIVED, context.moment) if is_clean else (AS_OF, context.as_of)
    return Wanted(kinds, correlated(kinds), known_at, until)


def _scan(
    context: RunContext, pinned: tuple[TableId, int], rows: DataFrame, wanted: Wanted
) -> Found:
    # Partition columns of our own are in no file, and in no profile.
    ours = [name for name in rows.columns if name.startswith("_") and name != wanted.known_at]
    plan = file_plan.plan(context, *pinned, without=ours)
    if plan.unfit is None:
        context.progress.step(JOB, f"{pinned[0]}: {plan.rows} rows")
        return scan_files(context.spark, plan, wanted)
    logger.info("%s is read through Spark: %s", pinned[0], plan.unfit)
    context.progress.step(JOB, f"{pinned[0]}, read through Spark")
    return scan_rows(rows, wanted)


def _publication(context: RunContext, table: TableId, version: int, wanted: Wanted) -> Publication:
    columns = [[name, str(kind)] for name, kind in wanted.kinds.items()]
    content = [str(table), version, columns, str(wanted.until), __version__]
    return Publication(
        METRICS,
        JOB,
        f"{context.case.case}/{table}/{version}/{context.as_of}",
        hashlib.sha256(json.dumps(content).encode()).hexdigest(),
        partition_by=PARTITION_BY,
        facts={"columns": columns},
    )


def _metrics(found: Found) -> Iterator[Metric]:
    """The rows of `ops.metrics`: of the table, of each column, and of each pair."""
    yield Metric("rows", float(found.rows))
    for name, column in found.columns.items():
        for each in column:
            value = None if each.value is None else float(each.value)
            yield Metric(each.name, value, column=name, text=each.text)
    for one, other, correlation in found.pairs:
        yield Metric("correlation", correlation, column=one, text=other)
