"""Score one day with the champion and publish it, or find that it is published."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark import __version__
from lepton_spark.bronze.landed import StoredFile, stored
from lepton_spark.context import Published, RunContext, StageResult
from lepton_spark.entities.published import published_for
from lepton_spark.errors import DataError
from lepton_spark.lake import tables
from lepton_spark.lake.catalog import TableId
from lepton_spark.lake.marker import json_digest
from lepton_spark.quality.quarantine import QUARANTINE
from lepton_spark.registry import store
from lepton_spark.score.assemble import Scorer, assemble, signed
from lepton_spark.score.audit import audit
from lepton_spark.score.day import JOB, day_scores, digest_of, features_table, predictions_table
from lepton_spark.score.fitness import (
    require_aim,
    require_columns,
    require_older,
    require_passed,
    threshold_of,
)
from lepton_spark.score.scheduled import Day, accepted, refused, without_twins
from lepton_spark.score.unseen import require_known, unseen_shares
from lepton_spark.silver.waiting import inlets_of
from lepton_spark.train import bundle as bundles

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.train.bundle import Bundle

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Inputs:
    """The tables that a day's predictions follow from, each at one version."""

    features: TableId
    silver: TableId
    bronze: TableId
    versions: Mapping[str, int]  # also of the bronze table of each source

    def read(self, context: RunContext, table: TableId) -> DataFrame:
        """The table as of the version that the predictions follow from."""
        return tables.read(context, table, version=self.versions[str(table)])

    def features_rows(self, context: RunContext) -> DataFrame:
        """The features, of all days."""
        return self.read(context, self.features)


def score(context: RunContext) -> StageResult:
    """Publish a prediction, or the reason why there is none, for each row of the logical date.

    Raises:
        ModelError: There is no champion, or it may not score this day.
        DataError: The day has no rows, files of it are not refined, or the predictions do not stand
            the audit.
        ConflictError: The day was published with another model or from other inputs.
    """
    champion = store.champion(context)
    model = bundles.load(champion.uri, champion.digest)
    require_passed(model, champion.version)
    require_older(model, champion.version, context.moment)
    require_aim(model, champion.version, context.case)
    inputs = _inputs(context)
    _require_refined(context)
    require_columns(model, inputs.features_rows(context).schema)
    scorer = Scorer(
        name=str(model.spec["kind"]),
        version=champion.version,
        digest=champion.digest,
        threshold=threshold_of(model),
        run_id=context.run_id,
    )
    published, counted = _publish(context, inputs, model, scorer)
    logger.info("%d predictions of %s are in %s", published.rows, context.as_of, published.table)
    facts = {"model": scorer.name, "model_version": scorer.version, "model_digest": scorer.digest}
    return StageResult(JOB, (published,), {**facts, **counted})


def _inputs(context: RunContext) -> _Inputs:
    case = context.case
    features = features_table(context)
    silver = TableId("silver", f"{case.case}_{case.predict.each}")
    bronze = _bronze(context, case.predict.each)
    landed = [_bronze(context, name) for name in case.sources]
    versions = {
        str(table): tables.current_version(context, table)
        for table in (features, silver, bronze, QUARANTINE, *landed)
    }
    if case.predict.each in case.entities:
        mark = published_for(tables.marks(context, silver, versions[str(silver)]), context.as_of)
        versions |= {str(silver): mark.version} if mark is not None else {}
    return _Inputs(features, silver, bronze, versions)


def _require_refined(context: RunContext) -> None:
    """See that every landed row of the predicted source is accepted or refused."""
    each = context.case.predict.each
    if each not in context.case.sources:  # an entity, made of accepted rows
        return
    waiting = inlets_of(context, tables, [each])[each].files
    if waiting:
        raise DataError(
            "LS-2087",
            f"{len(waiting)} files of {each} are landed and not refined.",
            "each raw row of the day has a prediction, or the reason why there is none.",
            "run `lepton nightly`, or `lepton refine` and `lepton features` first.",
            "no predictions were published",
        )


def _bronze(context: RunContext, source: str) -> TableId:
    return TableId("bronze", f"{context.case.case}_{source}")


