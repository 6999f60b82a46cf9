"""Settings of the features: what is taken as it is, looked up, and summed over windows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from lepton_spark.config.model import ColumnName, Identifier, Settings, SqlExpression, Window


class Latest(Settings):
    """The last row known at the moment, by key."""

    on: tuple[ColumnName, ...] = Field(min_length=1, description="Columns that both sources have.")
    take: tuple[ColumnName, ...] = Field(min_length=1, description="Columns that become features.")
    within: Window = Field(description="Older rows count as missing.")


class Measure(Settings):
    """One number over the rows of a window; nulls are left out."""

    count: Literal["*"] | SqlExpression | None = Field(None, description="* or: not null.")
    sum: SqlExpression | None = Field(None, description="Sum of a number.")
    mean: SqlExpression | None = Field(None, description="Mean of a number.")
    share: SqlExpression | None = Field(None, description="Mean of a condition.")

    @model_validator(mode="after")
    def _one_kind(self) -> Measure:
        if len(self.model_fields_set) != 1:
            raise ValueError("give exactly one of count, sum, mean, share")
        return self

    @property
    def kind(self) -> str:
        """Which of the kinds is set."""
        return next(iter(self.model_fields_set))

    @property
    def expression(self) -> str:
        """The SQL expression under the kind."""
        return str(getattr(self, self.kind))


class History(Settings):
    """Windows over what was known before the moment, by one or more sets of columns."""

    by: tuple[tuple[ColumnName, ...], ...] = Field(
        min_length=1, description="Sets of columns that both sources have; [] is all rows."
    )
    over: tuple[Window, ...] = Field(
        min_length=1, description="Windows that end at the moment, such as 24 hours or 7 days."
    )
    measures: dict[ColumnName, Measure] = Field(
        min_length=1, description="Name of a measure: what is computed in each window."
    )


class Features(Settings):
    """Values known at the moment. What must be fitted is fitted later, on training rows."""

    own: tuple[ColumnName, ...] = Field(description="Columns of the predicted source.")
    latest: dict[Identifier, Latest] = Field(
        default_factory=dict, description="Source: its last row known at the moment."
    )
    history: dict[Identifier, History] = Field(
        default_factory=dict, description="Source: windows over its rows known at the moment."
    )
    as_category: tuple[ColumnName, ...] = Field(
        (), description="Numbers that name things, such as an hour; text always does."
    )
