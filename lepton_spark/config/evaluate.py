"""Settings of the evaluate and register stages."""

from __future__ import annotations

from pydantic import Field, model_validator

from lepton_spark.config.model import ColumnName, Settings
from lepton_spark.config.task import ERRORS, Baseline, Metric


class EvaluateSettings(Settings):
    """How a model is judged."""

    slices: tuple[ColumnName, ...] = Field((), description="Feature columns, or `month`.")
    resamples: int = Field(400, ge=50, le=10_000, description="Bootstrap samples of days.")
    seed: int = Field(7, ge=0, lt=2**31, description="Of the bootstrap.")


class GateSettings(Settings):
    """What a model must reach before it may score."""

    metric: Metric = Field(
        "auc",
        description="What is compared: auc or pr_auc where something is so or not; accuracy, "
        "macro_f1 or log_loss of classes; rmse, mae, r2 or pinball of an amount.",
    )
    at_least: float | None = Field(
        None, gt=0, lt=1, description="Floor of the metric on test rows."
    )
    at_most: float | None = Field(
        None, gt=0, description="Of log_loss, rmse, mae and pinball: the largest on test rows."
    )
    better_than: Baseline = Field(
        "majority", description="Baseline to beat by the lower end of a paired 95 % interval."
    )
    suspicious_above: float = Field(
        0.99, gt=0, le=1, description="A better score is refused as a leak."
    )
    suspicious_below: float | None = Field(
        None,
        ge=0,
        description="An error that is not above this is refused as a leak; where it is not given, "
        "one that is not above a tenth (log_loss: a fiftieth) of that of mean or majority, which "
        "say the same of each row.",
    )

    @model_validator(mode="after")
    def _one_bound(self) -> GateSettings:
        wanted, other = ("at_most", "at_least") if self.is_error else ("at_least", "at_most")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"give {wanted}, not {other}, for {self.metric}")
        return self

    @property
    def is_error(self) -> bool:
        """Whether less of the metric is better."""
        return self.metric in ERRORS

    @property
    def yardstick(self) -> Baseline | None:
        """The baseline by whose error others are too good; None where the case says how good."""
        if not self.is_error or self.suspicious_below is not None:
            return None
        return "majority" if self.metric == "log_loss" else "mean"

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which values a model passes."""
        if self.at_most is not None:
            return self.suspicious_below or 0.0, self.at_most
        return self.at_least or 0.0, self.suspicious_above
