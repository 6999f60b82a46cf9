"""A training process seen from outside: start it, see how it is, end it, take what it wrote."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lepton_spark.train import forkserver
from lepton_spark.train.board import STARTING, Status
from lepton_spark.train.rank import BEAT, ERROR, FILES, JOB, LOG, RESULT

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
        with (folder / LOG).open("wb") as log:
            self._server = forkserver.take(log)
        self._server.fork(folder, {**os.environ, **environment, "TMPDIR": str(folder)})
        self._beat = b""
        self._beat_at = time.monotonic()
        self._lost_at: float | None = None

    def wait(self, seconds: float) -> bool:
        """Wait for the end at most so long; whether it has ended."""
        deadline = time.monotonic() + seconds
        while self._server.poll() is None and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return self._server.poll() is not None

    def status(self) -> Status:
        """How it is now."""
        code, now = self._server.poll(), time.monotonic()
        beat = self._read(BEAT)
        if beat != self._beat:
            self._beat, self._beat_at = beat, now
        place = beat.decode().strip().partition(" ")[2] or STARTING
        if code is None:
            return Status("running", place, now - self._beat_at, self._server.state())
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

    def end(self) -> None:
        """End it and all that it started; its server stays for the next one if all went well."""
        if self._server.poll() == 0:
            self._server.keep()
        else:
            self._server.kill()

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
