"""States of training kept between processes: each a file, whole or not at all."""

from __future__ import annotations

import errno
import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lepton_spark.errors import EnvironmentFault, ModelError, TryAgainError
from lepton_spark.lake import files
from lepton_spark.lake.catalog import join, scheme_of
from lepton_spark.models.weights import MAX_ARRAYS, MAX_BYTES, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lepton_spark.train.keeping import Alive
    from lepton_spark.train.state import State

logger = logging.getLogger(__name__)
KEPT = 2
HISTORY = "history.json"
LAST = "last.npz"
_STOP = "stop"
_FORM = 3
# Weights now and at best, and what an optimizer keeps of each: two moments and an average.
_PARTS = 6


@dataclass(frozen=True)
class Checkpoints:
    """A folder of states, the newest two of which are kept.

    Args:
        folder: Path or URI; made when the first state is saved.
        fingerprint: Of data, settings, number of ranks and how they compute; a state of another one
            is not taken.
    """

    folder: str
    fingerprint: str

    def load(self) -> Mapping[str, Any] | None:
        """The newest state that is whole and of this fingerprint, as the fields of `State`.

        Where all were read and there is none, the folder is cleared of states and their history:
        states of another job would count as newer than the first ones of this. The history is that
        of the state: a kill may have come between the two.

        Raises:
            TryAgainError: There is none that could be read, and the store failed for one.
        """
        is_read = True
        for name in reversed(self._names()):
            try:
                state = self._parse(files.read_bytes(join(self.folder, name)))
            except (ModelError, ValueError, KeyError, OSError) as error:
                is_read = is_read and not isinstance(error, OSError)
                logger.warning(
                    "checkpoint %s is not usable (%s); trying the one before",
                    name,
                    type(error).__name__,
                )
            else:
                with suppress(OSError):  # for those who watch; the state itself holds it too
                    self._write_history(state["history"])
                return state
        if not is_read:
            raise TryAgainError(
                "LS-7526",
                f"no state of training in {self.folder} could be read",
                "the store failed; to begin anew would drop the epochs that it holds",
                "run the same command again; training resumes after the last good epoch",
                "no model was written; the checkpoint is as it was",
            )
        for name in (*self._names(), HISTORY):
            files.delete_tree(join(self.folder, name))
        return None

    def save(self, state: State, alive: Alive = files.nobody) -> None:
        """Write a state so that it is on the disk before this returns; then drop old ones.

        Args:
            state: All of it.
            alive: Called between the parts of it, once the one before is on the disk.

        Raises:
            EnvironmentFault: The disk is full, or failed; the states before stay as they are.
        """
        try:
            write_durably(join(self.folder, _name(state)), self._pack(state), alive)
            self._write_history(state.history)
        except OSError as error:
            raise self._not_kept(state, error) from error
        for name in self._names()[:-KEPT]:
            files.delete_tree(join(self.folder, name))

    def save_last(self, state: State, alive: Alive = files.nobody) -> None:
        """Write the weights of the last epoch as npz of `models.weights`, beside the states.

        Raises:
            EnvironmentFault: As of `save`.
        """
        try:
            write_durably(join(self.folder, LAST), pack(state.last), alive)
        except OSError as error:
            raise self._not_kept(state, error) from error

    def is_stopped(self) -> bool:
        """Whether someone asked to stop."""
        return files.exists(join(self.folder, _STOP))

    def _write_history(self, history: Sequence[Mapping[str, Any]]) -> None:
        write_durably(join(self.folder, HISTORY), json.dumps(history).encode())

    def _not_kept(self, state: State, error: OSError) -> EnvironmentFault:
        return EnvironmentFault(
            "LS-5043",
            f"the state of training after {state.epoch} epochs and {state.steps} steps could not be"
            f" written to {self.folder}: {errno.errorcode.get(error.errno or 0, 'no errno')}",
            "a run that is killed goes on from such a state, so training does not go on without",
            "free space there or move the lake, then run the same command again; it resumes",
            "no model was written; the checkpoint holds the last good state",
        )

    def _names(self) -> list[str]:
        found = [file.path for file in files.list_files(self.folder)]
        return sorted(name for name in found if name.startswith("epoch-"))

    def _pack(self, state: State) -> bytes:
        facts = {
            "form": _FORM,
            "fingerprint": self.fingerprint,
            "epoch": state.epoch,
            "best_epoch": state.best_epoch,
            "best_loss": state.best_loss,
            "steps": state.steps,
            "loss": state.loss,
            "rows": state.rows,
            "history": state.history,
        }
        return pack(
            {
                "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
                **{f"current/{name}": array for name, array in state.current.items()},
                **{f"best/{name}": array for name, array in state.best.items()},
            }
        )

    def _parse(self, content: bytes) -> Mapping[str, Any]:
        arrays = unpack(content, max_bytes=_PARTS * MAX_BYTES, max_arrays=_PARTS * MAX_ARRAYS)
        facts = json.loads(arrays.pop("facts").tobytes())
        if (facts.pop("form"), facts.pop("fingerprint")) != (_FORM, self.fingerprint):
            raise ValueError("of another job")
        parts: dict[str, dict[str, Any]] = {"current": {}, "best": {}}
        for name, array in arrays.items():
            part, _, path = name.partition("/")
            parts[part][path] = array
        return {**facts, **parts}


def read_history(folder: str) -> list[dict[str, float]]:
    """The epochs done so far, for progress; empty where there are none."""
    try:
        history: list[dict[str, float]] = json.loads(files.read_text(join(folder, HISTORY)))
    except (FileNotFoundError, ValueError):
        return []
    return history


def read_last(folder: str) -> bytes:
    """The weights of the last epoch of a training that has ended, as npz of `models.weights`."""
    return files.read_bytes(join(folder, LAST))


def ask_to_stop(folder: str) -> None:
    """Have the training of a folder end after the epoch it is in, with the best weights so far."""
    files.write_atomically(join(folder, _STOP), b"")


def take_back_stop(folder: str) -> None:
    """Let the training of a folder go on, whoever asked it to stop."""
    files.delete_tree(join(folder, _STOP))


def write_durably(path: str, content: bytes, alive: Alive = files.nobody) -> None:
    """Write a file whole, through to the disk where the path is local.

    Args:
        path: Or URI of the file.
        content: All of it.
        alive: Called between the parts of it, once the one before is written.
    """
    if scheme_of(path) != "file":
        files.write_atomically(path, content, alive)
        return
    target = Path(join(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    # One rank writes: what a kill leaves is written over by the run that goes on.
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        with temporary.open("wb") as file:
            for part in files.parts_of(content, alive):
                file.write(part)
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(state: State) -> str:
    """Sorts by how far training was."""
    return f"epoch-{state.epoch:05d}-{state.steps:08d}.npz"
