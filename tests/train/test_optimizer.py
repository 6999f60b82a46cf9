from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from lepton_spark.config.train import TrainSettings

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def optimizer():
    return import_module("lepton_spark.train.optimizer")  # TensorFlow loads only where it is run


def rates(optimizer, steps, *, an_epoch=10, rows=1024, **train):
    rate = optimizer.rate_of(TrainSettings(**train), optimizer.Steps(an_epoch, rows))
    return [float(rate(np.int64(step))) for step in steps]


def test_the_rate_falls_along_half_a_cosine(optimizer):
    found = rates(optimizer, [0, 50, 100], epochs=10, learning_rate=0.4)

    assert found == pytest.approx([0.4, 0.2, 0.0], abs=1e-7)


def test_the_rate_falls_in_steps(optimizer):
    found = rates(
        optimizer,
        [0, 29, 30, 60],
        schedule="step",
        step_epochs=3,
        step_factor=0.5,
        learning_rate=0.4,
    )

    assert found == pytest.approx([0.4, 0.4, 0.2, 0.1])


def test_a_constant_rate_stays(optimizer):
    found = rates(optimizer, [0, 999_999], schedule="constant", learning_rate=0.4)

    assert found == pytest.approx([0.4, 0.4])


def test_a_warm_up_grows_to_the_first_rate_of_the_schedule(optimizer):
    found = rates(
        optimizer, [0, 9, 19, 20, 60, 100], warm_up_epochs=2, epochs=10, learning_rate=0.4
    )

    assert found == pytest.approx([0.02, 0.2, 0.4, 0.4, 0.2, 0.0], abs=1e-7)


@pytest.mark.parametrize(("meant_for", "rate"), [(None, 0.4), (1024, 0.4), (256, 1.6), (4096, 0.1)])
def test_the_rate_is_in_proportion_to_the_rows_of_a_step(optimizer, meant_for, rate):
    (found,) = rates(
        optimizer, [5], schedule="constant", learning_rate=0.4, learning_rate_rows=meant_for
    )

    assert found == pytest.approx(rate)


@pytest.mark.parametrize("kind", ["adamw", "sgd", "lamb"])
def test_decay_pulls_kernels_and_leaves_biases(optimizer, kind):
    from lepton_spark.models.lean import keras

    layer = keras.layers.Dense(1, bias_initializer="ones", kernel_initializer="ones")
    layer.build((None, 1))
    settings = TrainSettings(
        optimizer=kind, learning_rate=0.5, schedule="constant", weight_decay=0.1
    )
    made = optimizer.make_optimizer(settings, optimizer.Steps(10, 1))
    made.build(layer.trainable_variables)

    made.apply([np.zeros((1, 1), np.float32), np.zeros(1, np.float32)])

    kernel, bias = (float(np.ravel(weight.numpy())[0]) for weight in layer.trainable_variables)
    assert (kernel, bias) == (pytest.approx(1 - 0.5 * 0.1), 1.0)


def test_a_gradient_longer_than_the_limit_is_shortened_over_all_weights(optimizer):
    from lepton_spark.models.lean import keras

    layer = keras.layers.Dense(1, bias_initializer="zeros", kernel_initializer="zeros")
    layer.build((None, 1))
    settings = TrainSettings(
        optimizer="sgd",
        momentum=0,
        learning_rate=1,
        schedule="constant",
        weight_decay=0,
        clip_norm=0.5,
    )
    made = optimizer.make_optimizer(settings, optimizer.Steps(10, 1))
    made.build(layer.trainable_variables)

    made.apply([np.full((1, 1), 3.0, np.float32), np.full(1, 4.0, np.float32)])

    moved = [float(np.ravel(weight.numpy())[0]) for weight in layer.trainable_variables]
    assert moved == pytest.approx([-0.3, -0.4])
