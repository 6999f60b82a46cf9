"""What training makes small, and how much each class counts in it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lepton_spark.config.model import Settings


class LossSettings(Settings):
    """A loss of a logit and a label of 0 or 1."""

    kind: Literal["cross_entropy", "focal", "asymmetric"] = Field(
        "cross_entropy",
        description="Only cross_entropy gives scores that are shares; focal and asymmetric count "
        "what is scored rightly already less.",
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
        description="balanced: both classes of the training rows count alike, whatever their "
        "number; scores are then no shares.",
    )
