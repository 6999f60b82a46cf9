from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pytest

from lepton_spark.errors import TrainingError
from lepton_spark.models.predictor import load_predictor
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.network import fit_network
from tests.train.planted import job_on, rows_of

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
        replace(job_on(ROWS, tmp_path / str(size)), block_rows=size, is_shuffled=False)
        for size in (128, 1024, 1 << 20)
    ]

    assert len({fit_network(LocalBackend(), job, 1).weights_digest for job in jobs}) == 1


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

    rows = rows_of(400).filter(pc.field("_split") == "validate")
    scores, labels = predictor.predict(job.transform.apply(rows)), rows["_label"].to_numpy()
    loss = -np.mean(np.log(np.where(labels > 0, scores, 1 - scores)))

    assert loss == pytest.approx(min(entry["validation_loss"] for entry in fitted.history), 1e-5)


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_loss_that_is_not_finite_stops_before_the_update(tmp_path):
    job = job_on(ROWS, tmp_path, learning_rate=10.0, epochs=3)
    spoiled = replace(job.transform.numbers[0], scale=1e-38)
    numbers = (spoiled, *job.transform.numbers[1:])
    job = replace(job, transform=replace(job.transform, numbers=numbers))

    with pytest.raises(TrainingError, match=r"LS-6013.*at step 0 of epoch 1, on rank 0"):
        fit_network(LocalBackend(), job, 1)
    assert not (tmp_path / "checkpoint").exists()
