"""All that was found about the candidates, as one JSON document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_spark.config.task import shown_metrics
from lepton_spark.evaluate.counting import ALL, Group
from lepton_spark.evaluate.gate import Verdict, difference, gain, judge
from lepton_spark.train.average import AVERAGE

if TYPE_CHECKING:
    from lepton_spark.config.evaluate import GateSettings

FORM = 1
Measured = Mapping[Group, Mapping[str, Any]]


def judgement(
    measured: Measured,
    names: Sequence[str],
    gate: GateSettings,
    thresholds: Mapping[str, float],
    *,
    suspect: str | None = None,
) -> dict[str, Any]:
    """Rank the models on validation rows, judge them on test rows.

    Args:
        measured: As of `measure_counts` or `measure_sums`.
        names: Of the models.
        gate: What a model must reach.
        thresholds: From which score on the decision of a model is true; empty where there is none.
        suspect: The feature that tells most, named where a score is too good.

    Returns:
        JSON-ready: `ranking` (names, best first), `best` (the first that passed, or null),
        `models` by name, `differences` of the gate's metric between the best ranked and the rest.
    """
    tested = {name: measured[name, "test", ALL, ALL] for name in names}
    ranking = _ranking(measured, names, gate)
    verdicts = {name: judge(name, tested, gate, suspect=suspect) for name in ranking}
    return {
        "form": FORM,
        "metric": gate.metric,
        "ranking": ranking,
        "best": next((name for name in ranking if verdicts[name].verdict == "pass"), None),
        "models": {
            name: _model(name, measured, thresholds.get(name), verdicts[name]) for name in ranking
        },
        "differences": _differences(tested, ranking),
    }


def side_by_side(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models, best first, one flat row each: for summaries and tables."""
    rows = []
    for name in document["ranking"]:
        model = document["models"][name]
        found = model["test"]["metrics"]
        rows.append(
            {
                "model": name,
                "verdict": model["gate"]["verdict"],
                "reasons": model["gate"]["reasons"],
                **{key: model[key] for key in ("threshold",) if key in model},
                f"validate_{document['metric']}": model["validate"]["metrics"][document["metric"]],
                **{metric: found[metric] for metric in shown_metrics(found)},
            }
        )
    return rows


def _ranking(measured: Measured, names: Iterable[str], gate: GateSettings) -> list[str]:
    """By validation rows; an average that is not worse than the best there comes first.

    On those rows early stopping favours its model, and which member of an average errs less
    changes with time: Timmermann, Forecast Combinations, 2006.
    """
    ranking = sorted(names, key=lambda name: (-_validated(measured, name, gate), name))
    if AVERAGE in ranking:
        best, average = (measured[n, "validate", ALL, ALL] for n in (ranking[0], AVERAGE))
        low = gain(best["resampled"], average["resampled"], gate)["low"]
        if low is not None and low <= 0:
            ranking.sort(key=lambda name: name != AVERAGE)
    return ranking


def _validated(measured: Measured, name: str, gate: GateSettings) -> float:
    """More is better; no value is worst."""
    value: float | None = measured[name, "validate", ALL, ALL]["metrics"][gate.metric]["value"]
    if value is None:
        return -math.inf
    return -value if gate.is_error else value


def _model(
    name: str, measured: Measured, threshold: float | None, verdict: Verdict
) -> dict[str, Any]:
    return {
        **({} if threshold is None else {"threshold": threshold}),
        "gate": verdict.to_dict(),
        "validate": _without_resamples(measured[name, "validate", ALL, ALL]),
        "test": _without_resamples(measured[name, "test", ALL, ALL]),
        "slices": _slices(name, measured),
    }


def _slices(name: str, measured: Measured) -> dict[str, list[dict[str, Any]]]:
    """Test rows by slice, the largest value first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for (model, part, slice_, value), result in measured.items():
        if (model, part) == (name, "test") and slice_ != ALL:
            kept = {key: result[key] for key in ("rows", "positives", "metrics") if key in result}
            found.setdefault(slice_, []).append({"value": value, **kept})
    for rows in found.values():
        rows.sort(key=lambda row: (-row["rows"], row["value"]))
    return dict(sorted(found.items()))


def _differences(
    tested: Mapping[str, Mapping[str, Any]], ranking: Sequence[str]
) -> list[dict[str, Any]]:
    first = ranking[0]
    return [
        {
            "model": first,
            "against": other,
            **difference(tested[first]["resampled"], tested[other]["resampled"]),
        }
        for other in ranking[1:]
    ]


def _without_resamples(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "resampled"}
