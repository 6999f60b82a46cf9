"""Ranks that wait for task slots which other jobs have."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lepton_spark.train.backend import Work
from lepton_spark.train.barrier import BarrierBackend


@pytest.mark.spark
@pytest.mark.horovod
def test_a_stage_that_waits_for_task_slots_says_so(spark, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("lepton_spark.train.barrier.WAITING_SECONDS", 0.2)
    caplog.set_level(logging.WARNING, "lepton_spark")
    path = str(tmp_path / "go")

    def hold_a_slot(_rows):
        while not Path(path).exists():
            time.sleep(0.05)

    work = Work("tests.train.rank_work:add_ranks", {"echo": ""})
    with ThreadPoolExecutor() as pool:
        try:
            held = pool.submit(spark.sparkContext.parallelize([0], 1).foreachPartition, hold_a_slot)
            while not spark.sparkContext.statusTracker().getActiveJobsIds():
                time.sleep(0.05)
            running = pool.submit(BarrierBackend(spark).run, work, 2)
            deadline = time.monotonic() + 60
            while (said := "waiting for 2 free task slots at once") not in caplog.text:
                assert not running.done()
                assert time.monotonic() < deadline, f"nobody said {said}"
                time.sleep(0.05)
        finally:
            Path(path).touch()
        held.result()

    assert [result.rank for result in running.result()] == [0, 1]
