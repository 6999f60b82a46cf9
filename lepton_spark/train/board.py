"""The board: ranks find each other on it, supervisors write how their rank is, the driver judges.

A barrier's allGather would do as well for the first, but takes a second each time in Spark 4.2, and
tells the driver nothing before the end.
"""

from __future__ import annotations

import http.client
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lepton_spark.train.store import Store

TIMEOUT_SECONDS = 10.0
_NOT_FOUND = 404
_MEETING_SECONDS = 0.05


@dataclass(frozen=True)
class Status:
    """How one rank is, as its supervisor sees it.

    Args:
        state: running, done or failed.
        place: Where the process said it was, such as `epoch 3, step 128`; `starting` at first.
        silent_seconds: Since it last said so.
        process: State letter of the process, `T` for stopped; empty when it is gone.
        exit_code: Negative for a signal; none while it runs.
        error: What it wrote down before it ended, see `train.rank`.
        lost_seconds: Since it ended because another rank did not answer.
    """

    state: str
    place: str = "starting"
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
    """The store of one job; use it with `with`."""

    def __init__(self, host: str) -> None:
        self._store = Store(host)
        self.address = Address(host, self._store.server_port, secrets.token_hex(16))
        self._seen: dict[int, tuple[bytes, float]] = {}

    def __enter__(self) -> Board:
        self._store.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._store.__exit__(*error)

    def statuses(self) -> dict[int, tuple[Status, float]]:
        """The newest status of each rank, and how many seconds ago it first was seen."""
        for name, content in self._store.all_of(self.address.key).items():
            if name.isdecimal() and self._seen.get(int(name), (b"", 0.0))[0] != content:
                self._seen[int(name)] = (content, time.monotonic())
        now = time.monotonic()
        return {
            rank: (Status(**json.loads(content)["status"]), now - seen_at)
            for rank, (content, seen_at) in sorted(self._seen.items())
        }

    def stop_all(self) -> None:
        """Ask all supervisors to kill their process."""
        self._store.put(self.address.key, "stop", b"1")


class Pen:
    """Writes on a board from elsewhere."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._count = 0

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

    def meet(self, place: str, rank: int, size: int, value: str = "") -> list[str] | None:
        """Say that a rank is at a place, and wait for all others.

        Args:
            place: Name of the meeting.
            rank: Who comes.
            size: How many are to come.
            value: What it brings.

        Returns:
            What each rank brought; None where the driver asked to stop before all had come.
        """
        self._request("PUT", f"{place}-{rank}", value.encode())
        found: dict[int, str] = {}
        while not self.is_stopped():
            for other in set(range(size)) - set(found):
                content = self._request("GET", f"{place}-{other}")
                if content is not None:
                    found[other] = content.decode()
            if len(found) == size:
                return [found[other] for other in range(size)]
            time.sleep(_MEETING_SECONDS)
        return None

    def is_stopped(self) -> bool:
        """Whether the driver asked to stop."""
        return self._request("GET", "stop") is not None

    def _request(self, method: str, name: str, content: bytes | None = None) -> bytes | None:
        address = self._address
        connection = http.client.HTTPConnection(address.host, address.port, TIMEOUT_SECONDS)
        try:
            connection.request(method, f"/{address.key}/{name}", content)
            answer = connection.getresponse()
            found = answer.read()
            return None if answer.status == _NOT_FOUND else found
        finally:
            connection.close()
