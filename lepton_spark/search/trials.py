"""The trials of a search: each settings of their own, judged by validation loss alone."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean, median_low
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState

from lepton_spark.config.searched import with_settings
from lepton_spark.errors import LeptonError
from lepton_spark.lake import files
from lepton_spark.lake.catalog import join
from lepton_spark.search.pruner import step_of
from lepton_spark.search.space import settings_of, suggest
from lepton_spark.search.study import (
    CODE,
    best_of,
    kills_again,
    measuring_kills_again,
    next_trial,
    tried,
)
from lepton_spark.search.training import best_epoch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna.study import Study
    from optuna.trial import Trial

    from lepton_spark.config.case import Case
    from lepton_spark.config.search import SearchSettings
    from lepton_spark.context import Progress
    from lepton_spark.search.budget import Budget
    from lepton_spark.search.division import Division, Outer
    from lepton_spark.search.training import Ended, Entry, Trainer

logger = logging.getLogger(__name__)
JOB = "search"
MEDIAN, TIME, ENOUGH = "median", "time", "enough"
ESTIMATE = "estimate"
# What follows from the settings of a trial: a loss that is not finite, a network that cannot be
# stored, a batch larger than the rows, columns that say nothing.
_OF_SETTINGS = {"LS-6013", "LS-6016", "LS-1061", "LS-2063"}
# What may follow from them: ranks that are killed or hang, or are out of memory. The first time it
# ends the search, as all else does; the second time it is of the settings.
_OF_SETTINGS_AGAIN = {"LS-7521", "LS-5044"}


@dataclass(frozen=True)
class Ground:
    """What all trials of a search stand on.

    Args:
        case: Its settings hold where a trial says nothing.
        settings: What is searched.
        folder: For checkpoints; a path or URI that all ranks reach.
    """

    case: Case
    settings: SearchSettings
    trainer: Trainer
    budget: Budget
    progress: Progress
    folder: str


@dataclass
class _Score:
    """What is known of a trial: of each fold that has ended the best loss and its epoch."""

    losses: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    stopped: str = ""
    code: str = ""

    def with_fold(self, loss: float) -> float:
        """The mean over the folds that have ended and the one that has come to this loss."""
        return fmean([*self.losses, loss])


def choose(ground: Ground, study: Study, divisions: Sequence[Division], share: float) -> None:
    """Try settings until there are enough trials, or a share of the budget is used.

    Args:
        ground: Of the search.
        study: Gets the trials.
        divisions: A trial is judged by its mean loss over them.
        share: Of the budget, from its begin.

    Raises:
        TrainingError: Training failed, not by the settings of a trial.
        TryAgainError: A rank was killed or hung, for the first time with these settings; the trial
            is put again with the next run.
        EnvironmentFault: A rank ran out of memory, likewise.
    """
    settings = ground.settings
    while len(tried(study)) < settings.trials and not ground.budget.is_over(share):
        trial = next_trial(study, settings)
        values = suggest(trial, ground.case, settings.space)
        number = len(tried(study)) + 1
        ground.progress.step(
            JOB, f"{study.study_name}, trial {number}", done=number, total=settings.trials
        )
        started_at = time.monotonic()
        score = _Score()
        folder = join(ground.folder, f"{study.study_name}-{_digest(values)}")
        try:
            case = with_settings(ground.case, values)
            for fold, division in enumerate(divisions):
                if not score.stopped:
                    place = join(folder, str(fold))
                    _train(ground, trial, score, _Fold(case, division, place, share))
        except LeptonError as error:
            if not _is_of_settings(error, partial(kills_again, study, trial)):
                raise
            logger.warning("trial %d failed: %s", number, error.what)
            score.code = error.code
        _tell(study, trial, score, time.monotonic() - started_at)
        ground.budget.note()
        files.delete_tree(folder)


def _is_of_settings(error: LeptonError, kills_again: Callable[[str], bool]) -> bool:
    return error.code in _OF_SETTINGS or (
        error.code in _OF_SETTINGS_AGAIN and kills_again(error.code)
    )


@dataclass(frozen=True)
class _Fold:
    case: Case
    division: Division
    checkpoint: str
    share: float


def _train(ground: Ground, trial: Trial, score: _Score, fold: _Fold) -> None:
    """Train for one fold, and add what it came to; fewer epochs where the pruner says so."""
    number = len(score.losses)
    seen: list[Entry] = []

    def decide(entry: Entry) -> str:
        """Why this fold stops after the epoch; empty text to go on."""
        seen.append(entry)
        best = score.with_fold(float(best_epoch(seen)["validation_loss"]))
        trial.report(best, step_of(number, int(entry["epoch"])))
        ground.budget.note()
        if trial.should_prune():
            return MEDIAN
        return TIME if ground.budget.is_over(fold.share) else ""

    ended = ground.trainer.fit(fold.case, fold.division, fold.checkpoint, decide)
    if ended.stopped == MEDIAN or (ended.stopped == TIME and not _is_whole(fold.case, ended)):
        score.stopped = ended.stopped
    # Of one that was stopped, what was seen then: how many epochs follow depends on the machine.
    best = best_epoch(seen if score.stopped else ended.history)
    score.losses.append(float(best["validation_loss"]))
    score.epochs.append(int(best["epoch"]))


def _is_whole(case: Case, ended: Ended) -> bool:
    """Whether a training went to its end although it was asked to stop."""
    epochs = len(ended.history)
    return (
        epochs >= case.train.epochs
        or epochs - best_epoch(ended.history)["epoch"] >= case.train.patience
    )


def _tell(study: Study, trial: Trial, score: _Score, seconds: float) -> None:
    trial.set_user_attr("losses", score.losses)
    trial.set_user_attr("epochs", score.epochs)
    trial.set_user_attr("stopped", score.stopped)
    trial.set_user_attr("seconds", round(seconds, 1))
    if score.code:
        trial.set_user_attr(CODE, score.code)
        study.tell(trial, state=TrialState.FAIL)
    elif score.stopped:
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, fmean(score.losses))


def measure(ground: Ground, study: Study, outer: Outer) -> None:
    """What the choice of a study comes to on rows that took no part in it.

    The network is fitted anew on all that chose. It is read after as many epochs as were best
    where it was chosen: the loss of its own best epoch would be chosen on the rows that judge.

    Args:
        ground: Of the search.
        study: Has chosen without the judged place; keeps what is measured.
        outer: Where to fit and to measure.

    Raises:
        TrainingError: Training failed, not by the settings, which may well fail on other rows than
            those that chose them: that is kept with its code, as an estimate that is missing.
        TryAgainError: A rank was killed or hung, for the first time.
        EnvironmentFault: A rank ran out of memory, likewise.
    """
    best = best_of(study)
    if best is None or ESTIMATE in study.user_attrs or ground.budget.is_over():
        return
    epoch = median_low(best.user_attrs["epochs"])
    values = settings_of(best.params, ground.settings.space)
    case = with_settings(ground.case, values)
    case = with_settings(case, {"train.patience": case.train.epochs})

    def decide(entry: Entry) -> str:
        """Why the training stops after the epoch; empty text to go on."""
        ground.budget.note()
        if entry["epoch"] >= epoch:
            return ENOUGH
        return TIME if ground.budget.is_over() else ""

    ground.progress.step(JOB, f"{study.study_name}, measure")
    folder = join(ground.folder, study.study_name)
    told = {"epoch": epoch, "settings": values}
    try:
        ended = ground.trainer.fit(case, outer.division, folder, decide)
        if len(ended.history) >= epoch:
            loss = float(ended.history[epoch - 1]["validation_loss"])
            study.set_user_attr(ESTIMATE, {"loss": loss, **told})
    except LeptonError as error:
        if not _is_of_settings(error, partial(measuring_kills_again, study)):
            raise
        logger.warning("%s is not measured: %s", study.study_name, error.what)
        study.set_user_attr(ESTIMATE, {"loss": None, "code": error.code, **told})
    files.delete_tree(folder)


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
