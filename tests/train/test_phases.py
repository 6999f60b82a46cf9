from __future__ import annotations

import time

import pytest

from lepton_spark.train.local import LocalBackend
from lepton_spark.train.measured import history_of, training_metrics
from lepton_spark.train.network import fit_network
from lepton_spark.train.phases import PHASES, Phases, bottleneck, repeatable
from lepton_spark.train.worker import LocalWorker
from tests.train.planted import job_on, rows_of


def test_waiting_for_the_next_block_is_reading_and_each_epoch_begins_at_nothing(tmp_path):
    def slow():
        for item in "ab":
            time.sleep(0.05)
            yield item

    phases, worker = Phases(), LocalWorker(tmp_path)
    for _ in phases.reading(slow()):
        with phases.of("step"):
            time.sleep(0.03)
    phases.rows += 7

    first, second = phases.read(worker, 2), phases.read(worker, 2)

    assert first["read_seconds"] >= 0.1
    assert 0.06 <= first["step_seconds"] < first["read_seconds"]
    assert first["rows_by_rank"] == [7]
    assert first["peak_mib"] > 10
    assert second["read_seconds"] == second["step_seconds"] == 0
    assert second["rows_by_rank"] == [0]


def test_what_took_most_is_named_and_sums_are_told_from_steps():
    entry = dict.fromkeys((f"{phase}_seconds" for phase in PHASES), 1.0)

    assert "be read" in bottleneck([{**entry, "read_seconds": 9.0}])
    assert "network itself" in bottleneck([{**entry, "step_seconds": 9.0}])
    summed = bottleneck([{**entry, "step_seconds": 9.0, "allreduce_seconds": 6.0}])
    assert "summed over the workers" in summed
    assert summed.startswith("46% of the time")
    assert bottleneck([]) == bottleneck([{"epoch": 1, "loss": 0.5}]) == ""


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
