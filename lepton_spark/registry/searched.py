"""What MLflow is told about the trials of a search."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lepton_spark.registry.store import Trial, log
from lepton_spark.search.stage import search
from lepton_spark.search.study import TIME

if TYPE_CHECKING:
    from lepton_spark.context import RunContext, StageResult


def search_and_log(context: RunContext) -> StageResult:
    """What `search` found; its trials are in MLflow by then.

    Raises:
        LeptonError: As of `search`.
        EnvironmentFault: MLflow cannot be reached; the search is kept, and ends at once when it is
            given again.
    """
    result = search(context)
    log_trials(context, result.facts)
    return result


def log_trials(context: RunContext, facts: Mapping[str, Any]) -> None:
    """Write down each trial as an MLflow run; those that are there already are found again.

    Args:
        context: Of the run.
        facts: As the search tells them.

    Raises:
        EnvironmentFault: MLflow cannot be reached.
    """
    for trial in facts["trials"]:
        log(context, trial_of(trial, facts["fingerprint"]))


def trial_of(told: Mapping[str, Any], fingerprint: str) -> Trial:
    """A trial as the registry writes it: settings, losses of its folds, and how it ended.

    Args:
        told: Facts of the trial.
        fingerprint: Of the search.

    Returns:
        Named after its number; it has a `validation_loss` where the search measured one.
    """
    text = f"{fingerprint} trial {told['trial']}"
    if told["stopped"] == TIME:  # with more of it the trial goes on, and is another run then
        text += " cut"
    metrics = {} if told["loss"] is None else {"validation_loss": float(told["loss"])}
    return Trial(
        name=f"search-{told['trial']:03d}",
        digest=hashlib.sha256(text.encode()).hexdigest(),
        params={name: str(value) for name, value in told["settings"].items()},
        metrics={**metrics, "seconds": float(told["seconds"])},
        curves={"fold_loss": told["losses"]} if told["losses"] else {},
        tags={"lepton.kind": "search", "lepton.end": told["end"], "lepton.search": fingerprint},
    )
