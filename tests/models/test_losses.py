from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from lepton_spark.config.loss import LossSettings

pytestmark = pytest.mark.tensorflow
LABELS = np.array([1, 0, 1, 0, 1, 0], np.float32)
LOGITS = np.array([2.0, -1.0, -0.5, 3.0, -60.0, -60.0], np.float32)


@pytest.fixture(scope="module")
def losses():
    return import_module("lepton_spark.models.losses")  # TensorFlow loads only where it is run


def of_rows(losses, *, share=0.5, **settings):
    loss = losses.Loss(LossSettings(**settings), share)
    return np.asarray(loss.of_rows(LABELS, LOGITS))


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

    loss = losses.Loss(LossSettings(kind=kind, gamma=gamma, gamma_negative=gamma), 0.5)
    logits = tf.constant(np.linspace(-200, 200, 401), tf.float32)

    for label in (0.0, 1.0):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            total = tf.reduce_sum(loss.of_rows(tf.fill(logits.shape, label), logits))
        assert np.isfinite(np.asarray(tape.gradient(total, logits))).all()


def test_a_very_wrong_row_keeps_its_slope(losses):
    found = of_rows(losses, kind="focal", gamma=2.0)

    assert found[4] == pytest.approx(60, rel=1e-5)


def test_balanced_classes_weigh_alike_by_their_share_of_the_training_rows(losses):
    equal, balanced = of_rows(losses), of_rows(losses, share=0.2, class_weights="balanced")

    assert balanced / equal == pytest.approx(np.where(LABELS > 0, 2.5, 0.625), rel=1e-5)
