"""Ctrl-C and SIGTERM: stop in seconds, leave no process behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

DEADLINE_SECONDS = 8.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the command to stop; not an Exception, so that no stage swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def name(self) -> str:
        """Such as SIGTERM."""
        return signal.Signals(self.number).name


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Raise `Stopped` in the main thread at the first signal, and end the process at the second.

    Whatever hangs, the process ends `DEADLINE_SECONDS` after the first signal. Outside the main
    thread, such as in a notebook, signals are left alone.

    Yields:
        Call it to take the signals (back) from whoever else has taken them: Spark does so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    is_stopping = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        if is_stopping.is_set():
            end_now(number)
        is_stopping.set()
        watchdog = threading.Timer(DEADLINE_SECONDS, end_now, [number])
        watchdog.daemon = True
        watchdog.start()
        raise Stopped(number)

    def take() -> None:
        for number in _SIGNALS:
            signal.signal(number, stop)

    take()
    try:
        yield take
    finally:
        if not is_stopping.is_set():
            for number, handler in before.items():
                signal.signal(number, handler)


def end_now(number: int) -> None:
    """End this process and all that it started, at once."""
    kill_descendants()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(128 + number)


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Do some work in another thread; False where it took longer and still goes on.

    The thread matters: Spark's connection of the interrupted thread may be in the middle of an
    answer.
    """
    thread = threading.Thread(target=_quietly, args=(work,), daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def _quietly(work: Callable[[], object]) -> None:
    with suppress(Exception):  # the session may be gone already
        work()


def kill_descendants() -> int:
    """Kill every process below this one; returns how many there were. Linux only."""
    doomed = _descendants(os.getpid())
    for process in doomed:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)
    return len(doomed)


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            # The name of a program may hold blanks; the parent is the second field after it.
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(status.parent.name))
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
