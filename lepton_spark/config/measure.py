"""Settings of a measure: one value over rows that were known."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from lepton_spark.config.model import AnyWindow, HistoryWindow, Settings, SqlExpression


class Lag(Settings):
    """A value some rows back."""

    value: SqlExpression = Field(description="Number, text or condition.")
    rows: int = Field(1, ge=1, le=100, description="1 is the newest row that has a value.")


class Quantile(Settings):
    """A quantile by rank: one of the values."""

    value: SqlExpression = Field(description="A number.")
    at: float = Field(
        0.5, gt=0, lt=1, description="Share of the values that it reaches; 0.5 is the median."
    )


class Ratio(Settings):
    """The mean of the window over that of a longer one: 1 is as usual."""

    value: SqlExpression = Field(description="A number.")
    to: HistoryWindow = Field("all", description="The longer window; all is the key's own past.")


class Measure(Settings):
    """One value over the rows of a window; nulls are left out.

    The newest row is the last by the time that it declares, then by arrival, file and row. Numbers
    are taken to the nearest 2**-48 before they are summed, those of a deviation or slope to the
    nearest 2**-40: of far smaller ones nothing is left.
    """

    count: Literal["*"] | SqlExpression | None = Field(None, description="* or: not null.")
    sum: SqlExpression | None = Field(None, description="Sum of a number, in its unit.")
    mean: SqlExpression | None = Field(None, description="Mean of a number, in its unit.")
    share: SqlExpression | None = Field(None, description="Mean of a condition, 0 to 1.")
    deviation: SqlExpression | None = Field(
        None, description="Standard deviation of a number, of a sample, in its unit."
    )
    min: SqlExpression | None = Field(None, description="Smallest number, in its unit.")
    max: SqlExpression | None = Field(None, description="Largest number, in its unit.")
    quantile: Quantile | None = Field(None, description="Quantile of a number, in its unit.")
    first: SqlExpression | None = Field(None, description="Value of the oldest row with one.")
    last: SqlExpression | None = Field(None, description="Value of the newest row with one.")
    lag: Lag | None = Field(None, description="Value some rows back from the newest.")
    distinct: SqlExpression | None = Field(None, description="How many different values.")
    top: SqlExpression | None = Field(
        None, description="Most frequent category; of equals the first in order."
    )
    entropy: SqlExpression | None = Field(None, description="Entropy of a category, in bits.")
    slope: SqlExpression | None = Field(
        None, description="Least-squares slope of a number over time, in its unit a day."
    )
    time_since: SqlExpression | None = Field(
        None, description="Hours since the last row for which a condition holds."
    )
    ratio: Ratio | None = Field(None, description="Mean of a number over a longer mean.")

    @model_validator(mode="after")
    def _one_kind(self) -> Measure:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def kind(self) -> str:
        """Which of the kinds is set."""
        return next(iter(self.model_fields_set))

    @property
    def expression(self) -> str:
        """The SQL expression under the kind."""
        given = getattr(self, self.kind)
        return given.value if isinstance(given, Lag | Quantile | Ratio) else str(given)

    @property
    def place(self) -> tuple[str, ...]:
        """Keys below the measure that lead to the expression."""
        is_nested = isinstance(getattr(self, self.kind), Settings)
        return (self.kind, "value") if is_nested else (self.kind,)

    def is_over(self, window: AnyWindow) -> bool:
        """Whether it is measured over a window: a ratio is not over that which it compares with."""
        return self.ratio is None or self.ratio.to != window
