"""The board: ranks find each other on it, supervisors write how their rank is, the driver judges.

A barrier's allGather would do as well for the first, but takes a second each time in Spark 4.2, and
tells the driver nothing before the end.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lepton_spark.errors import EnvironmentFault, LeptonError, TryAgainError
from lepton_spark.train.store import Store

TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = 30.0  # the least after which the driver takes a silent supervisor for gone
_AGAIN_SECONDS = 0.25
_NOT_FOUND = 404
_MEETING_SECONDS = 0.05
STARTING = "starting"  # what a rank says first, until all that is compiled was called
MOST_REQUESTS_A_SECOND = 200  # of all ranks together, which one driver answers
_SCOPE = "ranks"


@dataclass(frozen=True)
class Status:
    """How one rank is, as its supervisor sees it.

    Args:
        state: running, done or failed; absent where no supervisor has written yet.
        place: Where the process said it was, such as `epoch 3, step 128`; `starting` at first.
        silent_seconds: Since it last said so; of an absent one, since the first other one wrote.
        process: State letter of the process, `T` for stopped; empty when it is gone.
        exit_code: Negative for a signal; none while it runs.
        error: What it wrote down before it ended, see `train.rank`.
        lost_seconds: Since it ended because another rank did not answer.
    """

    state: str
    place: str = STARTING
    silent_seconds: float = 0.0
    process: str = ""
    exit_code: int | None = None
    error: Mapping[str, Any] | None = None
    lost_seconds: float = 0.0


@dataclass(frozen=True)
class Address:
    """Where the board is; the key keeps other jobs and other users' guesses apart."""

    host: str
    port: int
    key: str


class Board:
    """The store of one job; use it with `with`.

    Args:
        host: Address of this machine that all ranks reach.
        size: Number of ranks to come; with none, who has not written is not missed.
        bind: Address to listen on, where that is another one, as in a container.

    Raises:
        EnvironmentFault: This machine has no such address.
    """

    def __init__(self, host: str, size: int = 0, *, bind: str = "") -> None:
        self._store = _listening(bind or host)
        self.size = size
        self._begun_at: float | None = None
        self.address = Address(host, self._store.server_port, self._store.key)
        self._seen: dict[int, tuple[bytes, float]] = {}

    def __enter__(self) -> Board:
        self._store.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._store.__exit__(*error)

    def statuses(self) -> dict[int, tuple[Status, float]]:
        """The newest status of each rank, and how many seconds ago it first was seen.

        None before the first supervisor has written.
        """
        for name, content in self._store.all_of(_SCOPE).items():
            if name.isdecimal() and self._seen.get(int(name), (b"", 0.0))[0] != content:
                self._seen[int(name)] = (content, time.monotonic())
        now = time.monotonic()
        found = {
            rank: (Status(**json.loads(content)["status"]), now - seen_at)
            for rank, (content, seen_at) in self._seen.items()
        }
        return dict(sorted((found | self._absent(now)).items()))

    def is_empty(self) -> bool:
        """Whether no supervisor had written when the statuses were last read."""
        return not self._seen

    def _absent(self, now: float) -> dict[int, tuple[Status, float]]:
        if not self._seen:
            return {}
        self._begun_at = self._begun_at or now
        status = Status("absent", silent_seconds=now - self._begun_at)
        return dict.fromkeys(set(range(self.size)) - set(self._seen), (status, 0.0))

    def stop_all(self) -> None:
        """Ask all supervisors to kill their process."""
        self._store.put(_SCOPE, "stop", b"1")


def _listening(address: str) -> Store:
    try:
        return Store(address)
    except OSError as error:
        raise EnvironmentFault(
            "LS-5046",
            f"the driver cannot listen at {address} ({type(error).__name__})",
            "training processes find each other there and report to it",
            "set spark.driver.bindAddress to an address of the driver's own machine, and"
            " spark.driver.host to the one by which executors reach it",
        ) from error


class Pen:
    """Writes on a board from elsewhere; asks again for `RETRY_SECONDS` where nobody answers.

    Raises, in each of its methods:
        EnvironmentFault: The board has never answered.
        TryAgainError: It answers no more.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._count = 0
        self._was_answered = False

    def write(self, rank: int, status: Status) -> None:
        """Put the status of a rank on the board."""
        self._count += 1  # so that the same status again is seen to be new
        content = json.dumps({"count": self._count, "status": asdict(status)})
        self._request("PUT", str(rank), content.encode())

    def claim(self, rank: int) -> bool:
        """Whether this is the first to run this rank: Spark may try a stage again."""
        name = f"claim-{rank}"
        if self._request("GET", name) is not None:
            return False
        self._request("PUT", name, b"1")
        return True

    def meet(
        self,
        place: str,
        rank: int,
        size: int,
        value: str = "",
        *,
        waiting: Callable[[float], None] | None = None,
    ) -> list[str] | None:
        """Say that a rank is at a place, and wait for all others.

        Args:
            place: Name of the meeting.
            rank: Who comes.
            size: How many are to come.
            value: What it brings.
            waiting: Called again and again with the seconds that it has waited.

        Returns:
            What each rank brought; None where the driver asked to stop before all had come.
        """
        self._request("PUT", f"{place}-{rank}", value.encode())
        found: list[str] = []
        came_at = time.monotonic()
        while not self.is_stopped():
            while len(found) < size:
                content = self._request("GET", f"{place}-{len(found)}")
                if content is None:
                    break
                found.append(content.decode())
            else:
                return found
            if waiting:
                waiting(time.monotonic() - came_at)
            time.sleep(max(_MEETING_SECONDS, size / MOST_REQUESTS_A_SECOND))
        return None

    def is_stopped(self) -> bool:
        """Whether the driver asked to stop."""
        return self._request("GET", "stop") is not None

    def _request(self, method: str, name: str, content: bytes | None = None) -> bytes | None:
        """Ask until there is an answer; a busy driver or a network may miss some for a while."""
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                found = self._ask(method, name, content)
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() > deadline:
                    raise self._unreachable() from error
                time.sleep(_AGAIN_SECONDS)
            else:
                self._was_answered = True
                return found

    def _unreachable(self) -> LeptonError:
        where = f"the driver at {self._address.host}, port {self._address.port}"
        if self._was_answered:
            return TryAgainError(
                "LS-7525",
                f"{where} has not answered for {RETRY_SECONDS:.0f} s",
                "a rank is ended when nobody can tell it to stop",
                "run the same command again; training resumes after the last good epoch",
                "no model was written; the checkpoint holds the last good epoch",
            )
        return EnvironmentFault(
            "LS-5046",
            f"an executor cannot reach {where}",
            "training processes find each other there and report to it",
            "set spark.driver.host to an address that executors reach, and let them reach all ports"
            " of it",
        )

    def _ask(self, method: str, name: str, content: bytes | None) -> bytes | None:
        address = self._address
        connection = http.client.HTTPConnection(address.host, address.port, TIMEOUT_SECONDS)
        try:
            connection.request(method, f"/{address.key}/{_SCOPE}/{name}", content)
            answer = connection.getresponse()
            found = answer.read()
            return None if answer.status == _NOT_FOUND else found
        finally:
            connection.close()
