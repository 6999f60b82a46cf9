from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lepton_spark.lake.process import is_alive
from lepton_spark.train import forkserver
from lepton_spark.train.rank import JOB, LOG

pytestmark = [pytest.mark.horovod, pytest.mark.fault]
SECONDS = 60

PARENT = """
import os, sys, time
from pathlib import Path
from lepton_spark.train.forkserver import ForkServer
folder = Path(sys.argv[1])
server = ForkServer(sys.stderr.buffer)
server.fork(folder, os.environ)
while server.pid is None:
    server.poll()
print(server.pid, flush=True)
time.sleep(600)
"""


def until(is_true):
    deadline = time.monotonic() + SECONDS
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_true()


@pytest.fixture
def waiting(tmp_path):
    """The folder of a rank that waits for its job: the file is a pipe that nobody writes."""
    folder = tmp_path / "waiting"
    folder.mkdir()
    os.mkfifo(folder / JOB)
    return folder


@pytest.fixture
def server(tmp_path):
    with (tmp_path / "server.log").open("wb") as log:
        server = forkserver.take(log)
    yield server
    server.kill()


def test_ranks_are_forked_one_after_the_other(server, tmp_path):
    pids = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        server.fork(tmp_path / name, os.environ)
        until(lambda: server.poll() is not None)
        pids.append(server.pid)

    assert server.poll() == 1  # without a job
    assert "FileNotFoundError" in (tmp_path / "second" / LOG).read_text()
    assert len(set(pids)) == 2


def test_a_rank_has_a_folder_and_a_session_of_its_own(server, waiting):
    server.fork(waiting, os.environ)
    until(lambda: server.poll() is None and (waiting / LOG).exists())

    assert Path(f"/proc/{server.pid}/cwd").readlink() == waiting
    assert os.getsid(server.pid) == server.pid


def test_a_kept_server_is_taken_again_until_its_modules_change(server, monkeypatch, tmp_path):
    server.keep()
    with (tmp_path / "log").open("wb") as log:
        assert forkserver.take(log) is server
        server.keep()
        monkeypatch.syspath_prepend(tmp_path)
        other = forkserver.take(log)
    other.kill()

    assert other is not server
    assert not server.is_ready()


def test_a_kept_server_forgets_the_number_of_its_last_rank(server, tmp_path):
    (tmp_path / "rank").mkdir()
    server.fork(tmp_path / "rank", os.environ)
    until(lambda: server.poll() is not None)
    server.keep()
    forkserver._idle.remove(server)

    assert server.pid is None


def test_a_server_that_is_about_to_leave_is_not_taken(server, monkeypatch):
    server.keep()
    assert server.is_ready()

    monkeypatch.setattr(forkserver, "IDLE_SECONDS", 0.0)
    assert not server.is_ready()


def test_a_server_with_nothing_to_do_leaves():
    program = f"import {forkserver.__name__} as it; it.IDLE_SECONDS = 0.1; it.main({os.getpid()})"
    server = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    try:
        assert server.wait(SECONDS) == 0
    finally:
        server.kill()
        server.communicate()


def test_a_server_that_dies_is_told_as_a_failed_rank(tmp_path):
    with (tmp_path / LOG).open("wb") as log:
        server = forkserver.ForkServer(log)
    server.fork(tmp_path, os.environ)
    server._process.kill()
    until(lambda: server.poll() is not None)

    assert server.poll() == -signal.SIGKILL
    server.kill()


@pytest.mark.parametrize("is_stopped", [False, True], ids=["running", "stopped"])
def test_a_rank_and_its_server_die_with_the_supervisor(waiting, is_stopped):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(waiting)], stdout=subprocess.PIPE, text=True
    )
    rank = int(parent.stdout.readline())
    server = int(Path(f"/proc/{rank}/stat").read_text().rpartition(")")[2].split()[1])
    if is_stopped:
        os.kill(rank, signal.SIGSTOP)
    assert is_alive(rank)
    assert is_alive(server)

    parent.kill()
    parent.wait()

    until(lambda: not is_alive(rank) and not is_alive(server))
