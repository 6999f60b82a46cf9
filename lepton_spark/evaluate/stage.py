"""Score the candidates on validation and test rows, measure them, ask the gate."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lepton_spark.context import RunContext, StageResult
from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.published import dataset_table, require_prepared
from lepton_spark.dataset.split import SPLIT
from lepton_spark.errors import ModelError
from lepton_spark.evaluate.counting import (
    ALL,
    UNIT,
    best_places,
    count_scores,
    largest_values,
    measure_counts,
)
from lepton_spark.evaluate.judgement import judgement, side_by_side
from lepton_spark.evaluate.measure import Resampling
from lepton_spark.evaluate.metrics import threshold_of
from lepton_spark.evaluate.predictions import predict
from lepton_spark.evaluate.sums import measure_sums, sum_amounts, sum_classes
from lepton_spark.evaluate.units import unit_of
from lepton_spark.lake import file_plan, files, tables
from lepton_spark.lake.catalog import TableId
from lepton_spark.models.output import Output
from lepton_spark.train import bundle as bundles
from lepton_spark.train import candidates

if TYPE_CHECKING:
    from pyspark.sql import Column

    from lepton_spark.lake.marker import Marker
    from lepton_spark.train.bundle import Bundle
    from lepton_spark.train.candidates import Candidates

logger = logging.getLogger(__name__)
JOB = "evaluate"
_PARTS = ("validate", "test")
_VALUES_OF_A_SLICE = 20


def evaluate(context: RunContext) -> StageResult:
    """Judge every candidate; write its bundle with `gate.json` and `evaluation.json`.

    Raises:
        DataError: There is no dataset for the date.
        ModelError: There are no candidates, one was damaged, or one gives scores that are no
            numbers, or none.
        ConflictError: Another run trains, judges or registers models of the case.
    """
    prepared = tables.find(context, dataset_table(context), "dataset", context.as_of.isoformat())
    marker = require_prepared(context, prepared)
    place = candidates.folder(context, marker)
    # Two runs of one case would write the same bundles.
    with tables.hold(context, TableId("models", context.case.case)):
        document = place.judgement()
        if document is None:
            found = _load(place)
            document = _judge(context, marker, found)
            _write(place, found, document)
        else:
            logger.info("the candidates in %s are judged already", place.path)
    facts = {"best": document["best"], "models": side_by_side(document)}
    return StageResult(JOB, (), {**facts, "metric": document["metric"], "path": place.evaluation})


def _load(place: Candidates) -> dict[str, Bundle]:
    digests = place.trained()
    if digests is None:
        raise ModelError(
            "LS-3041",
            f"there are no candidates in {place.path}",
            "a model is judged after it was trained, with the same case, dataset and settings",
            "run the stage `train` first, or `lepton run`",
        )
    return {name: bundles.load(place.candidate(name), digests[name]) for name in digests}


def _judge(context: RunContext, marker: Marker, found: Mapping[str, Bundle]) -> dict[str, Any]:
    case = context.case
    context.progress.step(JOB, "score validation and test rows")
    scored = _scored(context, marker, found)
    output = Output.read(next(iter(found.values())).spec)
    counts = _counted(context, scored, list(found), output).persist()
    try:
        _require_numbers(counts)
        is_all = F.col("slice") == ALL
        is_binary, places = output.task.kind == "binary", {}
        if is_binary:
            places = best_places(counts.filter(is_all & (F.col("part") == "validate")))
        context.progress.step(JOB, "measure")
        kept = largest_values(counts, part="test", count=_VALUES_OF_A_SLICE)
        wanted = kept.filter(is_all | (F.col("part") == "test"))
        resampling = Resampling(
            case.evaluate.resamples, case.evaluate.seed, keep=case.aim.gate.metric
        )
        measured = (
            measure_counts(wanted, resampling, places)
            if is_binary
            else measure_sums(wanted, resampling, output)
        )
    finally:
        counts.unpersist()
    thresholds = {name: threshold_of(place) for name, place in places.items()}
    return judgement(measured, list(found), case.aim.gate, thresholds, suspect=_most_telling(found))


def _counted(
    context: RunContext, scored: DataFrame, models: list[str], output: Output
) -> DataFrame:
    slices = _slices(context)
    if output.task.kind == "binary":
        return count_scores(scored, models, slices)
    if output.task.kind == "classes":
        return sum_classes(scored, models, slices)
    return sum_amounts(scored, models, slices, output)


def _most_telling(found: Mapping[str, Bundle]) -> str | None:
    """The feature with the largest share of what boosted trees gained, where there are any."""
    for candidate in found.values():
        for entry in candidate.document("training.json").get("importance", []):
            return str(entry["feature"])
    return None


def _scored(context: RunContext, marker: Marker, found: Mapping[str, Bundle]) -> DataFrame:
    case = context.case
    key = case.key_of(case.predict.each)
    rows = tables.read(context, dataset_table(context), version=marker.version)
    slices = [name for name in case.evaluate.slices if name in rows.columns]
    together = case.aim.split.by or key
    keep = list(dict.fromkeys([*key, *together, case.predict.day, *slices, LABEL]))
    parts = []
    for part in _PARTS:
        condition = f"{SPLIT} = '{part}'"
        plan = file_plan.plan(
            context, dataset_table(context), marker.version, condition=condition, without=(SPLIT,)
        )
        scores = predict(rows.filter(condition), found, keep=keep, plan=plan)
        parts.append(scores.withColumn(SPLIT, F.lit(part)))
    scored = reduce(DataFrame.unionByName, parts)
    is_by_day = case.aim.split.validate_from is not None
    unit = unit_of(rows, day=case.predict.day, key=together, is_by_day=is_by_day)
    return scored.withColumn(UNIT, unit)


def _slices(context: RunContext) -> dict[str, Column]:
    """Columns to slice by; `month` comes from the day unless it is a feature of its own."""
    case = context.case
    slices = {name: F.col(name) for name in case.evaluate.slices}
    if "month" in slices and "month" not in case.features.own:
        slices["month"] = F.date_format(F.col(case.predict.day), "yyyy-MM")
    return slices


def _require_numbers(counts: DataFrame) -> None:
    parts = {row["part"] for row in counts.select("part").distinct().collect()}
    if lacking := sorted(set(_PARTS) - parts):
        raise ModelError(
            "LS-3043",
            f"no row of the part {lacking[0]} has a score: the transform refuses all of them",
            "a model is judged by the rows that it would score",
            "widen transform.outliers, or see why those rows differ from the training part",
        )
    bad = counts.filter(F.col("unsound") > 0).select("model").distinct().collect()
    if bad:
        raise ModelError(
            "LS-3042",
            f"{', '.join(sorted(row['model'] for row in bad))} gives scores that are no numbers",
            "a score is a probability or an amount",
            "train again with a lower train.learning_rate",
        )


def _write(place: Candidates, found: Mapping[str, Bundle], document: dict[str, Any]) -> None:
    """Write the judged bundles, then the evaluation, which says that all of them are there."""
    for name, candidate in found.items():
        model = document["models"][name]
        evaluation = {key: model[key] for key in model if key != "gate"}
        judged = candidate.plus({"gate.json": model["gate"], "evaluation.json": evaluation})
        model["digest"] = bundles.write(place.judged(name), judged)
    files.write_atomically(place.evaluation, bundles.to_json(document))
