from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from lepton_spark.errors import TrainingError
from lepton_spark.train.barrier import BarrierBackend
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.measured import history_of, rates, training_metrics
from lepton_spark.train.network import fit_network
from lepton_spark.train.phases import PHASES, Phases, bottleneck, repeatable
from lepton_spark.train.worker import LocalWorker
from tests.train.planted import job_on, rows_of
from tests.train.rank_work import SLOW_SECONDS


def entry_of(*ranks):
    """What is told of an epoch in which each rank took so many seconds for each phase."""
    found = np.array([[*seconds, 500.0, 40.0] for seconds in ranks])
    worker = SimpleNamespace(rank=0, size=len(ranks), sum=lambda _own: found.ravel())
    return Phases().read(worker)


def test_waiting_for_the_next_block_is_reading_and_each_epoch_begins_at_nothing(tmp_path):
    def slow():
        for item in "ab":
            time.sleep(0.05)
            yield item

    phases, worker = Phases(), LocalWorker(tmp_path)
    for _ in phases.reading(slow()):
        with phases.of("step"):
            time.sleep(0.03)
    phases.count(7, 2)

    first, second = phases.read(worker), phases.read(worker)

    assert first["read_seconds"] >= 0.1
    assert 0.06 <= first["step_seconds"] < first["read_seconds"]
    assert first["rows_by_rank"] == [7]
    assert first["peak_mib"] > 10
    assert second["read_seconds"] == second["step_seconds"] == 0
    assert second["rows_by_rank"] == [0]
    assert not {"slowest_rank", "waited_seconds", "allreduce_seconds"} & set(first)


def test_what_took_most_is_named_and_sums_are_told_from_steps():
    entry = dict.fromkeys((f"{phase}_seconds" for phase in PHASES), 1.0)

    assert "be read" in bottleneck([{**entry, "read_seconds": 9.0}])
    assert "network itself" in bottleneck([{**entry, "step_seconds": 9.0}])
    summed = bottleneck([{**entry, "step_seconds": 9.0, "allreduce_seconds": 6.0}])
    assert "summed over the workers" in summed
    assert summed.startswith("46% of the time")
    assert bottleneck([]) == bottleneck([{"epoch": 1, "loss": 0.5}]) == ""


def test_of_ranks_that_wait_in_their_steps_for_one_the_phases_of_that_one_are_told():
    entry = entry_of((0.5, 0.1, 9.4, 1, 0), (7.0, 0.1, 2.9, 1, 0), (0.7, 0.1, 9.2, 1, 0))

    assert [entry[f"{phase}_seconds"] for phase in PHASES] == [7.0, 0.1, 2.9, 1, 0]
    assert (entry["slowest_rank"], entry["waited_seconds"]) == (1, 6.4)
    assert entry["rows_by_rank"] == [40] * 3
    said = bottleneck([entry, entry])
    assert said.startswith("64% of the time: rank 1 is slower than others at reading")


def test_ranks_that_are_all_slow_are_not_told_apart():
    read = bottleneck([entry_of((7.0, 0.1, 3.0, 1, 0), (7.2, 0.1, 2.8, 1, 0))])
    # One rank is slower in a phase that is not what holds the epoch up.
    validation = bottleneck([entry_of((0.1, 0.1, 5.0, 4, 0), (3.1, 0.1, 2.0, 4, 0))])

    assert "be read" in read
    assert ": validation" in validation


def test_sums_take_no_longer_than_the_steps_that_they_are_part_of(tmp_path):
    phases, worker = Phases(), LocalWorker(tmp_path)
    worker.size = 2
    worker.sum_tensors = lambda _tensors: time.sleep(0.01)
    worker.sum = lambda own: np.tile(own[: own.size // 2], 2)  # the other rank took as long
    phases.measure_allreduce(worker, [])
    with phases.of("step"):
        time.sleep(0.05)
    phases.count(1, 2)
    few = phases.read(worker)
    phases.count(1, 2)

    assert 0.02 <= few["allreduce_seconds"] <= few["step_seconds"]
    assert phases.read(worker)["allreduce_seconds"] == 0


@pytest.mark.tensorflow
def test_a_training_tells_its_phases_and_its_rows_survive_the_table(tmp_path):
    history = fit_network(LocalBackend(), job_on(rows_of(2000), tmp_path), 1).history

    assert history_of(training_metrics(history)) == list(history)
    for entry in history:
        parts = sum(entry[f"{phase}_seconds"] for phase in PHASES)
        assert 0 < parts <= entry["seconds"] * 1.2 + 0.5
        assert entry["rows_by_rank"] == [entry["rows"]] == [1500]
    assert "step_seconds" not in repeatable(history[0])
    assert repeatable(history[0])["rows"] == 1500


@pytest.mark.tensorflow
def test_an_epoch_that_was_resumed_is_as_fast_as_its_rows_since_then(tmp_path):
    job = replace(job_on(rows_of(2000), tmp_path, checkpoint_minutes=0), most_block_rows=256)
    Path(job.checkpoint).with_name("fault").write_text("0:raise:epoch 2, step 10")
    with pytest.raises(TrainingError, match="LS-6015"):
        fit_network(LocalBackend(), replace(job, entry="tests.train.rank_work:fail_and_fit"), 1)

    resumed = fit_network(LocalBackend(), job, 1).history[1]

    assert resumed["rows"] == 1500
    assert resumed["rows_by_rank"] == [250]
    assert rates(resumed)["rows_per_second"] == pytest.approx(250 / resumed["seconds"])


@pytest.mark.spark
@pytest.mark.horovod
def test_the_rank_that_reads_slowly_is_found_by_what_it_makes_the_others_wait(spark, tmp_path):
    job = replace(job_on(rows_of(2000), tmp_path, epochs=2), most_block_rows=256)
    slow = replace(job, entry="tests.train.rank_work:read_slowly_and_fit")

    entry = fit_network(BarrierBackend(spark), slow, 2).history[1]

    blocks = 3
    assert entry["slowest_rank"] == 1
    assert entry["read_seconds"] >= blocks * SLOW_SECONDS
    assert entry["waited_seconds"] > blocks * SLOW_SECONDS / 2
    assert 0 < entry["allreduce_seconds"] <= entry["step_seconds"]
    parts = sum(entry[f"{phase}_seconds"] for phase in PHASES)
    assert 0.8 * entry["seconds"] < parts < 1.1 * entry["seconds"]
    assert "rank 1 is slower than others at reading" in bottleneck([entry])
