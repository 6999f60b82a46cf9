"""The training loop: the same on one process and on many, told everything, asking no global."""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_spark.dataset.blocks import EpochReader, Shuffle
from lepton_spark.errors import TrainingError
from lepton_spark.models.losses import Loss
from lepton_spark.train.board import STARTING
from lepton_spark.train.counting import Counting
from lepton_spark.train.keeping import keep_on_first, told
from lepton_spark.train.optimizer import Steps, make_optimizer
from lepton_spark.train.pace import Pace
from lepton_spark.train.phases import Phases
from lepton_spark.train.state import Arrays, LoopSettings, State
from lepton_spark.train.steps import Tally, TrainingSteps, load
from lepton_spark.train.weight_average import averaged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lepton_spark.models.lean import keras
    from lepton_spark.train.keeping import Alive, Keeper
    from lepton_spark.train.worker import Worker

_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Rows:
    """The rows of one rank."""

    train: EpochReader
    validate: EpochReader


class Loop:
    """Fits a model; every rank makes one and calls `fit`.

    The validation loss decides when to stop and which epoch is best: it is what is minimised, it
    changes smoothly where a rank metric does not, and cross entropy punishes a wrong level too.
    """

    def __init__(
        self, worker: Worker, model: keras.Model, rows: Rows, settings: LoopSettings, keeper: Keeper
    ) -> None:
        self._worker = worker
        self._model = model
        self._rows = rows
        self._settings = settings
        self._keeper = keeper
        train = settings.train
        self._optimizer = make_optimizer(train, _steps_of(rows.train, worker))
        self._optimizer.build(model.trainable_variables)
        loss = Loss(train.loss, settings.output, settings.class_rows)
        self._training = TrainingSteps(model, loss, self._optimizer, worker, settings)
        self._counting = Counting(model, loss, settings.output)
        self._state = State()
        self._compiled: set[str] = set()
        self._kept_at = self._measured_at = time.monotonic()
        self._phases = Phases()
        self._training_pace, self._counting_pace = Pace(), Pace()

    def fit(self) -> State:
        """Train to the end and leave the best weights in the model.

        Returns:
            The last state; history and arrays are filled on rank 0 only.

        Raises:
            TrainingError: A loss or gradient was not finite, or the ranks' weights differ.
        """
        self._resume()
        self._measured_at = time.monotonic()
        while not self._is_over():
            epoch = self._state.epoch + 1
            fitted = self._train(epoch)
            with averaged(self._model, self._optimizer), self._phases.of("validate"):
                measured = self._validate(epoch)
                self._compare(epoch, measured["loss"])
            self._finish(epoch, fitted, measured)
            if self._is_stopped():
                break
        self._require_equal()
        self._take_best()
        self._write("the last weights", self._keeper.save_last)
        return self._state

    def _is_over(self) -> bool:
        state, settings = self._state, self._settings.train
        waited = state.epoch - state.best_epoch
        return state.epoch >= settings.epochs or waited >= settings.patience

    def _is_stopped(self) -> bool:
        is_asked = self._worker.rank == 0 and self._keeper.is_stopped()
        return told(self._worker, is_so=is_asked)

    def _variables(self) -> list[Any]:
        return [*self._model.weights, *self._optimizer.variables]

    def _resume(self) -> None:
        kept = self._keeper.load() if self._worker.rank == 0 else None
        if kept:
            self._state = kept
            _assign(self._variables(), kept.current)
        self._worker.broadcast([variable.value for variable in self._variables()])
        state = self._state
        best_loss = state.best_loss if state.best_epoch else 0.0
        counts = (state.epoch, state.best_epoch, state.steps, state.rows)
        *counted, state.loss, best_loss = self._worker.sum(
            np.array([*counts, state.loss, best_loss], np.float64)
        ).tolist()
        state.epoch, state.best_epoch, state.steps, state.rows = map(int, counted)
        state.best_loss = best_loss if state.best_epoch else math.inf

    def _train(self, epoch: int) -> Tally:
        worker, settings = self._worker, self._settings
        shuffle = Shuffle(settings.train.seed, worker.rank, epoch) if settings.is_shuffled else None
        state = self._state
        with closing(self._rows.train.epoch(shuffle, state.steps)) as blocks:
            for block in self._phases.reading(blocks):
                with self._phases.of("hand_over"):
                    tensors, steps = load(block), len(block.index)
                self._phases.count(float(block.weight.sum()), steps)
                for first, end in self._training_pace.calls(steps):
                    self._beat("train", f"epoch {epoch}, step {state.steps + first}")
                    with self._phases.of("step"):
                        before = Tally(state.loss, state.rows)
                        tally = self._training.run(tensors, first, end, before)
                    if tally.sick_step >= 0:
                        raise self._sick_step(epoch, tally)
                    state.loss, state.rows = tally.loss, tally.rows
                state.steps += steps
                self._keep_partly()
        fitted = Tally(state.loss / max(state.rows, 1), state.rows)
        state.steps, state.loss, state.rows = 0, 0.0, 0
        return fitted

    def _keep_partly(self) -> None:
        """Keep a state within a long epoch: between blocks all ranks have the same weights."""
        with self._phases.of("keep"):
            waited = time.monotonic() - self._kept_at
            if told(self._worker, is_so=waited >= self._settings.checkpoint_minutes * 60):
                self._keep()

    def _keep(self) -> None:
        state = self._state
        if self._worker.rank == 0:
            state.current = arrays_of(self._variables())
        what = f"the state after {state.epoch} epochs and {state.steps} steps"
        self._write(what, self._keeper.save)
        self._kept_at = time.monotonic()

    def _write(self, what: str, save: Callable[[State, Alive], None]) -> None:
        """Have rank 0 keep something of the state, while the others wait."""
        keep_on_first(self._worker, f"rank 0 keeps {what}", partial(save, self._state))

    def _beat(self, work: str, place: str) -> None:
        """Say where this is; the first call of each compiled function belongs to the start."""
        self._worker.beat(place if work in self._compiled else f"{STARTING}, {place}")
        self._compiled.add(work)

    def _sick_step(self, epoch: int, tally: Tally) -> TrainingError:
        step = self._state.steps + tally.sick_step
        ranks = ", ".join(map(str, tally.sick_ranks))
        return self._sick(
            f"a loss or gradient was not finite at step {step} of epoch {epoch}, on rank {ranks}",
            "one such step spoils every weight, so the ranks stopped before it was applied",
        )

    def _sick(self, what: str, why: str) -> TrainingError:
        return TrainingError(
            "LS-6013",
            f"{what}; the last good epoch is {self._state.epoch}",
            why,
            "lower train.learning_rate, or narrow transform.clip_quantile, and run again",
            "no model was written; the checkpoint holds the last good epoch",
        )

    def _validate(self, epoch: int) -> dict[str, float]:
        counts = np.zeros(self._counting.size)
        with closing(self._rows.validate.epoch()) as blocks:
            for block in blocks:
                tensors, steps = load(block), len(block.index)
                for first, end in self._counting_pace.calls(steps):
                    self._beat("validate", f"epoch {epoch}, validation")
                    counts = self._counting.run(tensors, first, end, counts)
        return self._counting.read(self._worker.sum(counts))

    def _compare(self, epoch: int, loss: float) -> None:
        """Keep the weights if no epoch before had better ones."""
        if not math.isfinite(loss):
            raise self._sick(
                f"the validation loss of epoch {epoch} was not finite",
                "that loss decides which epoch is best and when training ends",
            )
        state = self._state
        if loss >= state.best_loss:
            return
        state.best_epoch, state.best_loss = epoch, loss
        if self._worker.rank == 0:
            state.best = arrays_of(self._model.weights)

    def _finish(self, epoch: int, fitted: Tally, measured: Mapping[str, float]) -> None:
        state = self._state
        state.epoch = epoch
        now = time.monotonic()
        seconds, self._measured_at = now - self._measured_at, now
        gradients = [variable.value for variable in self._model.trainable_variables]
        self._phases.measure_allreduce(self._worker, gradients)
        measured_phases = self._phases.read(self._worker)
        if self._worker.rank == 0:
            state.history.append(
                {
                    "epoch": epoch,
                    "loss": fitted.loss,
                    **{f"validation_{name}": value for name, value in measured.items()},
                    "rows": fitted.rows,
                    "seconds": round(seconds, 3),
                    **measured_phases,
                }
            )
        with self._phases.of("keep"):
            self._keep()

    def _take_best(self) -> None:
        if self._worker.rank == 0 and self._state.best:
            with averaged(self._model, self._optimizer):
                self._state.last = arrays_of(self._model.weights)
            _assign(self._model.weights, self._state.best)
        self._worker.broadcast([variable.value for variable in self._model.weights])

    def _require_equal(self) -> None:
        """See that all ranks came to the same weights, before they take those of the best epoch."""
        own = np.frombuffer(bytes.fromhex(digest_of(self._model)), np.uint8).astype(np.float64)
        total = self._worker.sum(own)
        # Each rank must know: one that went on alone would wait for ever.
        differs = self._worker.sum(np.array([np.any(total != own * self._worker.size)], np.float64))
        if differs[0]:
            raise TrainingError(
                "LS-6014",
                f"the {self._worker.size} ranks came to weights that differ",
                "all ranks apply the same summed gradients to the same first weights",
                "train again on hosts of one kind; if it happens twice, report it with what "
                "`lepton doctor` prints",
                "no model was written",
            )


def _steps_of(rows: EpochReader, worker: Worker) -> Steps:
    """Steps of an epoch, and the rows of one, of all ranks; called by all of them."""
    steps = rows.layout.steps
    total = worker.sum(np.array([rows.rows], np.float64))[0]
    return Steps(steps, max(1, round(total / steps)))


def digest_of(model: keras.Model) -> str:
    """SHA-256 of the weights, hexadecimal."""
    digest = hashlib.sha256()
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return digest.hexdigest()


def arrays_of(variables: list[Any]) -> Arrays:
    """Values by path; the paths of one model and its optimizer are unique."""
    return {variable.path: np.asarray(variable.numpy()) for variable in variables}


def _assign(variables: list[Any], arrays: Arrays) -> None:
    for variable in variables:
        variable.assign(arrays[variable.path])
