"""Judge quarantined rows again with the settings as they are now; list what there is."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark import faults
from lepton_spark.config.rule_checker import needs_of
from lepton_spark.context import Published, RunContext, StageResult
from lepton_spark.lake import tables
from lepton_spark.lake.catalog import all_of
from lepton_spark.lake.drift import refuse_drift
from lepton_spark.lake.troubles import told_as
from lepton_spark.quality.accounting import require_balance, tally
from lepton_spark.quality.hints import hint_of
from lepton_spark.quality.quarantine import QUARANTINE
from lepton_spark.replay.batch import (
    JOB,
    ReplayBatch,
    num_changed,
    quarantine_publication,
    quarantine_rows,
    require_few_left,
    silver_publication,
)
from lepton_spark.replay.files import HeldFile, held_files, require_refined
from lepton_spark.replay.overview import summary
from lepton_spark.replay.selection import Selection, of_case
from lepton_spark.silver.batch import of_files, settings_of
from lepton_spark.silver.cardinality import require_one_to_one
from lepton_spark.silver.judgement import good_rows, judge, judge_rest
from lepton_spark.silver.lookup import name_of
from lepton_spark.silver.order import groups
from lepton_spark.silver.readings import Readings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.silver.inlet import Inlet

logger = logging.getLogger(__name__)

EVERY_ROW = Selection()
_MOST_TOLD = 1000


def replay(context: RunContext, selection: Selection = EVERY_ROW) -> StageResult:
    """Judge quarantined rows that had arrived by the moment again, from bronze.

    Those that are good now enter silver, once, with the arrival of their file; the others stay in
    quarantine with the reasons that they have now. Rows of silver are never touched, and a row
    whose key and arrival silver holds is a duplicate. Where nothing changes nothing is written.

    What a killed replay took out of quarantine and did not put into silver is refined by the next
    `refine`, so that belongs before a replay.

    Raises:
        DataError: A file is not refined, too many rows stay refused, or columns changed.
        InternalError: Rows do not add up.
        ConflictError: Another run refines the same case.
    """
    published: list[Published] = []
    facts: dict[str, object] = {}
    with tables.hold(context, all_of("silver", context.case.case)):
        version = tables.current_version(context, QUARANTINE)
        needs = needs_of(context.case, context.contracts) if version >= 0 else {}
        for names in groups(needs):
            with ExitStack() as kept:
                meant = [name for name in names if selection.has(name)]
                batches = _judge_all(context, meant, selection, kept)
                published += _publish(context, [each for each in batches if each.num_changed])
            facts |= {batch.inlet.name: batch.facts for batch in batches}
    if not published and version >= 0:
        published = [Published(str(QUARANTINE), version, 0, is_new=False)]
    logger.info("replayed %d sources of %s", len(facts), context.case.case)
    return StageResult(JOB, tuple(published), {"sources": facts})


def overview(context: RunContext, selection: Selection, *, by_file: bool = False) -> StageResult:
    """What lies in quarantine of what had arrived by the moment: counts, locators and hints.

    Collects a row for each source and reason, or for each file of them, a thousand at most.
    """
    found = []
    if tables.exists(context, QUARANTINE):
        with told_as(QUARANTINE):
            rows = of_case(tables.read(context, QUARANTINE), context.case.case, context.moment)
            told = summary(rows, f"silver.{context.case.case}_", selection, by_file=by_file)
            found = [row.asDict() for row in told.limit(_MOST_TOLD + 1).collect()]
    reasons = [{**row, "hint": hint_of(row["reason"])} for row in found[:_MOST_TOLD]]
    is_cut = len(found) > _MOST_TOLD
    return StageResult("quarantine", (), {"reasons": reasons, "is_cut": is_cut})


@dataclass(frozen=True)
class _Rows:
    """The rows of a source; those of quarantine with the boolean `is_chosen`."""

    bronze: DataFrame
    silver: DataFrame
    quarantine: DataFrame


def _judge_all(
    context: RunContext, names: Sequence[str], selection: Selection, kept: ExitStack
) -> list[ReplayBatch]:
    """Judge the chosen rows of a group of sources, and see that all may be published."""
    found = [_judge(context, name, selection, kept) for name in names]
    batches = [batch for batch in found if batch is not None]
    for batch in batches:
        inlet = batch.inlet
        files = [file.as_chosen for file in batch.touched]
        require_balance(str(inlet.silver), files, batch.counted)
        if batch.num_changed:
            source = context.case.sources[inlet.name]
            require_few_left(batch, source.max_refused)
            rivals = Readings(context, tables).rivals(inlet)
            require_one_to_one(inlet.name, source, batch.judged, rivals, inlet.state)
            _refuse_drift(context, batch)
    return batches


def _judge(
    context: RunContext, name: str, selection: Selection, kept: ExitStack
) -> ReplayBatch | None:
    """What becomes of the chosen rows of a source; None where there are none."""
    inlet = Readings(context, tables).inlet(name)
    held = of_case(tables.read(context, QUARANTINE), context.case.case, context.moment)
    held = held.filter(F.col("table") == F.lit(str(inlet.silver)))
    held = held.withColumn("is_chosen", selection.is_chosen())
    if inlet.silver_version < 0 or held.filter("is_chosen").isEmpty():
        return None
    bronze = tables.read(context, inlet.bronze, version=inlet.bronze_version)
    silver = Readings(context, tables).silver(inlet)
    with told_as(inlet.silver):
        found = held_files(bronze, silver, held, context.moment).collect()
        files = [HeldFile(*row) for row in found if row["file"] is not None]
        require_refined(name, files)
        inlet = replace(inlet, is_last=len(files) == len(found))
        return _batch(context, inlet, files, _Rows(bronze, silver, held), kept)


def _batch(
    context: RunContext, inlet: Inlet, files: Sequence[HeldFile], rows: _Rows, kept: ExitStack
) -> ReplayBatch:
    source = context.case.sources[inlet.name]
    touched = [file.as_chosen for file in files if file.chosen]
    chosen = rows.quarantine.filter("is_chosen")
    places = chosen.select(F.col("file").alias("_file"), F.col("row").alias("_row"))
    landed = of_files(rows.bronze, touched).join(places, ["_file", "_row"], how="left_semi")
    readings = Readings(context, tables)
    contract = readings.contract_of(inlet)
    judged_by = partial(
        judge,
        source=source,
        contract=contract,
        references={each.source: readings.reference(each.source) for each in source.lookup},
        around=readings.surroundings(inlet, landed),
    )
    judged = judge_rest(landed, rows.silver, source, contract, judged_by).persist()
    kept.callback(judged.unpersist)
    others = rows.quarantine.filter(~F.col("is_chosen")).withColumnRenamed("file", "_file")
    return ReplayBatch(
        inlet,
        settings_of(inlet, context.case, context.contracts),
        files,
        judged,
        of_files(others, touched).withColumnRenamed("_file", "file"),
        tally(judged, [name_of(lookup) for lookup in source.lookup]),
        num_changed(judged, chosen),
        tuple(column.name for column in contract.columns),
    )


def _refuse_drift(context: RunContext, batch: ReplayBatch) -> None:
    """Before quarantine is published: its rows would have no place to go."""
    rows = good_rows(batch.judged, context.run_id)
    table = tables.read(context, batch.inlet.silver, version=batch.inlet.silver_version)
    refuse_drift(silver_publication(batch, -1), rows.schema, table.schema)


def _publish(context: RunContext, batches: Sequence[ReplayBatch]) -> list[Published]:
    """Quarantine first, as when files are refined: a row is never in both tables."""
    if not batches:
        return []
    case = context.case.case
    version = tables.current_version(context, QUARANTINE)
    publication = quarantine_publication(QUARANTINE, batches, case, version)
    rows = quarantine_rows(batches, case, context.run_id)
    published = [tables.publish(context, rows, publication)]
    faults.reach("after_quarantine")
    version = tables.current_version(context, QUARANTINE)
    for batch in batches:
        if batch.counted.num_good:
            good = good_rows(batch.judged, context.run_id)
            published.append(tables.publish(context, good, silver_publication(batch, version)))
    return published
