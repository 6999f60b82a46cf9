from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from lepton_spark.train.keeping import keep_on_first

PLACE = "rank 0 keeps something"


class Ring:
    """Two ranks as threads; a sum waits for both."""

    def __init__(self):
        self.size = 2
        self._barrier = Barrier(self.size, timeout=60)
        self._given = {}

    def sum(self, rank, values):
        self._given[rank] = values
        self._barrier.wait()
        total = sum(self._given.values())
        self._barrier.wait()
        return total


class Rank:
    def __init__(self, ring, rank):
        self.rank, self.size = rank, ring.size
        self.sum = lambda values: ring.sum(rank, values)
        self.places = []
        self.beat = self.places.append


def keep(write):
    """What both ranks said while rank 0 wrote."""
    ring = Ring()
    ranks = [Rank(ring, 0), Rank(ring, 1)]
    with ThreadPoolExecutor(2) as pool:
        ended = [pool.submit(keep_on_first, worker, PLACE, write) for worker in ranks]
    for each in ended:
        each.result()
    return [worker.places for worker in ranks]


@pytest.mark.parametrize("parts", [1, 5])
def test_the_ranks_that_wait_live_as_long_as_something_is_written(parts):
    written = []

    def write(alive):
        for part in range(parts):
            if part:
                alive()
            written.append(part)

    said = keep(write)

    assert written == list(range(parts))
    assert said == [[PLACE] * parts] * 2
