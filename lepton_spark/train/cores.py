"""The cores of a rank: its share of the host's, on which what waits gives way to what computes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path


@cache
def take_share() -> int:
    """Keep this process, once, to an equal share of the cores of its host.

    The threads that there are, and those to come, stay there: one that moves to another core finds
    none of its data in the caches. Ranks that are more than the cores are not kept apart.

    Returns:
        How many cores this rank may use, at least 1; of a process alone all.
    """
    size = int(os.environ.get("HOROVOD_LOCAL_SIZE", "1"))
    cores = sorted(os.sched_getaffinity(0))
    share = len(cores) // size
    if size > 1 and share > 0:
        first = share * int(os.environ.get("HOROVOD_LOCAL_RANK", "0"))
        for thread in _threads():
            with suppress(OSError):  # it has ended, or the host forbids it, which is only slower
                os.sched_setaffinity(thread, cores[first : first + share])
    return max(1, share)


@contextmanager
def giving_way() -> Iterator[None]:
    """Have the threads that begin in the block wake without taking the core from another one.

    Horovod's look for work many times a step. While this rank computes there is none; when it waits
    for the sum its core is free, and they run at once.
    """
    before = _threads()
    yield
    for thread in _threads() - before:
        with suppress(OSError):  # as above
            os.sched_setscheduler(thread, os.SCHED_BATCH, os.sched_param(0))


def _threads() -> set[int]:
    return {int(path.name) for path in Path("/proc/self/task").iterdir()}
