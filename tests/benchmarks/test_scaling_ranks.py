"""Ranks that do not talk in their steps still say what all of them have to know."""

from __future__ import annotations

from threading import Thread
from types import SimpleNamespace

import numpy as np
import pytest

from lepton_spark.train.keeping import keep_on_first

pytestmark = pytest.mark.tensorflow


def test_ranks_without_a_ring_sum_between_epochs_and_wait_for_what_is_kept(tmp_path):
    from benchmarks.scaling_ranks import Alone

    written, sums = [], {}

    def train(rank):
        given = SimpleNamespace(rank=rank, size=2, folder=tmp_path, beat=lambda _place: None)
        worker = Alone(given, tmp_path)
        keep_on_first(worker, "here", lambda alive: written.append(alive()))
        sums[rank] = worker.sum(np.array([1.0, rank])).tolist()

    ranks = [Thread(target=train, args=(rank,), daemon=True) for rank in (0, 1)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(10)

    assert sums == {0: [2.0, 1.0], 1: [2.0, 1.0]}
    assert written == [None]
