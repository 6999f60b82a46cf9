"""What a search found, as facts for people and programs."""

from __future__ import annotations

from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState

from lepton_spark.errors import TrainingError
from lepton_spark.search.space import as_overrides, settings_of
from lepton_spark.search.study import CODE, STOPPED, best_of, tried
from lepton_spark.search.trials import ESTIMATE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.study import Study
    from optuna.trial import FrozenTrial

    from lepton_spark.config.search import Dimension, SearchSettings

_ENDS = {TrialState.COMPLETE: "done", TrialState.FAIL: "failed"}


def facts_of(
    settings: SearchSettings, study: Study, outer: Sequence[Study], used: float
) -> dict[str, Any]:
    """The trials, the best one, and what nested folds say of the choice.

    Args:
        settings: Of the search.
        study: That chose on all rows.
        outer: Of nested folds: each chose without a fold.
        used: Seconds.

    Returns:
        `trials`, the `best` of them with its settings as `--set` takes them, the `estimate` or
        None, and minutes.

    Raises:
        TrainingError: No trial was trained to its end.
    """
    trials = [_told(number, each, settings.space) for number, each in enumerate(tried(study), 1)]
    best = best_of(study)
    if best is None:
        raise _none_ended(trials)
    place = next(n for n, each in enumerate(tried(study)) if each.number == best.number)
    return {
        "trials": trials,
        "best": {**trials[place], "set": as_overrides(trials[place]["settings"])},
        "estimate": _estimate(outer),
        "used_minutes": round(used / 60, 2),
        "budget_minutes": settings.budget_minutes,
    }


def _told(number: int, trial: FrozenTrial, space: Mapping[str, Dimension]) -> dict[str, Any]:
    """One trial; `loss` only where it was trained to its end."""
    is_whole = trial.state == TrialState.COMPLETE
    losses, stopped = trial.user_attrs["losses"], trial.user_attrs[STOPPED]
    return {
        "trial": number,
        "end": "stopped" if stopped else _ENDS[trial.state],
        "stopped": stopped,
        "code": trial.user_attrs.get(CODE, ""),
        "loss": trial.value if is_whole else None,
        "losses": losses,
        "spread": stdev(losses) if is_whole and len(losses) > 1 else None,
        "epochs": trial.user_attrs["epochs"],
        "seconds": trial.user_attrs["seconds"],
        "settings": settings_of(trial.params, space),
    }


def _estimate(outer: Sequence[Study]) -> dict[str, Any] | None:
    """Mean and spread of what was measured on folds that took no part in the choice.

    None where nothing was; what failed there by its settings is missing, with its code.
    """
    told = [study.user_attrs[ESTIMATE] for study in outer if ESTIMATE in study.user_attrs]
    found = [each for each in told if each["loss"] is not None]
    if not found:
        return None
    losses = [each["loss"] for each in found]
    return {
        "loss": fmean(losses),
        "spread": stdev(losses) if len(losses) > 1 else None,
        "folds": found,
        "missing": len(outer) - len(found),
        "failed": [each for each in told if each["loss"] is None],
    }


def _none_ended(trials: Sequence[Mapping[str, Any]]) -> TrainingError:
    ends = sorted({str(each["code"] or each["stopped"]) for each in trials})
    return TrainingError(
        "LS-6040",
        f"none of {len(trials)} trials was trained to its end ({', '.join(ends) or 'none begun'})",
        "only such a trial can be chosen",
        "raise search.budget_minutes or lower train.epochs; where trials failed, narrow their"
        " ranges in search.space",
        "the trials are kept; the same command goes on after them",
    )
