"""Settings of the evaluate and register stages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lepton_spark.config.model import ColumnName, Settings
from lepton_spark.config.train import Baseline


class EvaluateSettings(Settings):
    """How a model is judged."""

    slices: tuple[ColumnName, ...] = Field((), description="Feature columns, or `month`.")
    resamples: int = Field(400, ge=50, le=10_000, description="Bootstrap samples of days.")
    seed: int = Field(7, ge=0, lt=2**31, description="Of the bootstrap.")


class GateSettings(Settings):
    """What a model must reach before it may score."""

    metric: Literal["auc", "pr_auc"] = Field("auc", description="What is compared.")
    at_least: float = Field(gt=0, lt=1, description="Floor of the metric on test rows.")
    better_than: Baseline = Field(
        "majority", description="Baseline to beat by the lower end of a paired 95 % interval."
    )
    suspicious_above: float = Field(
        0.99, gt=0, le=1, description="A better score is refused as a leak."
    )
