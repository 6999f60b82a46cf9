"""Refine what has landed: clean rows into silver, the others into quarantine, none lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial, reduce
from typing import TYPE_CHECKING, TypeVar

from pyspark.sql import DataFrame

from lepton_spark import faults
from lepton_spark.config.rule_checker import needs_of
from lepton_spark.context import Published, RunContext, StageResult
from lepton_spark.lake import tables
from lepton_spark.lake.catalog import all_of
from lepton_spark.lake.marker import json_digest
from lepton_spark.lake.tables import Publication
from lepton_spark.lake.troubles import told_as
from lepton_spark.quality.accounting import (
    require_balance,
    require_few_refused,
    require_number,
    require_staged,
    tally,
)
from lepton_spark.quality.expectation import stale
from lepton_spark.quality.finding import require_kept
from lepton_spark.quality.measurement import LAST, newest_of, plan_of
from lepton_spark.quality.quarantine import QUARANTINE, condition_of, quarantined
from lepton_spark.quality.skew import warn_of_skew
from lepton_spark.silver.batch import Batch, of_files, settings_of
from lepton_spark.silver.cardinality import require_matches, require_one_to_one
from lepton_spark.silver.judgement import good_rows, judge, judge_rest
from lepton_spark.silver.lookup import name_of
from lepton_spark.silver.measured_days import compares_days, measured_rows, publication_of
from lepton_spark.silver.order import groups
from lepton_spark.silver.readings import Readings
from lepton_spark.silver.verdict import verdict
from lepton_spark.silver.waiting import inlets_of

if TYPE_CHECKING:
    from lepton_spark.silver.inlet import Inlet
    from lepton_spark.silver.lookup import Reference

logger = logging.getLogger(__name__)

_JOB = "refine"
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def refine(context: RunContext) -> StageResult:
    """Refine every file of bronze that had arrived by the moment and is not refined yet.

    A file is refined when its rows in silver and in quarantine are as many as in bronze. Of a
    group of sources nothing is published unless all of them pass.

    Raises:
        DataError: More rows of a source are refused than it allows.
        InternalError: Rows do not add up.
        ConflictError: Another run refines the same case.
    """
    published: list[Published] = []
    facts: dict[str, object] = {}
    # What is new is decided by reading the tables: no one else may append between the two.
    with tables.hold(context, all_of("silver", context.case.case)):
        inlets = inlets_of(context, tables, context.case.sources)
        _require_fresh(context, [inlet for inlet in inlets.values() if not inlet.is_waiting])
        for names in groups(needs_of(context.case, context.contracts)):
            waiting = [inlets[name] for name in names if inlets[name].is_waiting]
            with ExitStack() as kept:
                batches = _judge_all(context, waiting, kept)
                published += _publish(context, batches)
            facts |= {batch.inlet.name: batch.facts for batch in batches}
    logger.info("refined %d sources of %s", len(facts), context.case.case)
    return StageResult(_JOB, tuple(published), {"sources": facts})


def _each(items: Sequence[_Given], work: Callable[[_Given], _Made]) -> list[_Made]:
    """Do something for each, all at once: commits wait on the log more than they compute."""
    if not items:
        return []
    with ThreadPoolExecutor(max_workers=len(items), thread_name_prefix=_JOB) as pool:
        return list(pool.map(work, items))


def _references(
    context: RunContext, inlets: Sequence[Inlet], kept: ExitStack
) -> dict[str, Reference]:
    """The tables that some sources look up, each computed once."""
    sources = context.case.sources
    names = {lookup.source for inlet in inlets for lookup in sources[inlet.name].lookup}
    references = {name: Readings(context, tables).reference(name) for name in sorted(names)}
    for reference in references.values():
        kept.callback(reference.versions.persist().unpersist)
    return references


def _judge_all(context: RunContext, inlets: Sequence[Inlet], kept: ExitStack) -> list[Batch]:
    """Judge a group of sources side by side, and see that each may be published."""
    references = _references(context, inlets, kept)
    batches = _each(inlets, lambda inlet: _judge(context, inlet, references, kept))
    for batch in batches:
        _require_sound(context, batch)
    return batches


def _judge(
    context: RunContext, inlet: Inlet, references: Mapping[str, Reference], kept: ExitStack
) -> Batch:
    """Compute what becomes of the rows of an inlet; they are kept until the stack is closed."""
    source = context.case.sources[inlet.name]
    readings = Readings(context, tables)
    contract = readings.contract_of(inlet)
    with told_as(inlet.silver):
        bronze = tables.read(context, inlet.bronze, version=inlet.bronze_version)
        landed = of_files(bronze, inlet.files)
        settled = sum(state.good for state in inlet.files)
        around = readings.surroundings(inlet, landed if settled else None)
        judged_by = partial(
            judge,
            source=source,
            contract=contract,
            references=references,
            around=around,
        )
        if settled:
            there = readings.silver(inlet)
            judged = judge_rest(landed, there, source, contract, judged_by).persist()
        else:
            judged = judged_by(landed).persist()
        kept.callback(judged.unpersist)
        lookups = [name_of(lookup) for lookup in source.lookup]
        counted = tally(judged, lookups, plan_of(contract, context.moment))
        counted = replace(counted, settled=settled)
        findings = verdict(contract, counted, readings.earlier(inlet, counted))
        newest = readings.newest(inlet, newest_of(counted.measured), context.moment)
        last = readings.newest(inlet, newest_of(counted.measured, LAST), None)
    warn_of_skew(inlet.name, counted.largest_key, counted.num_rows)
    findings += stale(contract.rules.fresh, newest, context.moment)
    told = f"{inlet.name}: {counted.num_rows} rows, {counted.refused} refused"
    context.progress.step(_JOB, told)
    return Batch(inlet, judged, counted, tuple(findings), last)


def _require_fresh(context: RunContext, inlets: Sequence[Inlet]) -> None:
    """See that sources that bring nothing new are fresh enough, where their contracts say so."""
    readings = Readings(context, tables)
    for inlet in inlets:
        fresh = readings.contract_of(inlet).rules.fresh
        findings = stale(fresh, readings.newest(inlet, {}, context.moment), context.moment)
        require_kept(findings, inlet.name, inlet.state)


def _require_sound(context: RunContext, batch: Batch) -> None:
    """See that no row is lost, few are refused, and that lookups and table are as promised."""
    inlet, source = batch.inlet, context.case.sources[batch.inlet.name]
    require_balance(str(inlet.silver), inlet.files, batch.counted)
    require_few_refused(inlet.name, batch.counted, source.max_refused, inlet.state)
    require_matches(inlet.name, source, batch.counted, inlet.state)
    rivals = Readings(context, tables).rivals(inlet)
    require_one_to_one(inlet.name, source, batch.judged, rivals, inlet.state)
    require_kept(batch.findings, inlet.name, inlet.state)


def _publish(context: RunContext, batches: Sequence[Batch]) -> list[Published]:
    """Quarantine first: a file counts as refined only when its good rows follow."""
    published = _publish_metrics(context, batches) + _publish_quarantine(context, batches)
    faults.reach("after_quarantine")
    version = tables.current_version(context, QUARANTINE)
    silver = _each(batches, lambda batch: _publish_silver(context, batch, version))
    return published + [each for each in silver if each is not None]


def _publish_quarantine(context: RunContext, batches: Sequence[Batch]) -> list[Published]:
    """All refused rows in one commit, in place of those that a killed run left."""
    case = context.case.case
    is_stale = any(state.quarantined for batch in batches for state in batch.inlet.files)
    if not is_stale and not any(batch.counted.bad for batch in batches):
        return []
    rows = [
        quarantined(batch.judged, case=case, table=str(batch.inlet.silver), run_id=context.run_id)
        for batch in batches
    ]
    files = {str(batch.inlet.silver): batch.inlet.files for batch in batches}
    paths = {table: [state.file for state in states] for table, states in files.items()}
    number = sum(sum(batch.counted.bad.values()) for batch in batches)
    publication = Publication(
        QUARANTINE,
        _JOB,
        json_digest([case, {table: list(map(asdict, states)) for table, states in files.items()}]),
        json_digest(
            [settings_of(batch.inlet, context.case, context.contracts) for batch in batches]
        ),
        replace=condition_of(case, paths) if is_stale else None,
        partition_by=("case", "table"),
        facts={"case": case},
        audit=lambda staged: require_number(str(QUARANTINE), number, staged),
    )
    return [tables.publish(context, reduce(DataFrame.unionByName, rows), publication)]


def _publish_metrics(context: RunContext, batches: Sequence[Batch]) -> list[Published]:
    """What later days are compared with, where a contract compares days."""
    asked = [batch for batch in batches if compares_days(context, batch)]
    if not asked:
        return []
    publication = publication_of(context, asked, _JOB)
    return [tables.publish(context, measured_rows(context, asked), publication)]


def _publish_silver(context: RunContext, batch: Batch, quarantine_version: int) -> Published | None:
    inlet, new = batch.inlet, batch.new_good
    contract = Readings(context, tables).contract_of(inlet)
    if not any(new.values()) and inlet.silver_version >= 0:
        return None
    facts = {
        "source": inlet.name,
        **batch.facts,
        "bronze_version": inlet.bronze_version if inlet.is_last else None,
        "quarantine_version": quarantine_version,
    }
    publication = Publication(
        inlet.silver,
        _JOB,
        json_digest([[state.file, state.sha256, state.good] for state in inlet.files]),
        json_digest(settings_of(batch.inlet, context.case, context.contracts)),
        facts=facts,
        audit=lambda staged: require_staged(str(inlet.silver), new, staged),
        add_columns=tuple(column.name for column in contract.columns),
    )
    return tables.publish(context, good_rows(batch.judged, context.run_id), publication)
