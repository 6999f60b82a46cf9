"""From the statuses of all ranks to a verdict: go on, or stop, and who is to blame."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lepton_spark import errors
from lepton_spark.errors import EnvironmentFault, LeptonError, TrainingError, TryAgainError
from lepton_spark.train.board import STARTING

if TYPE_CHECKING:
    from lepton_spark.train.board import Status

START_SECONDS = 180.0  # for importing TensorFlow and compiling a step on a busy machine
GRACE_SECONDS = 3.0  # a rank that lost another one waits so long for the other to be blamed
MIN_QUIET_SECONDS = 30.0  # a supervisor that writes nothing so long is gone
STATE = "no model was written; the checkpoint holds the last good epoch"
# How processes end that a kernel, a container or their own allocator ended for want of memory.
_KILLED_FOR_MEMORY = (-signal.SIGKILL, -signal.SIGABRT, 128 + signal.SIGKILL)
_OUT_OF_MEMORY = ("MemoryError", "ResourceExhaustedError")
_LESS = "lower train.workers or train.batch_size, or give the machines more memory"


@dataclass(frozen=True)
class Limits:
    """Seconds of silence that are too many."""

    stall_seconds: float
    start_seconds: float = START_SECONDS

    def of(self, status: Status) -> float:
        """The limit where a rank is now."""
        is_starting = status.place.startswith(STARTING)
        return max(self.start_seconds, self.stall_seconds) if is_starting else self.stall_seconds


@dataclass(frozen=True)
class Verdict:
    """What went wrong.

    Args:
        rank: The one to blame; several may have failed because of it.
        hint: What else to do where it comes back.
    """

    rank: int
    what: str
    error: Mapping[str, object] | None = None
    is_passing: bool = True
    hint: str = ""


def judge(statuses: Mapping[int, tuple[Status, float]], limits: Limits) -> Verdict | None:
    """Blame a rank, or none.

    A rank that failed by itself comes before one that was killed, that before one that never began,
    that before a silent one, and only then those that failed because another one did not answer: of
    these that other one is to blame where it was stopped.

    Args:
        statuses: Of each rank, with the seconds since its supervisor wrote it.
        limits: Of silence.

    Returns:
        Who is to blame, for what and where; None where all live, or have done their work.
    """
    found = {rank: status for rank, (status, _) in statuses.items()}
    for blame in (_failed, _killed):
        verdict = _first(blame, found)
        if verdict:
            return verdict
    silent = _absent(found, limits) or _silent(found, limits) or _quiet(statuses, limits)
    lost = _first(_lost, found)
    return silent or (lost and (_stopped(found) or lost))


def _first(
    blame: Callable[[int, Status], Verdict | None], statuses: Mapping[int, Status]
) -> Verdict | None:
    verdicts = (blame(rank, status) for rank, status in statuses.items())
    return next((verdict for verdict in verdicts if verdict), None)


def _failed(rank: int, status: Status) -> Verdict | None:
    if status.state != "failed" or not status.error or status.error["kind"] == "lost":
        return None
    what = f"rank {rank} failed at {status.place}: {status.error.get('type')}"
    return Verdict(rank, what, status.error, is_passing=False)


def _killed(rank: int, status: Status) -> Verdict | None:
    if status.state != "failed" or status.error or status.exit_code is None:
        return None
    hint = f"; if it comes back, {_LESS}" if status.exit_code in _KILLED_FOR_MEMORY else ""
    how = f"ended with exit code {status.exit_code}"
    if status.exit_code < 0:
        how = f"was killed by {signal.Signals(-status.exit_code).name}"
    return Verdict(rank, f"rank {rank} {how} at {status.place}", hint=hint)


def _absent(statuses: Mapping[int, Status], limits: Limits) -> Verdict | None:
    for rank, status in statuses.items():
        # All others wait for it, and reach the same limit a moment later.
        if status.state == "absent" and status.silent_seconds > limits.of(status):
            others = f"{status.silent_seconds:.0f} s after the first of the others"
            return Verdict(rank, f"rank {rank} has not begun {others}")
    return None


def _silent(statuses: Mapping[int, Status], limits: Limits) -> Verdict | None:
    running = {rank: status for rank, status in statuses.items() if status.state == "running"}
    if not any(status.silent_seconds > limits.of(status) for status in running.values()):
        return None
    # A rank that was stopped makes all others wait: one of those may reach its limit first.
    rank = max(running, key=lambda each: running[each].silent_seconds)
    return _stopped(statuses) or _silence(rank, running[rank], "hangs: it")


def _stopped(statuses: Mapping[int, Status]) -> Verdict | None:
    """Blame the rank that a signal keeps from running, if there is one."""
    for rank, status in statuses.items():
        if status.state == "running" and status.process == "T":
            return _silence(rank, status, "was stopped by a signal and")
    return None


def _silence(rank: int, status: Status, how: str) -> Verdict:
    what = f"rank {rank} {how} has said nothing for {status.silent_seconds:.0f} s"
    return Verdict(rank, f"{what}, since {status.place}")


def _quiet(statuses: Mapping[int, tuple[Status, float]], limits: Limits) -> Verdict | None:
    for rank, (status, quiet_seconds) in statuses.items():
        if status.state == "running" and quiet_seconds > max(
            limits.stall_seconds, MIN_QUIET_SECONDS
        ):
            what = f"the executor of rank {rank} has not answered for {quiet_seconds:.0f} s"
            return Verdict(rank, f"{what}, since {status.place}")
    return None


def _lost(rank: int, status: Status) -> Verdict | None:
    if status.state != "failed" or status.lost_seconds < GRACE_SECONDS:
        return None
    return Verdict(rank, f"rank {rank} lost its connection to another rank at {status.place}")


def error_of(verdict: Verdict, resume: str) -> LeptonError:
    """The error to raise for a verdict."""
    told = verdict.error or {}
    if told.get("kind") == "told":
        return _told(told)
    if verdict.is_passing:
        return TryAgainError(
            "LS-7521",
            verdict.what,
            "all ranks must take part in each step, so all were stopped",
            resume + verdict.hint,
            STATE,
        )
    if str(told.get("type")).endswith(_OUT_OF_MEMORY):
        return EnvironmentFault(
            "LS-5044",
            f"{verdict.what}; it ran out of memory",
            "each rank holds a model, what its optimizer keeps, and a block of rows",
            f"{_LESS}, then {resume}",
            STATE,
        )
    return TrainingError(
        "LS-6015",
        f"{verdict.what} {told.get('detail', '')}".rstrip(),
        "the code of a rank must not fail",
        f"look at the cause, then {resume}",
        STATE,
    )


def _told(told: Mapping[str, object]) -> LeptonError:
    kind = getattr(errors, str(told["type"]), LeptonError)
    return kind(*told["fields"])  # type: ignore[misc]  # our own classes and text
