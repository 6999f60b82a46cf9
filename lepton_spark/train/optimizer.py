"""The optimizer of a job: Keras' own, with a rate that follows a schedule after a warm-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lepton_spark.models.lean import keras, tf

if TYPE_CHECKING:
    from lepton_spark.config.train import TrainSettings

WITHOUT_DECAY = ("bias", "gamma", "beta", "embeddings")


@dataclass(frozen=True)
class Steps:
    """How often weights are moved, and on how many rows.

    Args:
        an_epoch: Steps of an epoch.
        rows: Of one step, of all workers together, over which an epoch's are spread evenly.
    """

    an_epoch: int
    rows: int


def make_optimizer(settings: TrainSettings, steps: Steps) -> keras.optimizers.Optimizer:
    """An optimizer that is not built yet; equal settings and steps move weights alike."""
    shared: dict[str, Any] = {
        # Else Keras numbers it, and a second training of a process could not read the state of the
        # first: states are kept by the names of variables.
        "name": settings.optimizer,
        "learning_rate": rate_of(settings, steps),
        "weight_decay": settings.weight_decay,
        "global_clipnorm": settings.clip_norm,
        "use_ema": settings.weight_average is not None,
        "ema_momentum": settings.weight_average or 0.99,
    }
    match settings.optimizer:
        case "adamw":
            optimizer = keras.optimizers.AdamW(**shared)
        case "lamb":
            optimizer = keras.optimizers.Lamb(**shared)
        case "sgd":
            is_moving = settings.momentum > 0
            optimizer = keras.optimizers.SGD(
                momentum=settings.momentum, nesterov=is_moving, **shared
            )
    optimizer.exclude_from_weight_decay(var_names=list(WITHOUT_DECAY))
    return optimizer


def rate_of(
    settings: TrainSettings, steps: Steps
) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate of each step.

    Source: Goyal and others, Accurate, Large Minibatch SGD, 2017: the rate in proportion to the
    rows of a step, and grown slowly in the first epochs.
    """
    rate = settings.learning_rate * steps.rows / (settings.learning_rate_rows or steps.rows)
    warm_up = round(settings.warm_up_epochs * steps.an_epoch)
    after = max(1, settings.epochs * steps.an_epoch - warm_up)
    schedules = keras.optimizers.schedules
    match settings.schedule:
        case "cosine":
            schedule = schedules.CosineDecay(rate, after)
        case "step":
            length = max(1, round(settings.step_epochs * steps.an_epoch))
            schedule = schedules.ExponentialDecay(
                rate, length, settings.step_factor, staircase=True
            )
        case "constant":
            schedule = schedules.ExponentialDecay(rate, 1, 1.0)
    return WarmUp(schedule, warm_up) if warm_up else schedule


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Keras has no types
    """A rate that grows evenly over some steps to the first one of a schedule, then follows it."""

    def __init__(
        self, schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int
    ) -> None:
        self._schedule = schedule
        self._steps = steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of a step; the first is that of no warm-up over `steps`."""
        done = tf.cast(step, tf.float32) + 1.0
        later = self._schedule(tf.maximum(tf.cast(step, tf.float32) - self._steps, 0.0))
        return later * tf.minimum(done / self._steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        """What made it."""
        return {"schedule": self._schedule, "steps": self._steps}
