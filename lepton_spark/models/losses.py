"""Losses of what a network says and a label, one value a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.models.lean import tf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lepton_spark.config.loss import LossSettings
    from lepton_spark.models.output import Output

    RowLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class Loss:
    """What one row adds to the sum that training makes small.

    Args:
        settings: Which loss.
        output: What the network's numbers mean.
        class_rows: Training rows of each class, by which balanced classes are weighed.
    """

    def __init__(
        self, settings: LossSettings, output: Output, class_rows: Sequence[int] = ()
    ) -> None:
        self._settings = settings
        self._output = output
        # Chosen here: a graph is made of functions without a match in them.
        self._losses = self._chosen(settings.kind, output.task.kind)
        self._weights: tf.Tensor | None = None
        if settings.class_weights == "balanced" and class_rows:
            # Their mean over the training rows is 1, so that a rate means the same as without.
            mean = sum(class_rows) / len(class_rows)
            self._weights = tf.constant([mean / rows for rows in class_rows], tf.float32)

    def of_rows(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Loss of each row, float32 `[rows]`.

        Args:
            labels: 0 or 1, the number of a class, or an amount; float32 `[rows]`.
            outputs: Of the network, float32 `[rows, width]`.
        """
        losses = self._losses(labels, outputs)
        if self._weights is None:
            return losses
        return losses * tf.gather(self._weights, tf.cast(labels, tf.int32))

    def _chosen(self, kind: str, task: str) -> RowLoss:
        if task == "classes":
            return self._focal_classes if kind == "focal" else _cross_entropy_classes
        losses: dict[str, RowLoss] = {
            "cross_entropy": _cross_entropy,
            "focal": self._focal,
            "asymmetric": self._asymmetric,
            "squared": self._squared,
            "huber": self._huber,
            "quantile": self._quantile,
            "tweedie": self._tweedie,
        }
        return losses[kind]

    def _focal(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return self._focused(labels, outputs[:, 0], self._settings.gamma, 0.0)

    def _asymmetric(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        settings = self._settings
        return self._focused(labels, outputs[:, 0], settings.gamma_negative, settings.margin)

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

    def _focal_classes(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Cross entropy times a power of the share that the right class does not have."""
        losses = _cross_entropy_classes(labels, outputs)
        return losses * _power(1.0 - tf.exp(-losses), self._settings.gamma)

    def _errors(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Label less output, in standard deviations of the label, `[rows, width]`."""
        return ((labels - self._output.center) / self._output.scale)[:, tf.newaxis] - outputs

    def _squared(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        return 0.5 * tf.square(self._errors(labels, outputs)[:, 0])

    def _huber(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Source: Huber, Robust Estimation of a Location Parameter, 1964."""
        size = tf.abs(self._errors(labels, outputs)[:, 0])
        delta = self._settings.delta
        inside = tf.minimum(size, delta)
        return 0.5 * tf.square(inside) + delta * (size - inside)

    def _quantile(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Mean over the quantiles; source: Koenker and Bassett, Regression Quantiles, 1978."""
        errors = self._errors(labels, outputs)
        quantiles = tf.constant(self._output.task.quantiles, tf.float32)
        return tf.reduce_mean(tf.maximum(quantiles * errors, (quantiles - 1.0) * errors), axis=1)

    def _tweedie(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Negative logarithm of the likelihood, less what no weight changes.

        Source: Jorgensen, The Theory of Dispersion Models, 1997; the mean is an exponent.
        """
        power, exponent = self._settings.power, outputs[:, 0]
        amounts = labels / self._output.center
        return tf.exp((2.0 - power) * exponent) / (2.0 - power) - amounts * tf.exp(
            (1.0 - power) * exponent
        ) / (1.0 - power)


def _cross_entropy(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=outputs[:, 0])


def _cross_entropy_classes(labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(labels, tf.int32), logits=outputs
    )


def _power(values: tf.Tensor, exponent: float) -> tf.Tensor:
    """A power whose slope at 0 is a number; that of a root has none there."""
    return tf.maximum(values, 1e-8) ** exponent
