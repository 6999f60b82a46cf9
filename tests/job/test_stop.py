from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lepton_spark.job.stop import Stopped, kill_descendants, stoppable, within

# A command that ignores what it is told and hangs, with a child and a grandchild.
STUBBORN = """
import subprocess, sys, time
from lepton_spark.job import stop
stop.DEADLINE_SECONDS = 1.0
with stop.stoppable():
    child = subprocess.Popen(["bash", "-c", "sleep 300 & echo $! $$; wait"], stdout=subprocess.PIPE)
    words = child.stdout.readline().decode()
    while True:
        try:
            if words:
                print(words, flush=True)
                words = ""
            time.sleep(60)
        except BaseException:
            pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_in_the_command(number):
    with pytest.raises(Stopped) as caught, stoppable():
        os.kill(os.getpid(), number)
        time.sleep(5)
    assert caught.value.number == number


def test_the_handlers_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with stoppable():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_handlers_that_spark_took_are_taken_back():
    with pytest.raises(Stopped), stoppable() as stopper:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopper.take()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)


def test_a_command_that_does_not_stop_is_ended_with_all_that_it_started():
    command = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True)
    started = [int(word) for word in command.stdout.readline().split()]
    command.send_signal(signal.SIGTERM)

    assert command.wait(10) == 143
    command.stdout.close()
    deadline = time.monotonic() + 5
    while any(is_alive(process) for process in started) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [process for process in started if is_alive(process)] == []


def is_alive(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_descendants_are_counted_and_killed():
    child = subprocess.Popen(["sleep", "300"])

    assert kill_descendants() >= 1
    assert child.wait(5) == -signal.SIGKILL


def test_work_that_takes_too_long_is_left_behind():
    assert within(5, lambda: None)
    assert not within(0.05, lambda: time.sleep(1))


def test_work_that_fails_is_done():
    assert within(5, lambda: 1 / 0)


def test_work_of_other_threads_is_cancelled_while_the_command_waits_for_them():
    is_cancelled = threading.Event()
    with pytest.raises(Stopped), stoppable() as stopper, ThreadPoolExecutor(1) as pool:
        stopper.at_first(is_cancelled.set)
        pool.submit(is_cancelled.wait, 60)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    assert is_cancelled.is_set()
