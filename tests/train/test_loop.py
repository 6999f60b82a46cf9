from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from lepton_spark.config.loss import LossSettings
from lepton_spark.config.task import Task
from lepton_spark.dataset.outliers import Fence
from lepton_spark.errors import ConfigError, TrainingError
from lepton_spark.models.output import Output
from lepton_spark.models.predictor import load_predictor
from lepton_spark.models.weights import unpack
from lepton_spark.train import pace, table_network
from lepton_spark.train.checkpoint import read_last
from lepton_spark.train.counting import Counting
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from lepton_spark.train.phases import repeatable
from lepton_spark.train.worker import LocalWorker
from tests.train.planted import (
    graph_job_on,
    graphs_of,
    job_on,
    rows_of,
    series_job_on,
    series_of,
    write_part,
)

pytestmark = pytest.mark.tensorflow
ROWS = rows_of(4000)


def test_a_law_is_learned_from_every_row_once_an_epoch(tmp_path):
    fitted = fit_network(LocalBackend(), job_on(ROWS, tmp_path, epochs=8, learning_rate=0.01), 1)

    assert fitted.history[-1]["validation_auc"] > 0.75
    assert [entry["rows"] for entry in fitted.history] == [3000] * 8
    assert fitted.history[-1]["loss"] < fitted.history[0]["loss"]
    assert fitted.rows_by_rank == (3000,)
    assert fitted.steps == 24


def test_a_run_is_repeatable_to_the_bit_and_depends_on_its_seed(tmp_path):
    digests = [
        fit_network(LocalBackend(), job_on(ROWS, tmp_path / str(n), seed=seed), 1).weights_digest
        for n, seed in enumerate([7, 7, 8])
    ]

    assert digests[0] == digests[1] != digests[2]


def test_blocks_do_not_change_what_unshuffled_training_gives(tmp_path):
    jobs = [
        replace(job_on(ROWS, tmp_path / str(size)), most_block_rows=size, is_shuffled=False)
        for size in (128, 1024, 1 << 20)
    ]

    assert len({fit_network(LocalBackend(), job, 1).weights_digest for job in jobs}) == 1


def loss_of(predictor, job, rows):
    """Cross entropy on the validation part."""
    judged = rows.filter(pc.field("_split") == "validate")
    scores = predictor.predict(job.transform.apply(judged))[:, 0]
    return -np.mean(np.log(np.where(judged["_label"].to_numpy() > 0, scores, 1 - scores)))


def test_training_ends_after_epochs_without_improvement_and_keeps_the_best(tmp_path):
    job = job_on(rows_of(400), tmp_path, batch_size=32, epochs=60, patience=2, learning_rate=0.05)

    fitted = fit_network(LocalBackend(), job, 1)

    losses = [entry["validation_loss"] for entry in fitted.history]
    assert len(losses) < 60
    assert fitted.best_epoch == int(np.argmin(losses)) + 1 == len(losses) - 2


def test_the_weights_are_those_of_the_best_epoch(tmp_path):
    job = job_on(rows_of(400), tmp_path, batch_size=32, epochs=60, patience=2, learning_rate=0.05)
    fitted = fit_network(LocalBackend(), job, 1)
    spec = {"kind": "table_mlp", "width": job.transform.width, "settings": job.model.model_dump()}
    spec["cardinalities"] = job.transform.cardinalities
    predictor = load_predictor(spec, {"weights.npz": fitted.weights})

    loss = loss_of(predictor, job, rows_of(400))

    assert loss == pytest.approx(min(entry["validation_loss"] for entry in fitted.history), 1e-5)


