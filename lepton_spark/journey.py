"""Which stages a command runs, in which order. Each is imported when it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from lepton_spark.context import RunContext, StageResult
from lepton_spark.job.run import new_run_id, run_stages

Stage = Callable[[RunContext], StageResult]
Stages = tuple[tuple[str, Stage], ...]
Nights = dict[date, list[StageResult]]


def land(context: RunContext) -> StageResult:
    """Raw files -> bronze."""
    from lepton_spark.bronze.stage import land as stage

    return stage(context)


def refine(context: RunContext) -> StageResult:
    """Bronze -> silver and quarantine."""
    from lepton_spark.silver.stage import refine as stage

    return stage(context)


def resolve(context: RunContext) -> StageResult:
    """Silver -> entities, a row for all rows that mean the same."""
    from lepton_spark.entities.stage import resolve as stage

    return stage(context)


def features(context: RunContext) -> StageResult:
    """Silver -> the features of every day up to the logical date."""
    from lepton_spark.features.stage import build

    return build(context, days="all")


def features_of_one_day(context: RunContext) -> StageResult:
    """Silver -> the features of the logical date."""
    from lepton_spark.features.stage import build

    return build(context, days="one")


def dataset(context: RunContext) -> StageResult:
    """Features and labels -> train, validate, test."""
    from lepton_spark.dataset.stage import prepare

    return prepare(context)


def train(context: RunContext) -> StageResult:
    """The dataset -> candidates: the network and its baselines."""
    from lepton_spark.train.stage import train as stage

    return stage(context)


def evaluate(context: RunContext) -> StageResult:
    """Candidates -> metrics with intervals, and the verdict of the gate."""
    from lepton_spark.evaluate.stage import evaluate as stage

    return stage(context)


def register(context: RunContext) -> StageResult:
    """The best candidate that passed -> the champion."""
    from lepton_spark.registry.stage import register as stage

    return stage(context)


def score(context: RunContext) -> StageResult:
    """The champion and the features of the logical date -> predictions."""
    from lepton_spark.score.stage import score as stage

    return stage(context)


STAGES: Mapping[str, Stage] = {
    stage.__name__: stage
    for stage in (land, refine, resolve, features, dataset, train, evaluate, register, score)
}
_LEARN = tuple((name, stage) for name, stage in STAGES.items() if name != "score")
_PREPARE = tuple((name, STAGES[name]) for name in ("land", "refine", "resolve", "features"))
_NIGHT: Stages = (
    ("land", land),
    ("refine", refine),
    ("resolve", resolve),
    ("features", features_of_one_day),
    ("score", score),
)


def _asked(context: RunContext, stages: Stages) -> Stages:
    """The stages, less those that the case has no use for."""
    return stages if context.case.entities else tuple(s for s in stages if s[0] != "resolve")


def learn(context: RunContext, score_day: date | None) -> Nights:
    """From raw files to a champion, and one scored day where asked.

    A case that predicts nothing ends with its features.
    """
    if not context.case.has_aim and score_day is None:
        return {context.as_of: run_stages(context, _asked(context, _PREPARE))}
    found = {context.as_of: run_stages(context, _asked(context, _LEARN))}
    if score_day is None:
        return found
    night = on_day(context, score_day)
    # Up to the logical date all features are there; after it, that night is run as a whole.
    stages = _asked(context, _NIGHT) if score_day > context.as_of else (("score", score),)
    found[score_day] = found.get(score_day, []) + run_stages(night, stages)
    return found


def nights(context: RunContext, until: date) -> Nights:
    """Each night from the logical date on, in one process: land, refine, features, score.

    A case that predicts nothing is not scored.
    """
    stages = _asked(context, _NIGHT if context.case.has_aim else _NIGHT[:-1])
    count = (until - context.as_of).days + 1
    days = [context.as_of + timedelta(days=number) for number in range(count)]
    return {day: run_stages(on_day(context, day), stages) for day in days}


def on_day(context: RunContext, day: date) -> RunContext:
    """The same command on another logical date, as a run of its own."""
    if day == context.as_of:
        return context
    return replace(context, as_of=day, run_id=new_run_id())
