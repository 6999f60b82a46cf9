"""The short table at the end of a journey: what came in, which model won, where to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from lepton_spark.cli.tables import align, digits
from lepton_spark.config.task import shown_metrics
from lepton_spark.lake.catalog import TableId, location

if TYPE_CHECKING:
    from lepton_spark.config.environment import Environment
    from lepton_spark.context import StageResult
    from lepton_spark.job.outcome import Outcome
    from lepton_spark.job.request import Request

_NAMES = {
    "auc": "AUC", "pr_auc": "PR-AUC", "log_loss": "log loss", "brier": "Brier", "rmse": "RMSE",
    "mae": "MAE", "r2": "R2", "macro_f1": "macro F1",
}  # fmt: skip


def closing(outcome: Outcome, environment: Environment) -> str:
    """What a person wants to know after `lepton run`.

    Args:
        outcome: Of a run that ended well.
        environment: Where its tables are.
    """
    request = outcome.request
    if request is None or not outcome.nights:
        return ""
    results = {result.stage: result for night in outcome.nights.values() for result in night}
    facts = {name: result.facts for name, result in results.items()}
    scored = max((day for day, night in outcome.nights.items() if _has_score(night)), default=None)
    if "dataset" not in facts:
        return _lines([*_came_in(facts), *_made(results["features"], request, environment)])
    head = _lines([*_came_in(facts), *_learned(facts)])
    models = align(list(_models(facts.get("evaluate", {}).get("models", ()))))
    tail = _lines([*_promoted(facts), *_predicted(facts, scored, request, environment)])
    return "\n".join([head, models, tail]) + "\n"


def _lines(facts: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{name:<12}  {text}\n" for name, text in facts)


def _has_score(night: Sequence[StageResult]) -> bool:
    return any(result.stage == "score" for result in night)


def _came_in(facts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    landed = facts.get("land", {}).get("sources", {}).values()
    sources = facts.get("refine", {}).get("sources", {})
    refined = sources.values()
    rows, files = _sum(landed, "records"), _sum(landed, "files")
    again = "" if files else ", all files were there already"
    yield "rows in", f"{rows:,} from {files:,} files{again}"
    reasons: dict[str, int] = {}
    for source in refined:
        for reason, count in source.get("reasons", {}).items():
            reasons[reason] = reasons.get(reason, 0) + count
    most = sorted(reasons.items(), key=lambda item: -item[1])[:3]
    told = ": " + ", ".join(f"{reason} {count:,}" for reason, count in most) if most else ""
    yield "refused", f"{_sum(refined, 'refused'):,} to ops.quarantine{told}"
    missed = [
        f"{count:,} of {source['good']:,} {name} found no {lookup}"
        for name, source in sources.items()
        for lookup, count in source.get("unmatched", {}).items()
        if count
    ]
    if missed:
        yield "unmatched", "; ".join(missed)


def _sum(sources: Any, name: str) -> int:
    return sum(source.get(name, 0) for source in sources)


def _learned(facts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    dataset = facts.get("dataset", {})
    rows = dataset.get("rows", {})
    parts = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    yield "features", f"{dataset.get('features', 0)}, as known on each day"
    left_out = f"; {dataset['left_out']:,} between them left out" if "left_out" in dataset else ""
    yield "labelled", f"{sum(rows.values()):,} rows: {parts}{left_out}"


def _made(
    features: StageResult, request: Request, environment: Environment
) -> Iterator[tuple[str, str]]:
    """What a case leaves that predicts nothing."""
    table = TableId("gold", f"{request.case}_features")
    yield "features", f"{features.facts['rows']:,} rows, {table} in {location(environment, table)}"
    yield "next", f"lepton features {request.case} --explain all{options_of(request)}"


def _models(models: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    if not models:
        return
    metrics = shown_metrics(models[0])
    first, *rest = (_NAMES.get(metric, metric) for metric in metrics)
    yield ("model", f"{first} on test (95 %)", *rest, "gate")
    for model in models:
        main, *others = (model[metric] for metric in metrics)
        interval = f"{digits(main['value'])} ({digits(main['low'])} to {digits(main['high'])})"
        numbers = [digits(metric["value"]) for metric in others]
        yield (model["model"], interval, *numbers, model["verdict"])


def _promoted(facts: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    found = facts.get("register", {})
    version, champion = found.get("model_version"), found.get("champion")
    news = "" if found.get("is_new") else ", already the champion"
    if champion != version:  # another was promoted since, or this one was rolled back
        news = f" before; version {champion} scores"
    yield "promoted", f"{found.get('promoted')}, version {version}{news}"


def _predicted(
    facts: Mapping[str, Mapping[str, Any]],
    scored: date | None,
    request: Request,
    environment: Environment,
) -> Iterator[tuple[str, str]]:
    table = TableId("gold", f"{request.case}_predictions")
    options = options_of(request)
    if scored is not None:
        counted = facts["score"]
        number = f"{counted['scored']:,} of {scored}, " if "scored" in counted else f"{scored}, "
        yield "predictions", f"{number}{table} in {location(environment, table)}"
        yield "look closer", f"mlflow ui --backend-store-uri {environment.mlflow.tracking_uri}"
    following = (scored or request.as_of) + timedelta(days=1 if scored else 0)
    yield "next", f"lepton nightly {request.case} --as-of {following}{options}"


def options_of(request: Request, overrides: Sequence[str] | None = None) -> str:
    """What a shell has to be told again where it was not the default.

    Args:
        request: What was given.
        overrides: Settings to give in place of those of the request.
    """
    given = {
        "--env": (request.environment, "local"),
        "--conf-dir": (str(request.conf_dir), "conf"),
    }
    options = [(name, value) for name, (value, default) in given.items() if value != default]
    settings = request.overrides if overrides is None else overrides
    options += [("--set", setting) for setting in settings]
    return "".join(f" {name} {shlex.quote(value)}" for name, value in options)
