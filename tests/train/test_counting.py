from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.config.task import Task
from lepton_spark.models.output import Output
from lepton_spark.train.bundle import to_json
from lepton_spark.train.local import LocalBackend
from lepton_spark.train.measured import training_metrics
from lepton_spark.train.network import fit_network
from tests.train.planted import job_on, rows_of, write_part

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def counting():
    return import_module("lepton_spark.train.counting")  # TensorFlow loads only where it is run


def test_bins_count_each_row_by_its_logit_and_label(counting):
    logits = np.array([-99.0, -16.0, 0.0, 0.0, 15.999, 99.0, np.nan], np.float32)
    labels = np.array([0, 0, 1, 0, 1, 1, 0], np.float32)
    weight = np.array([1, 1, 1, 0, 1, 1, 1], np.float32)

    found = counting._bins(logits[:, np.newaxis], labels, weight).numpy()

    expected = np.zeros(2 * counting.BINS, np.float32)
    expected[[counting.BINS // 2, counting.BINS - 1]] = 1, 2  # positives
    expected[counting.BINS] = 3  # negatives, at the low end, where one that is no number counts too
    np.testing.assert_array_equal(found, expected, strict=True)


def test_nothing_is_counted_in_a_way_that_a_gpu_cannot_repeat(counting):
    """TensorFlow refuses these on a GPU while its operations must be deterministic."""
    one, column = counting.tf.TensorSpec([None]), counting.tf.TensorSpec([None, 1])

    traced = counting.tf.function(counting._bins).get_concrete_function(column, one, one)

    used = {operation.type for operation in traced.graph.get_operations()}
    assert not used & {"Bincount", "DenseBincount", "ScatterNd", "TensorScatterAdd"}


def one_class(rows):
    """The same rows, but in the validation part not one is positive."""
    is_judged = np.array(rows["_split"]) == "validate"
    labels = np.where(is_judged, 0.0, rows["_label"].to_numpy())
    return rows.set_column(rows.column_names.index("_label"), "_label", pa.array(labels))


def test_a_validation_part_of_one_class_has_no_auc_and_training_ends_well(tmp_path):
    rows = rows_of(400)
    job = job_on(rows, tmp_path, batch_size=64, epochs=2)
    alone = write_part(one_class(rows), tmp_path / "one", 400, "validate")

    fitted = fit_network(LocalBackend(), replace(job, validated=alone), 1)

    for entry in fitted.history:
        assert np.isfinite(entry["validation_loss"])
        assert "validation_auc" not in entry
    assert to_json(fitted.history)  # as a bundle writes it
    assert all(np.isfinite(each.value) for each in training_metrics(fitted.history))


def test_an_error_that_overflows_is_left_out_beside_a_loss_that_does_not(counting):
    """As of an amount whose mean is fitted as an exponent: its loss grows more slowly."""
    counts = counting.Counting(None, None, Output(Task("amount", ("expected",))))

    assert counts.read(np.array([6.0, 2.0, np.inf])) == {"loss": 3.0}
    assert counts.read(np.array([6.0, 2.0, 1.0])) == {"loss": 3.0, "mae": 0.5}
