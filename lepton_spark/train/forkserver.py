"""A process that has imported TensorFlow and Horovod and forks ranks, so that one starts at once.

`python -m lepton_spark.train.forkserver PARENT`: for each rank it reads a line of JSON with a
folder and the environment, and says in lines of JSON the process's id and in the end its exit code;
one rank at a time. It ends with its parent, and a rank ends with it.

Not the fork server of multiprocessing: that one runs its parent's main module in each child, here
that of pyspark, and outlives a parent that was killed for as long as a child lives.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NoReturn

from lepton_spark.train import rank

IDLE_SECONDS = 60.0  # as long as Spark keeps a Python worker that has nothing to do
_FEW_THREADS = {"OPENBLAS_NUM_THREADS": "1"}  # a thread that runs at a fork is missing in the child
_LINE_BYTES = 4096
_idle: list[ForkServer] = []  # of this process; Spark gives the next job to the same Python worker


class ForkServer:
    """The server as its parent sees it.

    Args:
        log: Where it writes what goes wrong before a rank is there.
    """

    def __init__(self, log: IO[bytes]) -> None:
        self.python_path = python_path()
        self.pid: int | None = None
        self._exit_code: int | None = None
        self._kept_at = 0.0
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(os.getpid())],
            env={**os.environ, **_FEW_THREADS, "PYTHONPATH": self.python_path},
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )

    def is_ready(self) -> bool:
        """Whether it can fork a rank of the modules that are to be found now."""
        is_leaving = time.monotonic() - self._kept_at > IDLE_SECONDS / 2
        is_same = self.python_path == python_path()
        return is_same and not is_leaving and self._process.poll() is None

    def fork(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Ask for a rank; `pid` is None until it is there."""
        self.pid = self._exit_code = None
        order = {"folder": str(folder), "environment": dict(environment)}
        with contextlib.suppress(BrokenPipeError):  # poll tells
            self._pipe("stdin").write(json.dumps(order).encode() + b"\n")

    def poll(self) -> int | None:
        """The exit code of the rank, negative for a signal; None while it runs."""
        while self._exit_code is None and self._is_readable():
            line = self._pipe("stdout").readline(_LINE_BYTES)
            said = json.loads(line) if line else {"exit_code": self._process.wait()}
            self.pid = said.get("pid", self.pid)
            self._exit_code = said.get("exit_code")
        return self._exit_code

    def state(self) -> str:
        """State letter of the rank, or of the server while there is none; empty when it is gone."""
        pid = self.pid or self._process.pid
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return ""

    def keep(self) -> None:
        """Let it wait for the next rank; what the last one started is ended."""
        self._kill_rank()
        self.pid = None  # by the time this server is killed it may be that of another process
        self._kept_at = time.monotonic()
        _idle.append(self)

    def kill(self) -> None:
        """End the server, its rank and all that the rank started."""
        self._kill_rank()
        self._process.kill()
        self._process.wait()
        self._exit_code = self._process.returncode
        for name in ("stdin", "stdout"):
            self._pipe(name).close()

    def _kill_rank(self) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _is_readable(self) -> bool:
        return bool(select.select([self._pipe("stdout")], [], [], 0)[0])

    def _pipe(self, name: str) -> IO[bytes]:
        pipe: IO[bytes] = getattr(self._process, name)
        return pipe


def take(log: IO[bytes]) -> ForkServer:
    """A server that was kept and still is ready, else a new one."""
    while _idle:
        server = _idle.pop()
        if server.is_ready():
            return server
        server.kill()
    return ForkServer(log)


def python_path() -> str:
    """Where this process finds modules: an archive shipped with spark-submit is among them."""
    return os.pathsep.join(str(Path(path).absolute()) for path in sys.path if path)


def main(parent: int) -> None:
    """Fork ranks until the parent closes the pipe, or asks for none for a while."""
    rank.die_with(parent)
    # A rank meets it too, and tells: an ImportError, or what TensorFlow says of a library.
    with contextlib.suppress(Exception):
        import lepton_spark.models.lean  # noqa: F401, PLC0415  # first: Horovod would import all
        import horovod.tensorflow  # isort: skip  # noqa: F401, PLC0415  # what takes a rank seconds
    server = os.getpid()
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0] and (line := sys.stdin.readline()):
        order = json.loads(line)
        if (pid := os.fork()) == 0:
            _become_rank(Path(order["folder"]), order["environment"], server)
        _say("exit_code", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _become_rank(folder: Path, environment: Mapping[str, str], server: int) -> NoReturn:
    code = 1
    try:
        os.setsid()
        rank.die_with(server)
        _say("pid", os.getpid())
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        tempfile.tempdir = None  # look again where the environment says
        _redirect(folder / rank.LOG)
        code = rank.main(folder)
    except BaseException:  # noqa: BLE001  # whatever it is, this process must not serve
        traceback.print_exc()
    finally:
        rank.leave(code)


def _redirect(log: Path) -> None:
    for path, flags, targets in (
        (os.devnull, os.O_RDONLY, (0,)),
        (log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, (1, 2)),
    ):
        descriptor = os.open(path, flags, 0o600)
        for target in targets:
            os.dup2(descriptor, target)
        os.close(descriptor)


def _say(what: str, number: int) -> None:
    os.write(1, json.dumps({what: number}).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
