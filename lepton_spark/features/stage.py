"""Publish what was known of each row at the moment of its day."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lepton_spark import faults
from lepton_spark.config.happened_at import require_happened_at
from lepton_spark.config.row_feature import row_features
from lepton_spark.context import RunContext, StageResult
from lepton_spark.entities.published import version_for
from lepton_spark.features.align import align_all, buckets
from lepton_spark.features.audit import audit_features, refuse_loss, refuse_no_rows
from lepton_spark.features.chunks import Chunks, longest_span, shared_keys
from lepton_spark.features.events import declare
from lepton_spark.features.fingerprint import fingerprint_of
from lepton_spark.features.gather import gather
from lepton_spark.features.grid import Grid
from lepton_spark.features.images import with_images
from lepton_spark.features.leak import (
    LEAKS,
    as_happened,
    count_leaks,
    leak_metrics,
    leak_publication,
    leaks_of,
)
from lepton_spark.features.leak import in_hindsight as hindsight_of
from lepton_spark.features.own import add_row_features, holiday_spans, holidays_around, read_columns
from lepton_spark.features.plan import Planned, checked, prepared
from lepton_spark.features.rows import visible
from lepton_spark.features.section import OVER_TIME, plans_of, sections, sections_of_facts
from lepton_spark.features.survey import (
    FoundFile,
    Need,
    arrived_since,
    days_of,
    first_arrival,
    survey,
)
from lepton_spark.features.windows import WindowPlan
from lepton_spark.lake import tables
from lepton_spark.lake.drift import has_drifted
from lepton_spark.lake.tables import EVERYTHING, Publication, TableId
from lepton_spark.lake.troubles import told_as
from lepton_spark.quality.metrics import METRICS, metric_rows
from lepton_spark.silver.knowledge import versions

if TYPE_CHECKING:
    from lepton_spark.features.gather import Plan
    from lepton_spark.features.holiday import Holidays
    from lepton_spark.features.section import Asked

logger = logging.getLogger(__name__)

JOB = "features"
JOB_OF_ONE_DAY = "features_of_day"
_EACH = "each"
# Days that are computed again rewrite files of their month and no other.
_MONTH = "_month"
_EPOCH = date(1970, 1, 1)
Days = Literal["all", "one"]
_SPOKEN: Mapping[Days, str] = {"all": "up to", "one": "for"}


@dataclass(frozen=True)
class _Input:
    """A silver table, as far as a run needs it.

    Args:
        planned: What to find in it; nothing for the rows to predict.
    """

    source: str
    need: Need
    planned: tuple[Planned, ...] = ()


def build(context: RunContext, *, days: Days = "all") -> StageResult:
    """Publish gold.<case>_features: a row for each row to predict that was known in time.

    Args:
        context: Nothing that arrived or was known after its moment is read.
        days: `all` replaces every day up to the logical date, `one` only that day; the rows of
            the day are the same. With a raised revision `all` may change the columns.

    Raises:
        DataError: There is no row to predict, or later days would be lost.
        InternalError: The audit failed.
    """
    table = TableId("gold", f"{context.case.case}_features")
    with told_as(table):
        inputs = _inputs(context, days, sections(context.case.features, OVER_TIME))
        files = _survey(context, inputs, days)
        known = {name: _versions(context, name, inputs, files) for name in inputs}
        rows = _rows(context, inputs, known)
        required = None if context.allow_empty else context.case.predict.each
        holidays = _holidays(context, inputs[_EACH].need)
        features = _features(context, rows, _events(context, inputs, known), files, holidays)
        publication = Publication(
            table,
            JOB if days == "all" else JOB_OF_ONE_DAY,
            context.as_of.isoformat(),
            fingerprint_of(context.case, files, holidays),
            replace=_replaced(context, table, features, days),
            partition_by=(_MONTH,),
            facts={"days": days, "files": len(files)},
            audit=lambda staged: audit_features(staged, _key(context), rows.count(), required),
        )
        published = tables.publish(context, features, publication)
    faults.reach("after_features")
    logger.info("%d rows in %s", published.rows, table)
    context.progress.step(JOB, f"{published.rows} rows")
    return StageResult(JOB, (published,), {"days": days, "rows": published.rows})


def report_leaks(context: RunContext) -> StageResult:
    """Publish how features would differ, had facts been known when they happened.

    Compares `latest` and `history` features of all days up to the logical date with those that
    event time gives: a fact counts from when it happened, in its newest version of that date. Of
    the last days less is told than there is: what happened then may not have arrived yet. Features
    of an entity are left out: no fact of it says when it happened.

    Raises:
        ConfigError: A source does not say when its facts happened.
    """
    require_happened_at(context.case)
    table = TableId("gold", f"{context.case.case}_features")
    with told_as(METRICS):
        inputs = _inputs(context, "all", sections_of_facts(context.case))
        files = _survey(context, inputs, "all")
        known = {name: _versions(context, name, inputs, files) for name in inputs}
        rows = _rows(context, inputs, known)
        events = _events(context, inputs, known)
        hindsight = _events(context, inputs, known, in_hindsight=True)
        found = _gathered(context, rows, [*events, *hindsight], [*_key(context)], files)
        names = [name for plan, _ in events for name in plan.features]
        leaks = leaks_of(dict(count_leaks(found, names).collect()), names)
        published = tables.publish(
            context,
            metric_rows(context, table, leak_metrics(leaks)),
            leak_publication(context, table, fingerprint_of(context.case, files)),
        )
    told = {leak.feature: {"rows": leak.rows, "differing": leak.differing} for leak in leaks}
    return StageResult(LEAKS, (published,), {"features": told})


def _replaced(context: RunContext, table: TableId, features: DataFrame, days: Days) -> str:
    """Which rows the new ones replace: with a raised revision all, where the columns changed."""
    as_of = context.as_of
    if days == "one":
        return f"{_MONTH} = DATE'{as_of.replace(day=1)}' AND _as_of = DATE'{as_of}'"
    if context.revision > 0 and tables.exists(context, table):
        standing = tables.read(context, table)
        if has_drifted(features.schema, standing.schema):
            refuse_loss(str(table), standing, as_of)
            return EVERYTHING
    return f"_as_of <= DATE'{as_of}'"


def _inputs(context: RunContext, days: Days, asked: Iterable[Asked]) -> dict[str, _Input]:
    """The tables to read, and which of their rows are wanted; nothing is read yet."""
    predict = context.case.predict
    day, as_of = F.col(predict.day), F.lit(context.as_of)
    wanted = day == as_of if days == "one" else day <= as_of
    each = Need(_arrived(context, predict.each), wanted, F.unix_date(day))
    inputs = {_EACH: _Input(predict.each, each)}
    for name, source, settings in asked:
        rows = _arrived(context, source)
        planned = plans_of(source, settings, rows)
        inputs[name] = _input(context, rows, source, planned, days)
    return inputs


def _input(
    context: RunContext, rows: DataFrame, source: str, planned: tuple[Planned, ...], days: Days
) -> _Input:
    wanted = F.col("_file").isNotNull()
    longest = longest_span([each.plan for each in planned])
    # What happens later than it is known may be known before its window begins.
    is_bounded = all(getattr(each.plan, "is_bounded", True) for each in planned)
    if days == "one" and longest is not None and is_bounded:
        wanted = F.col("_known_at") > F.lit(context.moment - longest)
    return _Input(source, Need(rows, wanted, F.lit(None).cast("int")), planned)


def _arrived(context: RunContext, source: str) -> DataFrame:
    table = TableId("silver", f"{context.case.case}_{source}")
    version = _version(context, table) if source in context.case.entities else None
    rows = tables.read(context, table, version=version)
    return rows.filter(F.col("_arrived_at") <= F.lit(context.moment))


def _version(context: RunContext, table: TableId) -> int | None:
    """Of an entity's table, which each night replaces: what the logical date knew."""
    marks = tables.marks(context, table, tables.current_version(context, table))
    return version_for(str(table), marks, context.as_of)


