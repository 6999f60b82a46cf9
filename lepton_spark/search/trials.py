"""The trials of a search: each settings of their own, judged by validation loss alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean, median_low
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState

from lepton_spark.config.searched import with_settings
from lepton_spark.lake import files
from lepton_spark.lake.catalog import join
from lepton_spark.lake.marker import json_digest
from lepton_spark.search.blame import attempt
from lepton_spark.search.pruner import step_of
from lepton_spark.search.space import settings_of, suggest
from lepton_spark.search.study import (
    CODE,
    STOPPED,
    TIME,
    best_of,
    finished,
    kills_of,
    next_trial,
    spare,
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

JOB = "search"
MEDIAN, ENOUGH = "median", "enough"
ESTIMATE = "estimate"


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

    What was put again comes first.

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
    while len(finished(study)) < settings.trials and not ground.budget.is_over(share):
        ground.trainer.read()  # before a trial begins: what fails here is the fault of none
        trial = next_trial(study, settings)
        suggest(trial, ground.case, settings.space)
        ground.budget.note(at_once=True)  # a run that dies from here on has died amid this trial
        _try(ground, study, trial, divisions, share)


def _try(
    ground: Ground, study: Study, trial: Trial, divisions: Sequence[Division], share: float
) -> None:
    """Train a trial for each division, and tell the study how that ended."""
    settings = ground.settings
    values = settings_of(trial.params, settings.space)
    number = len(finished(study)) + 1
    folder = join(ground.folder, f"{study.study_name}-{_digest(values)}")
    score = _Score()

    def train() -> None:
        """Adds to the score what each fold comes to."""
        ground.progress.step(
            JOB, f"{study.study_name}, trial {number}", done=number, total=settings.trials
        )
        case = with_settings(ground.case, values)
        for fold, division in enumerate(divisions):
            if not score.stopped:
                place = join(folder, str(fold))
                _train(ground, trial, score, _Fold(case, division, place, share))

    def excuse() -> None:
        """Notes that the trial is not to blame."""
        spare(trial)
        ground.budget.note(at_once=True)

    started_at = time.monotonic()
    score.code = attempt(f"trial {number}", train, kills_of(trial), excuse)
    _tell(study, trial, score, time.monotonic() - started_at)
    ground.budget.note(at_once=True)
    if score.stopped != TIME:
        files.delete_tree(folder)


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
    trial.set_user_attr(STOPPED, score.stopped)
    trial.set_user_attr("seconds", round(seconds, 1))
    if score.code:
        trial.set_user_attr(CODE, score.code)
    if score.code or score.stopped == TIME:
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
    if best is None or ground.budget.is_over():
        return
    epoch = median_low(best.user_attrs["epochs"])
    values = settings_of(best.params, ground.settings.space)
    told = {"epoch": epoch, "settings": values}
    kept = study.user_attrs.get(ESTIMATE, {})
    if kept | told == kept:  # of this choice; with more trials or time it may be another
        return
    ground.trainer.read()
    ground.progress.step(JOB, f"{study.study_name}, measure")
    name = f"{study.study_name}-measure-{_digest(values)}"
    folder = join(ground.folder, name)
    case = with_settings(ground.case, values)
    case = with_settings(case, {"train.patience": case.train.epochs})
    losses: list[float] = []

    def decide(entry: Entry) -> str:
        """Why the training stops after the epoch; empty text to go on."""
        ground.budget.note()
        if entry["epoch"] >= epoch:
            return ENOUGH
        return TIME if ground.budget.is_over() else ""

    def train() -> None:
        """Finds the loss after the epoch, where it is not cut before."""
        ended = ground.trainer.fit(case, outer.division, folder, decide)
        losses.extend(float(each["validation_loss"]) for each in ended.history[epoch - 1 : epoch])

    code = _counted(ground, study, name, train)
    if code or losses:
        found = {"code": code, "loss": None} if code else {"loss": losses[0]}
        study.set_user_attr(ESTIMATE, {**found, **told})
        files.delete_tree(folder)
    ground.budget.note(at_once=True)


def _counted(ground: Ground, study: Study, name: str, train: Callable[[], object]) -> str:
    """As `attempt`; an attribute of the study counts the runs that ended amid it."""
    kept = f"kills-{name}"
    kills = study.user_attrs.get(kept, 0)

    def note(kills: int) -> None:
        """Keeps the count."""
        study.set_user_attr(kept, kills)
        ground.budget.note(at_once=True)

    note(kills + 1)
    code = attempt(name, train, kills, partial(note, kills))
    study.set_user_attr(kept, kills)
    return code


def _digest(values: Mapping[str, Any]) -> str:
    return json_digest(values)[:16]
