"""What training makes small, and how much each class counts in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lepton_spark.config.model import Settings
from lepton_spark.config.task import MEDIAN, LossKind


class LossSettings(Settings):
    """A loss of what the network says and the label."""

    kind: LossKind = Field(
        "cross_entropy",
        description="Of classes: only cross_entropy gives scores that are shares; focal and, of "
        "two classes, asymmetric count what is scored rightly already less. Of an amount: squared "
        "(the default) and huber, which heeds outliers less, fit its mean, quantile fits "
        "quantiles, tweedie the mean of an amount that is often 0 and never less.",
    )
    quantiles: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.1, 0.5, 0.9),
        min_length=1,
        max_length=99,
        description="Of quantile: rising, 0.5 among them, which is the score.",
    )
    power: float = Field(
        1.5, gt=1, lt=2, description="Of tweedie: the variance grows as the mean to this power."
    )
    delta: float = Field(
        1.0, gt=0, description="Of huber: standard deviations from which on an error counts once."
    )
    gamma: float = Field(
        2.0, ge=0, le=10, description="Of focal and of the positives of asymmetric: how much less."
    )
    gamma_negative: float = Field(
        4.0, ge=0, le=10, description="Of asymmetric: the same for the negatives."
    )
    margin: float = Field(
        0.05, ge=0, lt=1, description="Of asymmetric: score below which a negative counts nothing."
    )
    class_weights: Literal["equal", "balanced"] = Field(
        "equal",
        description="balanced: all classes of the training rows count alike, whatever their "
        "number; scores are then no shares.",
    )

    @model_validator(mode="after")
    def _rising(self) -> LossSettings:
        if list(self.quantiles) != sorted({*self.quantiles}) or MEDIAN not in self.quantiles:
            raise ValueError("quantiles rise, and 0.5 is among them")
        return self