def _publish(
    context: RunContext, inputs: _Inputs, model: Bundle, scorer: Scorer
) -> tuple[Published, dict[str, Any]]:
    """The predictions, and what their audit counted; nothing where they were there already."""
    counted: dict[str, Any] = {}
    table, key = predictions_table(context), context.as_of.isoformat()
    good, bad = (rows.persist() for rows in _scheduled(context, inputs))
    names = context.case.key_of(context.case.predict.each)
    version = inputs.versions[str(inputs.features)]
    scores = day_scores(context, inputs.features_rows(context), version, model)
    rows = assemble(good, bad, scores, names, model.transform.refusal)
    publication = tables.Publication(
        table,
        JOB,
        key,
        _fingerprint(context, inputs, model),
        replace=f"as_of = DATE '{key}'",
        partition_by=("as_of",),
        facts={
            "inputs": dict(inputs.versions),
            "model": {"version": scorer.version, "digest": scorer.digest},
            "moment": context.moment.isoformat(),
        },
        audit=lambda staged: counted.update(
            audit(staged, _count(context, good, bad), context.case.task)
            | _unseen(context, inputs, model)
        ),
    )
    try:
        signed_ = signed(rows, names, context.as_of, scorer)
        return tables.publish(context, signed_, publication), counted
    finally:
        good.unpersist()
        bad.unpersist()


def _scheduled(context: RunContext, inputs: _Inputs) -> tuple[DataFrame, DataFrame]:
    """The raw rows of the day: accepted and refused."""
    predict_ = context.case.predict
    day = Day(predict_.day, context.as_of, context.moment)
    key = context.case.key_of(predict_.each)
    good = accepted(inputs.read(context, inputs.silver), key, day)
    source = context.case.sources.get(predict_.each)  # an entity is made of accepted rows alone
    if source is None or inputs.versions[str(QUARANTINE)] < 0:
        return good, good.limit(0).withColumn("_reasons", F.array().cast("array<string>"))
    locators = inputs.read(context, QUARANTINE).filter(
        (F.col("case") == context.case.case)
        & (F.col("table") == str(inputs.silver))
        & (F.col("severity") == "refused")
    )
    records = inputs.read(context, inputs.bronze)
    bad = refused(records, locators, source, context.contracts[source.contract], day)
    return good, without_twins(bad, good, source.key)


def _count(context: RunContext, good: DataFrame, bad: DataFrame) -> int:
    number = good.select("_file", "_row").unionByName(bad.select("_file", "_row")).count()
    if number == 0 and not context.allow_empty:
        each = context.case.predict.each
        raise DataError(
            "LS-2083",
            f"{each} has no rows for {context.as_of}.",
            "a night without rows to predict is a failed delivery unless it is said to be allowed.",
            f"deliver the files of {each} and run `lepton nightly`, or add --allow-empty.",
            "no predictions were published",
        )
    return number


def _unseen(context: RunContext, inputs: _Inputs, model: Bundle) -> dict[str, Any]:
    """Shares of categories that the model does not know, where the case limits them."""
    most = context.case.score.max_unseen
    if most is None:
        return {}
    shares = unseen_shares(_of_day(context, inputs), model.transform)
    require_known(shares, most)
    return {"unseen": shares}


def _of_day(context: RunContext, inputs: _Inputs) -> DataFrame:
    """The features of the logical date."""
    is_of_day = F.col(context.case.predict.day) == F.lit(context.as_of)
    return inputs.features_rows(context).filter(is_of_day)


def _fingerprint(context: RunContext, inputs: _Inputs, model: Bundle) -> str:
    """Digest of what the predictions follow from: model, features, raw files, settings and code.

    One small job.
    """
    parts = {"sources", "predict", "features", *(["entities"] if context.case.entities else [])}
    case = context.case.model_dump(mode="json", include=parts)
    contracts = {name: repr(contract) for name, contract in context.contracts.items()}
    # What the rows are and not how they were built: the same may come from one day or from all.
    columns = [*context.case.key_of(context.case.predict.each), *model.transform.columns]
    features = digest_of(_of_day(context, inputs), columns)
    files = _files(context, inputs)
    document = [model.digest, features, files, case, contracts, __version__]
    return json_digest(document)


def _files(context: RunContext, inputs: _Inputs) -> list[list[str]]:
    """Every raw file that had arrived by the moment, with its digest."""
    found = []
    for name in context.case.sources:
        files = _stored(context, inputs, _bronze(context, name))
        found += [[name, f.path, f.sha256] for f in files if f.has_arrived(context.moment)]
    return sorted(found)


def _stored(context: RunContext, inputs: _Inputs, table: TableId) -> list[StoredFile]:
    marks = tables.marks(context, table, inputs.versions[str(table)])
    return stored(marks, lambda: inputs.read(context, table))