def _survey(context: RunContext, inputs: Mapping[str, _Input], days: Days) -> list[FoundFile]:
    """The files of each table. One job; collects a row a file."""
    found = survey({name: given.need for name, given in inputs.items()}).collect()
    files = [FoundFile(*row) for row in found]
    if not context.allow_empty and not any(f.num_wanted for f in files if f.name == _EACH):
        refuse_no_rows(inputs[_EACH].source, f"{_SPOKEN[days]} {context.as_of}")
    return files


def _versions(
    context: RunContext, name: str, inputs: Mapping[str, _Input], files: Sequence[FoundFile]
) -> DataFrame:
    given = inputs[name]
    first = first_arrival(file for file in files if file.name == name)
    rows = arrived_since(given.need.rows, first)
    return versions(rows, context.case.key_of(given.source))


def _rows(
    context: RunContext, inputs: Mapping[str, _Input], known: Mapping[str, DataFrame]
) -> DataFrame:
    """The rows to predict, with `_day` and `_moment`, as they were known when they were."""
    shown = visible(known[_EACH], context.case.predict.day, _grid(context))
    return shown.filter(inputs[_EACH].need.wanted)


def _events(
    context: RunContext,
    inputs: Mapping[str, _Input],
    known: Mapping[str, DataFrame],
    *,
    in_hindsight: bool = False,
) -> list[tuple[Plan | WindowPlan, DataFrame]]:
    """Each plan, in the order of the table, with its events: as known, or as they happened."""
    events: list[tuple[Plan | WindowPlan, DataFrame]] = []
    for name, given in inputs.items():
        if not given.planned:
            continue
        rows = known[name].filter(F.col("_known_at") <= F.lit(context.moment))
        declared = declare(rows, _instant(context, given, "known_at"))
        if in_hindsight:
            happened_at = _instant(context, given, "happened_at") or "null"
            declared = as_happened(declared, happened_at, context.moment)
        for each in given.planned:
            planned = each
            if in_hindsight and not isinstance(each.plan, WindowPlan):
                planned = replace(each, plan=hindsight_of(each.plan))
            events.append((planned.plan, prepared(declared, planned, _grid(context))))
    return events


