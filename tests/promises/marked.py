"""A command in processes of its own that are found again, whoever started them and whoever died."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journey.lepton import ROOT

_MARK = "LEPTON_TRIAL"
_PATIENCE_SECONDS = 300.0  # for a line to be said, on a busy machine
_LOOK_SECONDS = 0.05
_LAST_WORDS = 300


@dataclass(frozen=True)
class Marked:
    """A running command, whose variables name it in all processes that it starts.

    Args:
        folder: Has what it says in `out` and `err`.
        token: In the environment of each of its processes.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    token: str

    def has_said(self, words: str, where: str = "err") -> bool:
        """Wait until it has; False where it ended without."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            has_ended = self.process.poll() is not None
            if words in self._said(where):
                return True
            if has_ended:
                return False
            time.sleep(_LOOK_SECONDS)
        return False

    def signal(self, number: int, *, is_group: bool) -> None:
        """Signal the process alone, or all of its group."""
        (os.killpg if is_group else os.kill)(self.process.pid, number)

    def gone_after(self, most_seconds: float) -> float | None:
        """Seconds until it and all that it started have ended; None where they have not."""
        started = time.monotonic()
        while (now := time.monotonic()) - started < most_seconds:
            if self.process.poll() is not None and not self.alive():
                return now - started
            time.sleep(_LOOK_SECONDS)
        return None

    def alive(self) -> dict[int, str]:
        """Process ids and commands of what it started and has not ended."""
        mark, found = f"{_MARK}={self.token}".encode(), {}
        for path in Path("/proc").glob("[0-9]*"):
            # Of another user, or gone meanwhile; one that has ended has no variables.
            with suppress(OSError):
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    command = (path / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(path.name)] = command[:_LAST_WORDS].decode(errors="replace")
        return found

    def end(self) -> None:
        """Kill what is left of it."""
        while alive := self.alive():
            for process in alive:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(_LOOK_SECONDS)
        self.process.wait()

    def _said(self, where: str) -> str:
        return (self.folder / where).read_text(encoding="utf-8", errors="replace")

    @property
    def last_words(self) -> str:
        """How its stderr ends."""
        return self._said("err")[-_LAST_WORDS:]

    @property
    def summary(self) -> Mapping[str, Any]:
        """The last line of its stdout; nothing where that is no JSON."""
        try:
            found: Mapping[str, Any] = json.loads(self._said("out").splitlines()[-1])
        except (IndexError, ValueError):
            return {}
        return found


@contextmanager
def running(command: Sequence[object], folder: Path, **environ: str) -> Iterator[Marked]:
    """Start a command in a session of its own; what is left of it at the end is killed."""
    token = secrets.token_hex(8)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd="/tmp",
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ, _MARK: token},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    marked = Marked(process, folder, token)
    try:
        yield marked
    finally:
        marked.end()
