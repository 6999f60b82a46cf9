"""Dropout sets the share that was asked for to 0, in training only, as its seed says."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def make():
    return import_module("lepton_spark.models.dropout").Dropout  # TensorFlow loads only here


def test_in_training_a_share_is_0_and_the_mean_stays(make):
    left = make(0.2, seed=3)(np.ones((1000, 100), np.float32), training=True).numpy()

    assert set(np.unique(left)) == {np.float32(0), np.float32(1.25)}
    assert np.mean(left == 0) == pytest.approx(0.2, abs=0.005)
    # Neither a row nor a column is left out as a whole.
    assert np.abs((left == 0).mean(axis=0) - 0.2).max() < 0.06
    assert np.abs((left == 0).mean(axis=1) - 0.2).max() < 0.2


def test_each_call_draws_anew_and_a_seed_draws_the_same(make):
    given = np.ones((10, 10), np.float32)
    first, again = make(0.5, seed=3), make(0.5, seed=3)

    calls = [first(given, training=True).numpy() for _ in range(2)]

    assert not np.array_equal(*calls)
    np.testing.assert_array_equal(again(given, training=True), calls[0])


def test_it_draws_what_that_of_keras_draws(make):
    from lepton_spark.models.lean import keras

    given = np.random.default_rng(1).standard_normal((50, 7)).astype(np.float32)
    expected = keras.layers.Dropout(0.3, seed=5)(given, training=True)

    np.testing.assert_allclose(make(0.3, seed=5)(given, training=True), expected, rtol=1e-6)


def test_without_training_nothing_changes(make):
    given = np.ones((3, 4), np.float32)

    np.testing.assert_array_equal(make(0.5, seed=3)(given), given)
    np.testing.assert_array_equal(make(0.0, seed=3)(given, training=True), given)
