"""Resolve entities: read clean rows, find which belong together, publish one row for each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lepton_spark import __version__
from lepton_spark.config.entity import members_of
from lepton_spark.config.expression import parse
from lepton_spark.context import Published, RunContext, StageResult
from lepton_spark.entities.blocks import Skew, sizes, skew, told, with_blocks, without_large
from lepton_spark.entities.clusters import Guard, best_links, clustered, components, probabilities
from lepton_spark.entities.compare import with_compared
from lepton_spark.entities.lineage import entity_rows, member_rows
from lepton_spark.entities.linkage import Blocking, Model, links, without_links
from lepton_spark.entities.published import JOB, published_for
from lepton_spark.entities.records import SOURCE, records
from lepton_spark.entities.survival import NUM_MEMBERS, identify, survivors
from lepton_spark.lake import session, tables
from lepton_spark.lake.marker import json_digest
from lepton_spark.lake.tables import EVERYTHING, Publication, TableId
from lepton_spark.lake.troubles import told_as
from lepton_spark.quality.accounting import require_number

if TYPE_CHECKING:
    from lepton_spark.config.entity import Entity

logger = logging.getLogger(__name__)

_DIGITS = 16


@dataclass(frozen=True)
class _Task:
    """One entity to resolve.

    Args:
        sources: Their silver rows.
        keys: Their key columns.
        fingerprint: Digest of all that the tables of the entity follow from.
    """

    name: str
    entity: Entity
    sources: Mapping[str, DataFrame]
    keys: Mapping[str, Sequence[str]]
    fingerprint: str


def resolve(context: RunContext) -> StageResult:
    """Publish the entities of the case as they were known at the moment, each table as a whole.

    An entity is resolved anew only where its rows or settings have changed.

    Raises:
        DataError: There are too few rows alike to learn from.
        ConflictError: The same date was published from other rows or settings.
    """
    published: list[Published] = []
    facts: dict[str, object] = {}
    if context.case.entities:
        # Splink makes views and functions of its own names: it gets a session of its own.
        own = session.attach(context.spark, context.environment.spark.conf)
        context = replace(context, spark=own)
    for name, entity in context.case.entities.items():
        with told_as(_table(context, name)), ExitStack() as kept:
            task = _task(context, name, entity)
            done = _standing(context, task)
            if not done:
                done, facts[name] = _resolve(context, task, kept)
            published += done
    logger.info("resolved %d entities of %s", len(context.case.entities), context.case.case)
    return StageResult(JOB, tuple(published), {"entities": facts})


def _table(context: RunContext, name: str) -> TableId:
    return TableId("silver", f"{context.case.case}_{name}")


def _task(context: RunContext, name: str, entity: Entity) -> _Task:
    """What an entity is to be made of. One job; collects a row a source."""
    sources = {source: tables.read(context, _table(context, source)) for source in entity.sources}
    keys = {source: context.case.key_of(source) for source in sources}
    moment = F.lit(context.moment)
    is_here, is_known = F.col("_arrived_at") <= moment, F.col("_known_at") <= moment
    counted = [
        rows.filter(is_here).agg(
            F.lit(source), F.count("*"), F.bit_xor(F.xxhash64("_file", "_row", is_known))
        )
        for source, rows in sources.items()
    ]
    found = [list(row) for row in reduce(DataFrame.union, counted).collect()]
    content = [found, entity.model_dump(mode="json", by_alias=True), keys, __version__]
    return _Task(name, entity, sources, keys, json_digest(content))


def _standing(context: RunContext, task: _Task) -> list[Published]:
    """Both tables, where they hold the same already, published for this date or one before."""
    found = []
    for name in (members_of(task.name), task.name):
        table = _table(context, name)
        marks = tables.marks(context, table, tables.current_version(context, table))
        mark = published_for(marks, context.as_of)
        if mark is None or mark.fingerprint != task.fingerprint:
            return []
        found.append(Published(str(table), mark.version, mark.rows, is_new=False))
    return found


def _resolve(
    context: RunContext, task: _Task, kept: ExitStack
) -> tuple[list[Published], Mapping[str, Any]]:
    entity = task.entity
    known = records(task.sources, task.keys, entity, context.moment)
    plain = known.columns
    known = _keep(with_blocks(with_compared(known, entity.match), entity), kept)
    found, facts = _link(known, task)
    best = best_links(found) if entity.one_to_one else found
    guard = Guard(entity.max_members, entity.one_to_one)
    members = _keep(identify(clustered(known.select(*plain), components(best), guard)), kept)
    surviving = _keep(survivors(members, entity.keep), kept)
    facts |= _counted(members, surviving)
    _warn(task.name, facts)
    file = f"{_table(context, task.name)}@{task.fingerprint[:_DIGITS]}"
    made = {
        members_of(task.name): member_rows(members, surviving, probabilities(best), task.name),
        task.name: entity_rows(surviving, task.name, tuple(entity.keep), file),
    }
    numbers = (facts["rows"], facts["entities"])
    published = [
        _publish(context, task, name, rows, facts | {"staged": number})
        for (name, rows), number in zip(made.items(), numbers, strict=True)
    ]
    spoken = f"{task.name}: {facts['rows']} rows are {facts['entities']} entities"
    context.progress.step(JOB, spoken)
    return published, facts


def _link(known: DataFrame, task: _Task) -> tuple[DataFrame, dict[str, Any]]:
    """Links, and what is told of how they were found. Collects a row a rule and a row a source."""
    entity = task.entity
    counted = sizes(known, len(entity.block), across=entity.links == "link_only")
    reports = [Skew(*row) for row in skew(counted, entity.max_block_rows).collect()]
    reports.sort(key=lambda report: report.rule)
    large = counted.filter(F.col("rows") > entity.max_block_rows)
    blocked = without_large(known, large, reports)
    numbers = [row[1] for row in known.groupBy(SOURCE).count().collect()]
    prior = entity.probability_two_random_records_match or 1 / max([2, *numbers])
    blocking = [
        Blocking(report.rule, _reads(entity, report.rule), report.pairs)
        for report in reports
        if report.pairs
    ]
    facts = {"blocks": told(reports, entity.block), "prior": prior}
    if not blocking:
        return without_links(known), facts
    by_source = {name: blocked.filter(F.col(SOURCE) == name) for name in entity.sources}
    found, weights = links(by_source, entity, Model(blocking, prior))
    return found, facts | {"weights": weights}


def _reads(entity: Entity, rule: int) -> frozenset[str]:
    where = f"block.{rule}"
    return parse(entity.block[rule], columns=entity.columns, where=where).columns


def _keep(rows: DataFrame, kept: ExitStack) -> DataFrame:
    """Rows that are read more than once, until the stack is closed."""
    stored = rows.persist()
    kept.callback(stored.unpersist)
    return stored


def _counted(members: DataFrame, surviving: DataFrame) -> dict[str, int]:
    """How many rows became how many entities. Two jobs, a row each."""
    apart = members.agg(F.count_if("_is_apart")).collect()[0][0]
    names = ("entities", "rows", "largest")
    found = surviving.agg(F.count("*"), F.sum(NUM_MEMBERS), F.max(NUM_MEMBERS)).collect()[0]
    return {
        **{name: number or 0 for name, number in zip(names, found, strict=True)},
        "apart": apart,
    }


def _warn(name: str, facts: Mapping[str, Any]) -> None:
    for block in facts["blocks"]:
        if block["blocks_over"]:
            logger.warning(
                "%s: %d blocks of %s with %d rows are too large and not compared; the largest"
                " holds %.1f %% of the rows",
                name,
                block["blocks_over"],
                block["rule"],
                block["rows_over"],
                100 * block["top_share"],
            )
    if facts["apart"]:
        logger.warning("%s: %d rows were in entities too large, now alone", name, facts["apart"])


def _publish(
    context: RunContext, task: _Task, name: str, rows: DataFrame, facts: Mapping[str, Any]
) -> Published:
    table, number = _table(context, name), facts["staged"]
    publication = Publication(
        table,
        JOB,
        context.as_of.isoformat(),
        task.fingerprint,
        replace=EVERYTHING,
        facts=facts,
        audit=lambda staged: require_number(str(table), number, staged),
    )
    return tables.publish(context, rows.withColumn("_run_id", F.lit(context.run_id)), publication)
