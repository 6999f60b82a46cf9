"""A training process seen from outside: start it, see how it is, end it, take what it wrote."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_spark.train.board import Status
from lepton_spark.train.judge import STARTING
from lepton_spark.train.rank import BEAT, ERROR, FILES, JOB, RESULT

LOG = "log"
_LOOK_SECONDS = 0.02
_LOG_BYTES = 4096


class Child:
    """One training process in a folder of its own.

    Args:
        folder: Local and empty. The process's temporary files go there too: it ends at once, and
            TensorFlow would remove what it generated only at an orderly end.
        job: Entry and payload.
        environment: Variables on top of this process's.
    """

    def __init__(
        self, folder: Path, job: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self._folder = folder = folder.absolute()
        (folder / JOB).write_text(json.dumps(job))
        own = {"TMPDIR": str(folder), "PYTHONPATH": _python_path()}
        with (folder / LOG).open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lepton_spark.train.rank", str(folder), str(os.getpid())],
                env={**os.environ, **environment, **own},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._beat = b""
        self._beat_at = time.monotonic()
        self._lost_at: float | None = None

    def wait(self, seconds: float) -> bool:
        """Wait for the end at most so long; whether it has ended."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return self._process.poll() is not None

    def status(self) -> Status:
        """How it is now."""
        code, now = self._process.poll(), time.monotonic()
        beat = self._read(BEAT)
        if beat != self._beat:
            self._beat, self._beat_at = beat, now
        place = beat.decode().strip().partition(" ")[2] or STARTING
        if code is None:
            letter = _state_letter(self._process.pid)
            return Status("running", place, now - self._beat_at, letter)
        if code == 0 and (self._folder / RESULT).exists():
            return Status("done", place, exit_code=0)
        error = json.loads(self._read(ERROR) or "null") or self._logged_error()
        self._lost_at = self._lost_at or now
        return Status(
            "failed", place, exit_code=code, error=error, lost_seconds=now - self._lost_at
        )

    def result(self) -> tuple[str, dict[str, bytes]]:
        """Facts as JSON text, and files by name, of a process that is done."""
        files = {path.name: path.read_bytes() for path in sorted((self._folder / FILES).iterdir())}
        return (self._folder / RESULT).read_text(), files

    def kill(self) -> None:
        """End it and all that it started; no complaint where it has ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _logged_error(self) -> dict[str, str] | None:
        """The type of the error that ended the interpreter before it could write one down."""
        last = self._read(LOG)[-_LOG_BYTES:].decode(errors="replace").strip().rpartition("\n")[2]
        kind = last.partition(":")[0]
        is_error = kind.isidentifier() and kind.endswith("Error")
        return {"kind": "crashed", "type": kind} if is_error else None

    def _read(self, name: str) -> bytes:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return b""


def _python_path() -> str:
    """Where this process finds modules: an archive shipped with spark-submit is among them."""
    return os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)


def _state_letter(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
