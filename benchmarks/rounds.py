"""Rounds of a benchmark: sides in random order, their time, processor time, growth, memory."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import psutil

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

logger = logging.getLogger(__name__)
Side = Callable[[], object]
_LOOKS_SECONDS = 0.02


@dataclass
class Times:
    """What a side took, a value a round.

    Args:
        seconds: On the clock.
        busy: Seconds of processors, of this process and all that it started.
    """

    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Slow:
    """A side that takes longer than so many seconds at first takes part in so many rounds."""

    seconds: float = math.inf
    rounds: int = 0


def interleaved(sides: Mapping[str, Side], rounds: int, slow: Slow = Slow()) -> dict[str, Times]:
    """Run every side once for nothing, then `rounds` times, each round in another order."""
    found = {name: Times() for name in sides}
    order, first = list(sides), dict.fromkeys(sides, 0.0)
    for number in range(rounds + 1):
        random.Random(number).shuffle(order)
        for name in order:
            if number > slow.rounds and first[name] > slow.seconds:
                continue
            busy, started = _busy(), time.monotonic()
            sides[name]()
            seconds, used = time.monotonic() - started, _busy() - busy
            logger.info("round %d: %s %.2f s, %.2f s of processors", number, name, seconds, used)
            if not number:
                first[name] = seconds
            else:
                found[name].seconds.append(seconds)
                found[name].busy.append(used)
    return found


def exponent(rows: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of log time on log rows between the two largest scales."""
    (_, *_, few, many), (*_, short, long) = (0, *rows), seconds
    return float(np.log(long / short) / np.log(many / few))


def kept_by_jvm(spark: SparkSession, side: Side) -> int:
    """Bytes of long-lived objects that the JVM held at most while a side ran."""
    beans = spark.sparkContext._jvm.java.lang.management.ManagementFactory  # type: ignore[union-attr]  # there with a session
    pools = [
        pool
        for pool in beans.getMemoryPoolMXBeans()
        if "Old" in pool.getName() or "Tenured" in pool.getName()
    ]
    spark.sparkContext._jvm.System.gc()  # type: ignore[union-attr]  # as above
    for pool in pools:
        pool.resetPeakUsage()
    side()
    return int(sum(pool.getPeakUsage().getUsed() for pool in pools))


@dataclass
class Peak:
    """The most memory that was seen, in bytes."""

    held: int = 0


@contextmanager
def peak_of_workers() -> Iterator[Peak]:
    """What the Python workers of Spark hold at most within, all together; looked at every 20 ms."""
    peak, is_done = Peak(), threading.Event()
    watcher = threading.Thread(target=_watch_workers, args=(peak, is_done), daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        is_done.set()
        watcher.join()


def _watch_workers(peak: Peak, is_done: threading.Event) -> None:
    own = psutil.Process()
    while not is_done.wait(_LOOKS_SECONDS):
        held = 0
        for process in own.children(recursive=True):
            # It may end between its name and its memory.
            with suppress(psutil.NoSuchProcess):
                if "python" in process.name():
                    held += process.memory_info().rss
        peak.held = max(peak.held, held)


def _busy() -> float:
    total = 0.0
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
