"""All that was found about the candidates, as one JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_spark.evaluate.counting import ALL, Group
from lepton_spark.evaluate.gate import Verdict, difference, judge
from lepton_spark.evaluate.metrics import threshold_of
from lepton_spark.train.average import AVERAGE

if TYPE_CHECKING:
    from lepton_spark.config.evaluate import GateSettings

FORM = 1
Measured = Mapping[Group, Mapping[str, Any]]


def judgement(
    measured: Measured,
    places: Mapping[str, int],
    gate: GateSettings,
    *,
    suspect: str | None = None,
) -> dict[str, Any]:
    """Rank the models on validation rows, judge them on test rows.

    Args:
        measured: As of `measure_counts`.
        places: Bin of the threshold of each model.
        gate: What a model must reach.
        suspect: The feature that tells most, named where a score is too good.

    Returns:
        JSON-ready: `ranking` (names, best first), `best` (the first that passed, or null),
        `models` by name, `differences` of the gate's metric between the best ranked and the rest.
    """
    tested = {name: measured[name, "test", ALL, ALL] for name in places}
    ranking = _ranking(measured, places, gate.metric)
    verdicts = {name: judge(name, tested, gate, suspect=suspect) for name in ranking}
    return {
        "form": FORM,
        "metric": gate.metric,
        "ranking": ranking,
        "best": next((name for name in ranking if verdicts[name].verdict == "pass"), None),
        "models": {name: _model(name, measured, places[name], verdicts[name]) for name in ranking},
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
                "threshold": model["threshold"],
                f"validate_{document['metric']}": model["validate"]["metrics"][document["metric"]],
                **{metric: found[metric] for metric in ("auc", "pr_auc", "log_loss", "brier")},
            }
        )
    return rows


def _ranking(measured: Measured, names: Iterable[str], metric: str) -> list[str]:
    """By validation rows; an average that is not worse than the best there comes first.

    On those rows early stopping favours its model, and which member of an average errs less
    changes with time: Timmermann, Forecast Combinations, 2006.
    """
    ranking = sorted(names, key=lambda name: (-_validated(measured, name, metric), name))
    if AVERAGE in ranking:
        best, average = (measured[n, "validate", ALL, ALL] for n in (ranking[0], AVERAGE))
        low = difference(best["resampled"], average["resampled"])["low"]
        if low is not None and low <= 0:
            ranking.sort(key=lambda name: name != AVERAGE)
    return ranking


def _validated(measured: Measured, name: str, metric: str) -> float:
    value: float | None = measured[name, "validate", ALL, ALL]["metrics"][metric]["value"]
    return -1.0 if value is None else value


def _model(name: str, measured: Measured, place: int, verdict: Verdict) -> dict[str, Any]:
    return {
        "threshold": threshold_of(place),
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
            kept = {key: result[key] for key in ("rows", "positives", "metrics")}
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
