"""What a Spark task does while its rank trains: start it, report on it, and never outlive it."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lepton_spark.train.board import MOST_REQUESTS_A_SECOND, STARTING, Address, Pen, Status
from lepton_spark.train.child import Child
from lepton_spark.train.place import (
    LOCALHOST,
    LOOPBACK,
    collective_environment,
    device_environment,
    gloo_environment,
    interface_to,
    ring_environment,
)
from lepton_spark.train.rank import describe
from lepton_spark.train.traffic import refusal

if TYPE_CHECKING:
    from lepton_spark.train.backend import Ring

REPORT_SECONDS = 0.25
MEETING = Status("running", f"{STARTING}, meeting the other ranks")


@dataclass(frozen=True)
class RankJob:
    """What all supervisors are given.

    Args:
        work: Entry and payload, JSON-ready.
        board: Where to report.
        hosts: Host of each rank; where all have the same they talk over the loopback interface.
        ring: What sums over the ranks.
        missing: Safeguards without which all ranks have to be on one host.
    """

    work: Mapping[str, Any]
    board: Address
    hosts: Sequence[str]
    ring: Ring = "horovod"
    missing: Sequence[str] = ()

    @property
    def is_one_host(self) -> bool:
        """Whether no rank has to reach another host."""
        return len(set(self.hosts)) == 1


@dataclass(frozen=True)
class Report:
    """What a supervisor gives back; no facts where its rank did not finish."""

    rank: int
    facts: str = ""
    files: Mapping[str, bytes] | None = None


def supervise(
    job: RankJob, rank: int, parent: str | None = None, gpus: Sequence[str] = ()
) -> Report:
    """Run one rank to its end or until the driver says stop.

    A stage that Spark tries again reports at once: the ring of the first try is gone.

    Args:
        job: The same on all ranks.
        rank: Which of them to run.
        parent: Folder in which the rank gets one of its own; by default that for temporary files.
        gpus: Addresses of those that Spark gave this task.

    Returns:
        What the rank wrote; nothing where it failed or was stopped, which the board knows.
    """
    pen = Pen(job.board)
    if not pen.claim(rank):
        return Report(rank)
    if refused := refusal(job.missing, is_one_host=job.is_one_host):
        pen.write(rank, Status("failed", error=describe(refused)))
        return Report(rank)
    pen.write(rank, MEETING)
    environment = environment_of(job, rank) | device_environment(gpus)
    if job.ring == "tensorflow":
        addresses = _met(job, pen, rank)
        if addresses is None:
            return Report(rank)
        environment |= collective_environment(addresses, rank, asdict(job.board))
    with tempfile.TemporaryDirectory(prefix="rank-", dir=parent) as folder:
        child = Child(Path(folder), {**job.work, "ring": job.ring}, environment)
        try:
            return _watch(child, pen, rank, len(job.hosts))
        finally:
            child.end()


def _met(job: RankJob, pen: Pen, rank: int) -> list[str] | None:
    """Where the servers of all ranks listen; None where the driver asked to stop before."""
    return pen.meet(
        "address",
        rank,
        len(job.hosts),
        _free_address(job, rank),
        waiting=lambda seconds: pen.write(rank, replace(MEETING, silent_seconds=seconds)),
    )


def environment_of(job: RankJob, rank: int) -> dict[str, str]:
    """Variables of one rank, but for the addresses of a ring of TensorFlow."""
    common = {**ring_environment(job.hosts, rank), "TF_CPP_MIN_LOG_LEVEL": "2"}
    if job.ring == "tensorflow":
        return common
    address = (job.board.host, job.board.port)
    interface = LOOPBACK if job.is_one_host else interface_to(address, _own_addresses())
    return common | gloo_environment(address, job.board.key, interface or LOOPBACK)


def _free_address(job: RankJob, rank: int) -> str:
    """Where the server of a rank can listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]
    return f"{LOCALHOST if job.is_one_host else job.hosts[rank]}:{port}"


def _watch(child: Child, pen: Pen, rank: int, size: int) -> Report:
    pause = max(REPORT_SECONDS, size / MOST_REQUESTS_A_SECOND)
    has_ended = False
    while True:
        if has_ended:  # it waits for what the driver says, and a process that is gone waits no more
            time.sleep(pause)
        has_ended = child.wait(pause)
        status = child.status()
        pen.write(rank, status)
        if status.state == "done":
            return Report(rank, *child.result())
        if pen.is_stopped():
            return Report(rank)
        if has_ended and not _is_waiting(status):
            return Report(rank)


def _is_waiting(status: Status) -> bool:
    """A rank that lost another keeps reporting, so that the driver can find the other first."""
    return (status.error or {}).get("kind") == "lost"


def _own_addresses() -> dict[str, list[str]]:
    try:
        import psutil  # type: ignore[import-untyped]  # noqa: PLC0415  # comes with Horovod
    except ImportError:  # the rank tells that there is no Horovod
        return {}
    return {
        name: [entry.address for entry in entries]
        for name, entries in psutil.net_if_addrs().items()
    }