@pytest.mark.parametrize("weight_average", [None, 0.9])
def test_the_weights_of_the_last_epoch_are_kept_beside_those_of_the_best(tmp_path, weight_average):
    rows, settings = rows_of(400), {"batch_size": 32, "learning_rate": 0.05}
    job = job_on(rows, tmp_path, epochs=60, patience=2, weight_average=weight_average, **settings)
    fitted = fit_network(LocalBackend(), job, 1)
    spec = {"kind": "table_mlp", "width": job.transform.width, "settings": job.model.model_dump()}
    spec["cardinalities"] = job.transform.cardinalities
    last = read_last(job.checkpoint)

    assert unpack(last).keys() == unpack(fitted.weights).keys()
    for weights, epoch in ((fitted.weights, fitted.best_epoch), (last, len(fitted.history))):
        predictor = load_predictor(spec, {"weights.npz": weights})
        loss = loss_of(predictor, job, rows)
        assert loss == pytest.approx(fitted.history[epoch - 1]["validation_loss"], 1e-5)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_loss_that_is_not_finite_stops_before_the_update(tmp_path):
    job = job_on(ROWS, tmp_path, learning_rate=10.0, epochs=3)
    spoiled = replace(job.transform.numbers[0], scale=1e-38)
    numbers = (spoiled, *job.transform.numbers[1:])
    job = replace(job, transform=replace(job.transform, numbers=numbers))

    with pytest.raises(TrainingError, match=r"LS-6013.*at step 0 of epoch 1, on rank 0"):
        fit_network(LocalBackend(), job, 1)
    assert not (tmp_path / "checkpoint").exists()


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_gradients_whose_norm_overflows_stop_before_the_update(tmp_path, clip_norm):
    squared = {"loss": LossSettings(kind="squared"), "clip_norm": clip_norm}
    amounts = Output(Task("amount", ("expected",)), center=0.5, scale=1e-18)
    job = replace(job_on(ROWS, tmp_path, **squared), output=amounts)

    with pytest.raises(TrainingError, match=r"LS-6013.*at step 0 of epoch 1, on rank 0"):
        fit_network(LocalBackend(), job, 1)


def test_a_validation_loss_that_is_not_finite_blames_no_step_and_no_rank(tmp_path):
    amounts = Output(Task("amount", ("expected",)), center=0.5, scale=0.5)
    job = job_on(ROWS, tmp_path, loss=LossSettings(kind="squared"))
    huge = ROWS.set_column(ROWS.column_names.index("_label"), "_label", [[1e30] * len(ROWS)])
    judged = write_part(huge, tmp_path / "huge", 400, "validate")

    with pytest.raises(TrainingError, match="LS-6013") as told:
        fit_network(LocalBackend(), replace(job, validated=judged, output=amounts), 1)

    assert told.value.what == (
        "the validation loss of epoch 1 was not finite; the last good epoch is 0"
    )


def test_it_does_not_matter_how_many_steps_are_taken_in_a_call(tmp_path, monkeypatch):
    found = []
    for most in (1, 2, 32):
        monkeypatch.setattr(pace, "MOST_STEPS", most)
        fitted = fit_network(LocalBackend(), job_on(ROWS, tmp_path / str(most), epochs=2), 1)
        found.append((fitted.weights_digest, [repeatable(entry) for entry in fitted.history]))

    assert found[0] == found[1] == found[2]


def test_validation_takes_a_batch_at_once_however_many_are_accumulated(tmp_path, monkeypatch):
    widths, run = set(), Counting.run

    def watched(counting, block, *steps):
        widths.add(block.index.shape[1])
        return run(counting, block, *steps)

    monkeypatch.setattr(Counting, "run", watched)
    fit_network(LocalBackend(), job_on(ROWS, tmp_path, batch_size=64, accumulate=4), 1)

    assert widths == {64}


def test_a_validation_part_without_a_row_that_counts_is_named(tmp_path):
    job = job_on(ROWS, tmp_path)
    nowhere = Fence(job.transform.numbers[0].name, 1e8, 1e9, "refuse")
    job = replace(job, transform=replace(job.transform, fences=(nowhere,)))

    with pytest.raises(TrainingError, match=r"LS-6011.*no row of the validation part counts"):
        fit_network(LocalBackend(), job, 1)


@pytest.mark.parametrize("setting", [{"optimizer": "sgd"}, {"optimizer": "lamb"}, {"clip_norm": 1}])
def test_each_optimizer_learns_without_a_warning(setting, tmp_path, caplog):
    job = job_on(ROWS, tmp_path, epochs=6, learning_rate=0.05, **setting)

    history = fit_network(LocalBackend(), job, 1).history

    assert history[-1]["validation_auc"] > 0.7
    # TensorFlow counts traces of one code over all models of a process, of which tests make many.
    assert [
        entry.getMessage() for entry in caplog.records if "retracing" not in entry.getMessage()
    ] == []


