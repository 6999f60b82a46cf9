from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from lepton_spark.config.loss import LossSettings
from lepton_spark.config.task import Task
from lepton_spark.models.output import Output

pytestmark = pytest.mark.tensorflow
LABELS = np.array([1, 0, 1, 0, 1, 0], np.float32)
LOGITS = np.array([2.0, -1.0, -0.5, 3.0, -60.0, -60.0], np.float32)


@pytest.fixture(scope="module")
def losses():
    return import_module("lepton_spark.models.losses")  # TensorFlow loads only where it is run


def of_rows(losses, *, rows=(3, 3), **settings):
    loss = losses.Loss(LossSettings(**settings), Output(), rows)
    return np.asarray(loss.of_rows(LABELS, LOGITS[:, None]))


def test_cross_entropy_is_that_of_the_score(losses):
    score = 1 / (1 + np.exp(-LOGITS[:4].astype(float)))
    expected = -np.log(np.where(LABELS[:4] > 0, score, 1 - score))

    assert of_rows(losses)[:4] == pytest.approx(expected, rel=1e-5)


def test_focal_is_that_of_keras(losses):
    from lepton_spark.models.lean import keras

    expected = keras.losses.binary_focal_crossentropy(
        LABELS[:4, None], LOGITS[:4, None], gamma=3.0, from_logits=True
    )

    assert of_rows(losses, kind="focal", gamma=3.0)[:4] == pytest.approx(
        np.asarray(expected), rel=1e-4
    )


def test_asymmetric_counts_nothing_of_a_negative_below_the_margin(losses):
    found = of_rows(losses, kind="asymmetric", gamma=1.0, gamma_negative=2.0, margin=0.3)

    score = 1 / (1 + np.exp(-LOGITS.astype(float)))
    shifted = np.maximum(score - 0.3, 0)
    positive, negative = -(1 - score) * np.log(score), -(shifted**2) * np.log(1 - shifted)
    assert found == pytest.approx(np.where(LABELS > 0, positive, negative), rel=1e-4, abs=1e-12)
    assert found[1] == found[5] == 0


@pytest.mark.parametrize("kind", ["focal", "asymmetric"])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_every_logit_has_a_finite_slope(losses, kind, gamma):
    from lepton_spark.models.lean import tf

    loss = losses.Loss(LossSettings(kind=kind, gamma=gamma, gamma_negative=gamma), Output())
    logits = tf.constant(np.linspace(-200, 200, 401), tf.float32)

    for label in (0.0, 1.0):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            total = tf.reduce_sum(loss.of_rows(tf.fill(logits.shape, label), logits[:, None]))
        assert np.isfinite(np.asarray(tape.gradient(total, logits))).all()


def test_a_very_wrong_row_keeps_its_slope(losses):
    found = of_rows(losses, kind="focal", gamma=2.0)

    assert found[4] == pytest.approx(60, rel=1e-5)


def test_balanced_classes_weigh_alike_by_their_share_of_the_training_rows(losses):
    equal, balanced = of_rows(losses), of_rows(losses, rows=(80, 20), class_weights="balanced")

    assert balanced / equal == pytest.approx(np.where(LABELS > 0, 2.5, 0.625), rel=1e-5)


CLASSES = Output(Task("classes", ("ant", "bee", "cat")))
QUANTILES = Output(Task("amount", ("q10", "q50", "q90"), (0.1, 0.5, 0.9)), 20.0, 4.0)
AMOUNTS = np.array([20.0, 28.0, 0.0, 16.0], np.float32)
RAW = np.array([[0.0, 0.5, 1.0], [1.0, 2.0, 3.0], [-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]], np.float32)


def test_cross_entropy_of_classes_is_that_of_keras(losses):
    from lepton_spark.models.lean import keras

    labels = np.array([0, 2, 1, 1], np.float32)
    expected = keras.losses.sparse_categorical_crossentropy(labels, RAW, from_logits=True)

    loss = losses.Loss(LossSettings(), CLASSES)
    assert np.asarray(loss.of_rows(labels, RAW)) == pytest.approx(np.asarray(expected), rel=1e-5)


def test_focal_of_two_classes_is_that_of_positives(losses):
    two = Output(Task("classes", ("no", "yes")))
    settings = LossSettings(kind="focal", gamma=3.0)
    logits = np.stack([np.zeros(4), LOGITS[:4]], axis=1).astype(np.float32)

    found = losses.Loss(settings, two).of_rows(LABELS[:4], logits)

    assert np.asarray(found) == pytest.approx(
        of_rows(losses, kind="focal", gamma=3.0)[:4], rel=1e-4
    )


def test_balanced_classes_weigh_by_their_rows(losses):
    labels = np.array([0, 1, 2], np.float32)
    equal, balanced = (
        np.asarray(losses.Loss(LossSettings(class_weights=how), CLASSES, (60, 30, 10)).of_rows(
            labels, RAW[:3]
        ))
        for how in ("equal", "balanced")
    )  # fmt: skip

    assert balanced / equal == pytest.approx([100 / 180, 100 / 90, 100 / 30], rel=1e-5)


def test_quantile_loss_is_that_of_scikit_learn_in_standard_deviations(losses):
    from sklearn.metrics import mean_pinball_loss

    found = losses.Loss(LossSettings(kind="quantile"), QUANTILES).of_rows(AMOUNTS, RAW)

    expected = [
        np.mean(
            [
                mean_pinball_loss([label], [said], alpha=quantile)
                for said, quantile in zip(raw, (0.1, 0.5, 0.9), strict=True)
            ]
        )
        for label, raw in zip((AMOUNTS - 20) / 4, RAW, strict=True)
    ]
    assert np.asarray(found) == pytest.approx(expected, rel=1e-5)


def test_squared_and_huber_agree_on_small_errors_and_huber_grows_evenly(losses):
    one = Output(Task("amount", ("expected",)), 20.0, 4.0)
    raw = np.array([[0.5], [0.0], [0.0], [0.0]], np.float32)

    squared, huber = (
        np.asarray(losses.Loss(LossSettings(kind=kind), one).of_rows(AMOUNTS, raw))
        for kind in ("squared", "huber")
    )

    assert squared == pytest.approx([0.125, 2.0, 12.5, 0.5])
    assert huber == pytest.approx([0.125, 1.5, 4.5, 0.5])


def test_tweedie_loss_differs_from_half_its_deviance_by_what_no_output_changes(losses):
    from sklearn.metrics import mean_tweedie_deviance

    one = Output(Task("amount", ("expected",), (), 1.5), 20.0, 4.0)
    labels, raw = np.array([0.0, 10, 40], np.float32), np.array([[0.3], [-0.2], [1.0]], np.float32)
    loss = losses.Loss(LossSettings(kind="tweedie"), one)

    found = np.asarray(loss.of_rows(labels, raw)) - np.asarray(loss.of_rows(labels, raw * 0))

    def deviance(mean):
        return np.array(
            [mean_tweedie_deviance([y], [m], power=1.5) for y, m in zip(labels, mean, strict=True)]
        )

    means = 20 * np.exp(raw[:, 0].astype(float))
    expected = (deviance(means) - deviance(np.full(3, 20.0))) / 2 / 20**0.5
    assert found == pytest.approx(expected, rel=1e-4)
