"""Ctrl-C and SIGTERM: stop in seconds, leave no process behind."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

DEADLINE_SECONDS = 8.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the command to stop; not an Exception, so that no stage swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def name(self) -> str:
        """Such as SIGTERM."""
        return signal.Signals(self.number).name


class Stopper:
    """What happens at a signal: the first stops the command, the second ends the process.

    Whatever hangs, the process ends `DEADLINE_SECONDS` after the first signal.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._first: list[Callable[[], object]] = []
        self._last: list[Callable[[int], object]] = []

    def at_first(self, work: Callable[[], object]) -> None:
        """Do this at the first signal, in a thread of its own.

        The thread matters: Spark's connection of the interrupted one may be amid an answer. What
        other threads wait for can so be cancelled while the main thread waits for them.
        """
        self._first.append(work)

    def at_last(self, work: Callable[[int], object]) -> None:
        """Do this, given the signal, before the process is ended."""
        self._last.append(work)

    def take(self) -> None:
        """Take the signals, also from whoever else took them meanwhile: Spark does so."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._stop)

    @property
    def is_stopping(self) -> bool:
        """True after the first signal."""
        return self._number is not None

    def cause_of(self, error: BaseException) -> BaseException:
        """The signal where there was one: what failed after it failed of the cancelled work."""
        return error if self._number is None else Stopped(self._number)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self.is_stopping:
            self._end(number)
        self._number = number
        watchdog = threading.Timer(DEADLINE_SECONDS, self._end, [number])
        watchdog.daemon = True
        watchdog.start()
        for work in self._first:
            threading.Thread(target=_quietly, args=(work,), daemon=True).start()
        raise Stopped(number)

    def _end(self, number: int) -> None:
        kill_descendants()
        for work in self._last:
            _quietly(partial(work, number))
        os._exit(128 + number)


@contextmanager
def stoppable() -> Iterator[Stopper]:
    """Raise `Stopped` in the main thread at the first signal.

    Outside the main thread, such as in a notebook, signals are left alone.

    Yields:
        To say what else has to be done at a signal.
    """
    stopper = Stopper()
    if threading.current_thread() is not threading.main_thread():
        yield stopper
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    stopper.take()
    try:
        yield stopper
    finally:
        # While it stops, a second signal has to end it.
        if not stopper.is_stopping:
            for number, handler in before.items():
                signal.signal(number, handler)


def within(seconds: float, work: Callable[[], object]) -> bool:
    """Do some work in another thread; False where it took longer and still goes on."""
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
