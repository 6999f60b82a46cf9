"""Where training processes run: one protocol, one process or a ring of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lepton_spark.errors import InternalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.train.worker import Worker

# What sums over the ranks: Horovod on Gloo, or the operations below tf.distribute.
Ring = Literal["horovod", "tensorflow"]
_ENTRY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Work:
    """What each rank does.

    Args:
        entry: `module:function`, called as `function(worker, payload) -> Outcome`; code decides it,
            never a case file.
        payload: JSON-ready; the same for every rank.
        stall_seconds: Silence after which a rank counts as hung.
        resume: The command that goes on after a failure, for messages.
    """

    entry: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    stall_seconds: float = 120.0
    resume: str = "run the same command again; training resumes after the last good epoch"


@dataclass(frozen=True)
class Outcome:
    """What an entry gives back: JSON-ready facts and files by name, small enough for memory."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class RankResult:
    """The outcome of one rank."""

    rank: int
    facts: Mapping[str, Any]
    files: Mapping[str, bytes]


class TrainingBackend(Protocol):
    """Runs work on a number of processes."""

    def run(self, work: Work, size: int) -> list[RankResult]:
        """Run to the end and leave no process behind.

        Args:
            work: The same for each rank.
            size: Number of ranks.

        Returns:
            One result a rank, in the order of ranks.

        Raises:
            TrainingError: A rank failed, or there are too few task slots.
            TryAgainError: A rank was killed or hung; the same command may succeed.
        """


def call(work_entry: str, worker: Worker, payload: Mapping[str, Any]) -> Outcome:
    """Import an entry and call it.

    Raises:
        InternalError: The entry is not of the form `module:function`.
    """
    if not _ENTRY.fullmatch(work_entry):
        raise InternalError(
            "LS-7011",
            "the entry of a training job is not `module:function`",
            "entries are written in code",
            "report this with the command that you ran",
        )
    module, _, name = work_entry.partition(":")
    outcome = getattr(import_module(module), name)(worker, payload)
    if not isinstance(outcome, Outcome):
        raise InternalError(
            "LS-7012",
            f"{work_entry} gave back no Outcome",
            "an entry returns facts and files",
            "report this with the command that you ran",
        )
    return outcome
