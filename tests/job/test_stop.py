from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lepton_spark.job.stop import stoppable, within

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


# A signal leaves a watchdog behind that ends its process with all below it: not that of the tests.
RAISED = """
import os, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from lepton_spark.job.stop import Stopped, stoppable
number = signal.Signals[sys.argv[1]]
try:
    with stoppable() as stopper:
        {work}
        os.kill(os.getpid(), number)
        time.sleep(5)
except Stopped as stopped:
    print("stopped", stopped.name)
{after}
"""


def in_a_child(number: str, *, work: str = "pass", after: str = "") -> str:
    code = RAISED.format(work=work, after=after)
    command = [sys.executable, "-c", code, number]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=30, check=True).stdout


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_a_signal_raises_in_the_command(number):
    assert in_a_child(number) == f"stopped {number}\n"


def test_the_handlers_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with stoppable():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_handlers_that_spark_took_are_taken_back():
    taken = "signal.signal(number, signal.SIG_IGN); stopper.take()"
    assert in_a_child("SIGINT", work=taken) == "stopped SIGINT\n"


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
    code = (
        "import subprocess; from lepton_spark.job.stop import kill_descendants;"
        "child = subprocess.Popen(['sleep', '300']); print(kill_descendants(), child.wait(5))"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=30, check=True).stdout
    assert said.split() == ["1", str(-signal.SIGKILL)]


def test_work_that_takes_too_long_is_left_behind():
    assert within(5, lambda: None)
    assert not within(0.05, lambda: time.sleep(1))


def test_work_that_fails_is_done():
    assert within(5, lambda: 1 / 0)


def test_work_of_other_threads_is_cancelled_while_the_command_waits_for_them():
    waiting = (
        "is_cancelled = threading.Event(); stopper.at_first(is_cancelled.set);"
        "pool = ThreadPoolExecutor(1); pool.submit(is_cancelled.wait, 60)"
    )
    after = "pool.shutdown(); print('cancelled', is_cancelled.is_set())"
    said = in_a_child("SIGTERM", work=waiting, after=after)
    assert said == "stopped SIGTERM\ncancelled True\n"


# The connection to Spark turns the signal that interrupts it into an error of its own.
SWALLOWED = """
import os, signal, time
from contextlib import nullcontext
from datetime import date
from types import SimpleNamespace
from lepton_spark.job import run
from lepton_spark.job.request import Request
run.open_context = lambda *_given, **_named: nullcontext(SimpleNamespace(results={}))
def work(_context):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    except BaseException as error:
        raise RuntimeError("no answer") from None
ending = run.execute(Request("run", "plant", date(2024, 3, 2)), work).ending
print(ending.status, ending.exit_code)
"""


def test_what_fails_after_a_signal_was_stopped_by_it():
    command = [sys.executable, "-c", SWALLOWED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout == "stopped 130\n"