def _instant(context: RunContext, given: _Input, key: str) -> str | None:
    """The checked expression of a source for an instant; None where it has none."""
    # An entity has none: it is known when its last member is.
    text = getattr(context.case.sources.get(given.source), key, None)
    where = f"sources.{given.source}.{key}"
    return None if text is None else checked(text, given.need.rows, where=where)


def _features(
    context: RunContext,
    rows: DataFrame,
    events: Sequence[tuple[Plan | WindowPlan, DataFrame]],
    files: Sequence[FoundFile],
    holidays: Mapping[str, Holidays],
) -> DataFrame:
    predict, settings = context.case.predict, context.case.features
    by = list(dict.fromkeys([*_key(context), predict.day]))
    shown = list(dict.fromkeys([*by, "_as_of", *settings.own]))
    kept = list(dict.fromkeys([*shown, *read_columns(settings)]))
    dated = rows.withColumn("_as_of", F.col(predict.day))
    found = _gathered(context, dated, events, kept, files)
    of_row = [feature.name for feature in row_features(settings)]
    over_time = [name for name in found.columns if name not in kept]
    whole = add_row_features(found, settings, holidays).select(*shown, *of_row, *over_time)
    whole = with_images(whole, dated, [*settings.images, *settings.graph_columns], by)
    return whole.withColumn(_MONTH, F.trunc("_as_of", "month"))


def _gathered(
    context: RunContext,
    rows: DataFrame,
    events: Sequence[tuple[Plan | WindowPlan, DataFrame]],
    kept: Sequence[str],
    files: Sequence[FoundFile],
) -> DataFrame:
    """Those columns of the rows that are kept, and the features of all plans."""
    cut = [(plan, known) for plan, known in events if isinstance(plan, WindowPlan)]
    summed = [(plan, known) for plan, known in events if not isinstance(plan, WindowPlan)]
    plans = [plan for plan, _ in summed]
    needed = [key for plan, _ in events for key in plan.keys]
    narrow = rows.select(*dict.fromkeys([*kept, *needed, "_day", "_moment"]))
    asked = ["_moment", *(key for plan, _ in cut for key in plan.by)] if cut else []
    carried = list(dict.fromkeys([*kept, *asked]))
    found = gather(narrow, summed, carried, _chunks(context, narrow, plans, files))
    num_buckets = buckets(*_sizes(files), _num_partitions(context))
    aligned = align_all(found, cut, num_buckets) if cut else found
    return aligned.drop(*(name for name in carried if name not in kept))


def _holidays(context: RunContext, each: Need) -> dict[str, Holidays]:
    """By column of a calendar that names a place: one job, and none where no calendar does."""
    asked = holiday_spans(context.case.features)
    if not asked:
        return {}
    spans = each.rows.filter(each.wanted).agg(*asked.values()).collect()[0]
    by_name = dict(zip(asked, spans, strict=True))
    return holidays_around(context.case.features, by_name, context.as_of)


def _sizes(files: Sequence[FoundFile]) -> tuple[int, int]:
    """How many rows there are to predict, and how many events."""
    num_rows = sum(file.num_wanted for file in files if file.name == _EACH)
    return num_rows, sum(file.num_wanted for file in files) - num_rows


def _num_partitions(context: RunContext) -> int:
    return int(context.spark.conf.get("spark.sql.shuffle.partitions") or "1")


def _chunks(
    context: RunContext, rows: DataFrame, plans: Sequence[Plan], files: Sequence[FoundFile]
) -> Chunks:
    """How the work is cut. One job more where there are more rows than a worker can hold."""
    mine = [file for file in files if file.name == _EACH]
    span = days_of(mine) or ((context.as_of - _EPOCH).days,) * 2
    num_rows, num_events = _sizes(files)
    longest, partitions = longest_span(plans), _num_partitions(context)
    days = Chunks.over(*span, rows=num_rows, longest=longest, partitions=partitions)
    chunks = days.cut(num_rows, num_events, by=shared_keys(plans), partitions=partitions)
    if not chunks.may_be_uneven(num_rows):
        return chunks
    largest = chunks.count_groups(rows).agg(F.max("count")).collect()[0][0]
    return chunks.with_room_for(largest or 0)


def _grid(context: RunContext) -> Grid:
    return Grid.of(context.case.predict.at)


def _key(context: RunContext) -> tuple[str, ...]:
    return context.case.key_of(context.case.predict.each)
