"""What MLflow is told about a candidate: settings, metrics with intervals, curves by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lepton_spark.registry.store import Trial
from lepton_spark.train.measured import rates

if TYPE_CHECKING:
    from lepton_spark.config.case import Case
    from lepton_spark.train.bundle import Bundle

_PARTS = {"validate": "validation", "test": "test"}
_SETTINGS = ("transform", "model", "train", "gate")


def trial_of(
    name: str, bundle: Bundle, case: Case, measured: Sequence[Mapping[str, Any]] = ()
) -> Trial:
    """Everything worth comparing between candidates.

    Args:
        name: Of the candidate.
        bundle: Judged: with `gate.json` and `evaluation.json`.
        case: Its settings are the run's parameters.
        measured: What the training of the network measured of itself, by epoch.

    Returns:
        Curves are those of the bundle; of the network also seconds by phase, rows by rank, rows a
        second and memory, where they were measured.
    """
    gate, snapshot = bundle.document("gate.json"), bundle.document("snapshot.json")
    return Trial(
        name=name,
        digest=bundle.digest,
        params=_params(case) | {f"dataset.{key}": str(snapshot[key]) for key in sorted(snapshot)},
        metrics=_metrics(bundle.document("evaluation.json")),
        curves=_curves(_history(bundle.document("training.json"), measured)),
        tags={"lepton.kind": str(bundle.spec["kind"]), "lepton.gate": str(gate["verdict"])},
        files=bundle.files,
    )


def _params(case: Case) -> dict[str, str]:
    return {
        f"{section}.{key}": str(value)
        for section in _SETTINGS
        for key, value in getattr(case, section).model_dump(mode="json").items()
    }


def _metrics(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Value and ends of the 95 % interval of each metric, on validation and test rows."""
    found = {key: evaluation[key] for key in ("threshold",) if key in evaluation}
    for part, label in _PARTS.items():
        for metric, ends in evaluation[part]["metrics"].items():
            found[f"{label}_{metric}"] = ends["value"]
            found[f"{label}_{metric}_low"] = ends["low"]
            found[f"{label}_{metric}_high"] = ends["high"]
    return {name: float(value) for name, value in found.items() if value is not None}


def _history(
    training: Mapping[str, Any], measured: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The epochs of a candidate, each with what was measured of it; baselines have steps."""
    of_epoch = {entry["epoch"]: _flat(entry) for entry in measured}
    return [
        {**of_epoch.get(entry.get("epoch"), {}), **entry} for entry in training.get("history", ())
    ]


def _flat(entry: Mapping[str, Any]) -> dict[str, Any]:
    by_rank = {f"rows_of_rank_{rank}": rows for rank, rows in enumerate(entry["rows_by_rank"])}
    return {**entry, **by_rank, **rates(entry)}


def _curves(history: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
    """Numbers that every epoch has, one series each."""
    names = set(history[0]) - {"epoch"} if history else set()
    return {
        name: [float(epoch[name]) for epoch in history]
        for name in sorted(names)
        if all(_is_number(epoch.get(name)) for epoch in history)
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
