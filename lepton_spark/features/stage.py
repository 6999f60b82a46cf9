"""Publish what was known of each row at the moment of its day."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from datetime import date, timedelta
from functools import reduce
from typing import TYPE_CHECKING, Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lepton_spark import __version__, faults
from lepton_spark.context import RunContext, StageResult
from lepton_spark.features.audit import audit_features, refuse_no_rows
from lepton_spark.features.events import declare, prepare
from lepton_spark.features.gather import Chunks, gather
from lepton_spark.features.grid import Grid
from lepton_spark.features.plan import checked, make_plan
from lepton_spark.features.rows import visible
from lepton_spark.lake import tables
from lepton_spark.lake.tables import Publication, TableId
from lepton_spark.lake.troubles import told_as
from lepton_spark.silver.knowledge import versions

if TYPE_CHECKING:
    from pyspark.sql import Column

    from lepton_spark.config.case import Case, History, Latest
    from lepton_spark.features.gather import Plan

logger = logging.getLogger(__name__)

JOB = "features"
JOB_OF_ONE_DAY = "features_of_day"
Days = Literal["all", "one"]


def build(context: RunContext, *, days: Days = "all") -> StageResult:
    """Publish gold.<case>_features: a row for each row to predict that was known in time.

    Args:
        context: Nothing that arrived or was known after its moment is read.
        days: `all` replaces every day up to the logical date, `one` only that day; the rows of
            the day are the same.

    Raises:
        DataError: There is no row, or the audit failed.
    """
    table = TableId("gold", f"{context.case.case}_features")
    as_of = f"DATE'{context.as_of.isoformat()}'"
    with told_as(table):
        rows = _rows(context, days)
        publication = Publication(
            table,
            JOB if days == "all" else JOB_OF_ONE_DAY,
            context.as_of.isoformat(),
            _fingerprint(context),
            replace=f"_as_of {'<=' if days == 'all' else '='} {as_of}",
            facts={"days": days},
            audit=lambda staged: _audit(context, staged, rows.count()),
        )
        published = tables.publish(context, _features(context, rows, days), publication)
    faults.reach("after_features")
    logger.info("%d rows in %s", published.rows, table)
    context.progress.step(JOB, f"{published.rows} rows")
    return StageResult(JOB, (published,), {"days": days, "rows": published.rows})


def _audit(context: RunContext, staged: DataFrame, num_rows: int) -> None:
    if not num_rows and not context.allow_empty:
        refuse_no_rows(context.case.predict.each, context.as_of.isoformat())
    audit_features(staged, _key(context), num_rows)


def _rows(context: RunContext, days: Days) -> DataFrame:
    """The rows to predict, with `_day` and `_moment`, as they were known when they were."""
    predict = context.case.predict
    silver = _arrived(context, predict.each)
    day = F.col(predict.day)
    if days == "one":
        silver = _since_first(silver, day == F.lit(context.as_of))
    rows = visible(_versions(context, predict.each, silver), predict.day, _grid(context))
    is_wanted = day == F.lit(context.as_of) if days == "one" else day <= F.lit(context.as_of)
    return rows.filter(is_wanted)


def _features(context: RunContext, rows: DataFrame, days: Days) -> DataFrame:
    predict, features = context.case.predict, context.case.features
    kept = list(dict.fromkeys([*_key(context), predict.day, "_as_of", *features.own]))
    sections: list[tuple[str, Latest | History]] = [*features.latest.items()]
    sections += features.history.items()
    events = [_events(context, source, settings, days) for source, settings in sections]
    needed = [key for plan, _ in events for key in plan.keys]
    dated = rows.withColumn("_as_of", F.col(predict.day))
    narrow = dated.select(*dict.fromkeys([*kept, *needed, "_day", "_moment"]))
    spans = [span for plan, _ in events for span in plan.spans.values()]
    longest = max(spans, default=timedelta(1))
    return gather(narrow, events, kept, _chunks(context, days, longest))


def _events(
    context: RunContext, source: str, settings: Latest | History, days: Days
) -> tuple[Plan, DataFrame]:
    """The plan of a section, and the rows of its source that it needs."""
    silver = _arrived(context, source)
    known_at = context.case.sources[source].known_at
    if known_at is not None:
        known_at = checked(known_at, silver, where=f"sources.{source}.known_at")
    planned = make_plan(source, settings, silver)
    if days == "one":
        longest = max(planned.plan.spans.values())
        silver = _since_first(silver, F.col("_known_at") > F.lit(context.moment - longest))
    known = _versions(context, source, silver).filter(F.col("_known_at") <= F.lit(context.moment))
    events = prepare(declare(known, known_at), planned.plan, planned.values, _grid(context))
    return planned.plan, events


def _arrived(context: RunContext, source: str) -> DataFrame:
    rows = tables.read(context, TableId("silver", f"{context.case.case}_{source}"))
    return rows.filter(F.col("_arrived_at") <= F.lit(context.moment))


def _since_first(rows: DataFrame, wanted: Column) -> DataFrame:
    """The wanted rows and all that arrived later than any of them: so every newer version too."""
    first = rows.filter(wanted).agg(F.min("_arrived_at")).scalar()
    return rows.filter(F.col("_arrived_at") >= first)


def _versions(context: RunContext, source: str, rows: DataFrame) -> DataFrame:
    return versions(rows, context.case.sources[source].key)


def _chunks(context: RunContext, days: Days, longest: timedelta) -> Chunks:
    """How to cut the days; one job where there are many."""
    as_of = (context.as_of - date(1970, 1, 1)).days
    if days == "one":
        return Chunks(as_of, 1, 1)
    day = F.unix_date(F.col(context.case.predict.day))
    rows = _arrived(context, context.case.predict.each).filter(day <= as_of)
    number, first, last = rows.agg(F.count("*"), F.min(day), F.max(day)).collect()[0]
    if not number:
        return Chunks(as_of, 1, 1)
    partitions = int(context.spark.conf.get("spark.sql.shuffle.partitions") or "1")
    return Chunks.over(first, last, rows=number, longest=longest, partitions=partitions)


def _grid(context: RunContext) -> Grid:
    return Grid.of(context.case.predict.at)


def _key(context: RunContext) -> tuple[str, ...]:
    return context.case.sources[context.case.predict.each].key


def _fingerprint(context: RunContext) -> str:
    """Digest of what the features follow from. One job; collects a row a raw file."""
    case = context.case
    content = {
        "inputs": sorted(map(list, reduce(DataFrame.unionByName, _inputs(context)).collect())),
        "sources": {name: case.sources[name].model_dump(mode="json") for name in _used(case)},
        "predict": case.predict.model_dump(mode="json", include={"each", "day", "at"}),
        "features": case.features.model_dump(mode="json"),
        "code": __version__,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _inputs(context: RunContext) -> Iterator[DataFrame]:
    """Per source the raw files, and how many rows of them have been refined."""
    for name in _used(context.case):
        bronze = tables.read(context, TableId("bronze", f"{context.case.case}_{name}"))
        files = bronze.filter(
            F.col("_records").isNotNull() & (F.col("_arrived_at") <= F.lit(context.moment))
        )
        yield files.select(F.lit(name).alias("source"), "_file", F.col("_sha256").alias("digest"))
        refined = _arrived(context, name).agg(F.count("*").cast("string").alias("digest"))
        yield refined.select(F.lit(name).alias("source"), F.lit("").alias("_file"), "digest")


def _used(case: Case) -> list[str]:
    """The sources that features are made of, and those that these look things up in."""
    names = {case.predict.each, *case.features.latest, *case.features.history}
    while (
        looked_up := {lookup.source for name in names for lookup in case.sources[name].lookup}
        - names
    ):
        names |= looked_up
    return sorted(names)