def test_batches_that_are_accumulated_give_the_weights_of_one_large_batch(tmp_path):
    jobs = [
        job_on(ROWS, tmp_path / str(size), batch_size=size, accumulate=times, optimizer="sgd")
        for size, times in [(256, 1), (64, 4)]
    ]
    plain = [
        replace(job, is_shuffled=False, model=job.model.model_copy(update={"dropout": 0.0}))
        for job in jobs
    ]

    one, other = (fit_network(LocalBackend(), job, 1) for job in plain)

    assert one.steps == other.steps == 12
    for large, small in zip(
        unpack(one.weights).values(), unpack(other.weights).values(), strict=True
    ):
        np.testing.assert_allclose(large, small, rtol=1e-4, atol=1e-6)


def test_the_average_of_weights_is_judged_and_kept_and_training_goes_on_without_it(tmp_path):
    jobs = [
        job_on(ROWS, tmp_path / str(average), epochs=2, weight_average=average)
        for average in (None, 0.5, 1e-9)
    ]

    own, averaged, of_nothing = (fit_network(LocalBackend(), job, 1) for job in jobs)

    losses = [[entry["loss"] for entry in fit.history] for fit in (own, averaged)]
    assert losses[0] == losses[1]
    assert own.weights_digest != averaged.weights_digest
    for kept, same in zip(
        unpack(own.weights).values(), unpack(of_nothing.weights).values(), strict=True
    ):
        np.testing.assert_allclose(kept, same, rtol=1e-5)


def test_a_rank_says_that_it_lives_while_its_state_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("lepton_spark.lake.files.PART_BYTES", 1000)
    job, places = job_on(rows_of(400), tmp_path / "job", epochs=2), []
    (tmp_path / "work").mkdir()

    table_network.fit(LocalWorker(tmp_path / "work", places.append), job.payload(1))

    said = Counter(place for place in places if place.startswith("rank 0 keeps"))
    kept = Path(job.checkpoint)
    for name, place in {
        "epoch-00001-00000000.npz": "the state after 1 epochs and 0 steps",
        "epoch-00002-00000000.npz": "the state after 2 epochs and 0 steps",
        "last.npz": "the last weights",
    }.items():
        parts = -(-(kept / name).stat().st_size // 1000)
        assert parts > 2
        assert said[f"rank 0 keeps {place}"] == parts


def test_a_step_of_more_rows_than_there_are_is_refused(tmp_path):
    job = job_on(ROWS, tmp_path, batch_size=1000, accumulate=4)

    with pytest.raises(ConfigError, match=r"LS-1061.*accumulate 4.*3000 rows"):
        fit_network(LocalBackend(), job, 1)


def test_a_network_that_could_not_be_kept_is_refused_before_it_is_trained(tmp_path):
    job = job_on(ROWS, tmp_path)
    job = replace(job, model=job.model.model_copy(update={"hidden": (20_000, 20_000)}))

    with pytest.raises(TrainingError, match=r"LS-6016.*MiB"):
        fit_network(LocalBackend(), job, 1)


def test_wide_rows_make_blocks_of_fewer_rows(tmp_path):
    job = job_on(ROWS, tmp_path)
    numbers = tuple(replace(job.transform.numbers[0], name=f"n{place}") for place in range(2000))
    wide = replace(job, transform=replace(job.transform, numbers=numbers))

    assert job.block_rows == 131_072
    assert 10_000 < wide.block_rows < 20_000


def test_a_network_reads_series_and_finds_what_only_their_order_tells(tmp_path):
    job = series_job_on(series_of(2000), tmp_path, epochs=10, learning_rate=0.02, batch_size=64)

    fitted = fit_network(LocalBackend(), job, 1)

    assert fitted.history[-1]["validation_auc"] > 0.85
    assert [entry["rows"] for entry in fitted.history] == [1500] * len(fitted.history)


def test_a_network_reads_graphs_and_finds_what_only_their_edges_tell(tmp_path):
    job = graph_job_on(graphs_of(1000), tmp_path, epochs=10, learning_rate=0.02, batch_size=64)

    fitted = fit_network(LocalBackend(), job, 1)

    assert fitted.history[-1]["validation_auc"] > 0.95
    assert [entry["rows"] for entry in fitted.history] == [750] * len(fitted.history)
