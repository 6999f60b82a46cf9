"""A training process, forked for a supervisor.

Reads `job.json` in its folder; writes `beat`, and in the end `result.json` with `files/`, or
`error.json`; what the interpreter says goes to `log`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from lepton_spark.errors import LeptonError
from lepton_spark.train.board import STARTING

if TYPE_CHECKING:
    from lepton_spark.train.worker import Worker

JOB, BEAT, RESULT, FILES = "job.json", "beat", "result.json", "files"
ERROR, LOG = "error.json", "log"
BEAT_BYTES = 160
# Words of the errors of a sum in which another rank takes no part any more.
_LOST = ("Horovod", "Gloo", "gloo/", "Connection closed by peer", "Collective", "UnavailableError")
_PR_SET_PDEATHSIG = 1
# Of these the text is about the machine; that of others may hold a value of a cell.
_TELLING = (ImportError, FileNotFoundError, PermissionError, ConnectionError)


def main(folder: Path) -> int:
    """Do the work; returns the exit code."""
    job = json.loads((folder / JOB).read_text())
    beat = Beat(folder / BEAT)
    try:
        _work(folder, job, beat)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the supervisor must know
        _write(folder / ERROR, json.dumps(describe(error)).encode())
        return 1
    return 0


def _work(folder: Path, job: dict[str, object], beat: Beat) -> None:
    beat(STARTING)
    from lepton_spark.train.backend import call  # noqa: PLC0415  # after the first sign of life

    work_folder = folder / "work"
    work_folder.mkdir()
    worker = _join(str(job.get("ring")), work_folder, beat)
    beat(f"{STARTING}, the ring is there")
    outcome = call(str(job["entry"]), worker, job["payload"])  # type: ignore[arg-type]  # JSON
    (folder / FILES).mkdir()
    for name, content in outcome.files.items():
        (folder / FILES / name).write_bytes(content)
    _write(folder / RESULT, json.dumps(dict(outcome.facts)).encode())
    worker.close()


def _join(ring: str, folder: Path, beat: Beat) -> Worker:
    if ring == "tensorflow":
        from lepton_spark.train.collective_worker import CollectiveWorker  # noqa: PLC0415  # as below

        return CollectiveWorker(folder, beat)
    from lepton_spark.train.worker import HorovodWorker  # noqa: PLC0415  # not before the libraries are set up

    return HorovodWorker(folder, beat)


class Beat:
    """Says in a file that the process lives: a count, and where it is."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        self._count = 0
        self._place = ""

    def __call__(self, place: str) -> None:
        """Say so once; without a place it is the one before."""
        self._count += 1
        self._place = place or self._place
        line = f"{self._count} {self._place}".encode()[:BEAT_BYTES].ljust(BEAT_BYTES)
        os.pwrite(self._descriptor, line, 0)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, or end now if it has ended."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def leave(code: int) -> NoReturn:
    """End at once: an orderly end of an interpreter with TensorFlow in it takes half a second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def describe(error: BaseException) -> dict[str, object]:
    """An error as JSON: told (our own), lost (another rank is gone) or crashed."""
    if isinstance(error, LeptonError):
        return {"kind": "told", "type": type(error).__name__, "fields": list(error.args)}
    if is_lost(error):
        return {"kind": "lost", "type": type(error).__name__}
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "lepton_spark" in frame.filename]
    last = (ours or frames)[-1]
    detail = f"in {Path(last.filename).name}, line {last.lineno}"
    if isinstance(error, _TELLING):
        detail = f"({error}) {detail}"
    return {"kind": "crashed", "type": type(error).__name__, "detail": detail}


def is_lost(error: BaseException) -> bool:
    """Whether a collective operation failed because another rank is gone."""
    name = type(error).__name__
    if isinstance(error, ImportError):  # whose text may name Horovod as well
        return False
    # TensorFlow names the operation that got no memory, which may be a collective one.
    return name != "ResourceExhaustedError" and any(word in f"{name} {error}" for word in _LOST)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
