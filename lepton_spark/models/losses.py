"""Losses of a logit and a label of 0 or 1, one value a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.models.lean import tf

if TYPE_CHECKING:
    from collections.abc import Callable

    from lepton_spark.config.loss import LossSettings


class Loss:
    """What one row adds to the sum that training makes small.

    Args:
        settings: Which loss.
        positive_share: Of the training rows; what balanced classes are weighed by.
    """

    def __init__(self, settings: LossSettings, positive_share: float) -> None:
        self._settings = settings
        # Chosen here: a graph is made of functions without a match in them.
        self._losses: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] = {
            "cross_entropy": self._cross_entropy,
            "focal": self._focal,
            "asymmetric": self._asymmetric,
        }[settings.kind]
        self._weights = (1.0, 1.0)
        if settings.class_weights == "balanced":
            # Their mean over the training rows is 1, so that a rate means the same as without.
            self._weights = (0.5 / positive_share, 0.5 / (1.0 - positive_share))

    def of_rows(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """Loss of each row, float32 `[rows]`.

        Args:
            labels: 0 or 1, float32 `[rows]`.
            logits: float32 `[rows]`.
        """
        losses = self._losses(labels, logits)
        positive, negative = self._weights
        if positive == negative:
            return losses
        return losses * (labels * positive + (1.0 - labels) * negative)

    def _cross_entropy(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def _focal(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return self._focused(labels, logits, self._settings.gamma, 0.0)

    def _asymmetric(self, labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        settings = self._settings
        return self._focused(labels, logits, settings.gamma_negative, settings.margin)

    def _focused(
        self, labels: tf.Tensor, logits: tf.Tensor, gamma_negative: float, margin: float
    ) -> tf.Tensor:
        """Cross entropy times a power of how wrong the score is.

        Sources: Lin and others, Focal Loss for Dense Object Detection, 2017; with a margin Ridnik
        and others, Asymmetric Loss for Multi-Label Classification, 2021. Keras' focal loss takes
        the logarithm of a clipped score, which gives a row that is very wrong no slope.
        """
        score = tf.sigmoid(logits)
        hard = tf.maximum(score - margin, 0.0)
        of_negative = -tf.math.log1p(-hard) if margin else tf.math.softplus(logits)
        positive = -tf.math.log_sigmoid(logits) * _power(1.0 - score, self._settings.gamma)
        negative = of_negative * _power(hard, gamma_negative)
        return labels * positive + (1.0 - labels) * negative


def _power(values: tf.Tensor, exponent: float) -> tf.Tensor:
    """A power whose slope at 0 is a number; that of a root has none there."""
    return tf.maximum(values, 1e-8) ** exponent
