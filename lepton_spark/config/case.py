"""The case: what is landed, promised, computed, predicted and demanded."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lepton_spark.config.evaluate import EvaluateSettings, GateSettings
from lepton_spark.config.model import (
    Clock,
    ColumnName,
    Identifier,
    Settings,
    SqlExpression,
    Window,
    ZoneName,
)
from lepton_spark.config.source import Source
from lepton_spark.config.train import ModelSettings, TrainSettings, TransformSettings


class Moment(Settings):
    """The time of day, on the predicted day, after which nothing may be used."""

    time: Clock
    zone: ZoneName


class Label(Settings):
    """What is predicted: true, false, or not (yet) known."""

    name: ColumnName
    source: Identifier = Field(alias="from", description="Source that holds the outcome.")
    is_: SqlExpression = Field(alias="is", description="True for the class to predict.")
    only_if: SqlExpression | None = Field(
        None, description="Rows where this is not true have no label."
    )


class Split(Settings):
    """Train, validate, test: by day, or by a hash of the key where time plays no part."""

    validate_from: date | None = Field(None, description="First day of validation.")
    test_from: date | None = Field(None, description="First day of test.")
    validate_share: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    test_share: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    seed: int = 7

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        days = (self.validate_from, self.test_from)
        shares = (self.validate_share, self.test_share)
        if None not in days and shares == (None, None):
            if self.validate_from >= self.test_from:  # type: ignore[operator]  # checked above
                raise ValueError("validate_from must be before test_from")
            return self
        if None not in shares and days == (None, None):
            return self
        raise ValueError(
            "give validate_from and test_from, or validate_share and test_share, not a mix"
        )


class Predict(Settings):
    """Each row of one source, on its day, at one moment of that day."""

    each: Identifier = Field(description="Source whose rows are predicted.")
    day: ColumnName = Field(description="Date column: the day that a row belongs to.")
    at: Moment
    label: Label
    split: Split


class Latest(Settings):
    """The last row known at the moment, by key."""

    on: tuple[ColumnName, ...] = Field(min_length=1, description="Columns that both sources have.")
    take: tuple[ColumnName, ...] = Field(min_length=1)
    within: Window = Field(description="Older rows count as missing.")


class Measure(Settings):
    """One number over the rows of a window; nulls are left out."""

    count: Literal["*"] | SqlExpression | None = Field(None, description="* or: not null.")
    sum: SqlExpression | None = None
    mean: SqlExpression | None = None
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
    over: tuple[Window, ...] = Field(min_length=1)
    measures: dict[ColumnName, Measure] = Field(min_length=1)


class Features(Settings):
    """Values known at the moment. What must be fitted is fitted later, on training rows."""

    own: tuple[ColumnName, ...] = Field(description="Columns of the predicted source.")
    latest: dict[Identifier, Latest] = Field(default_factory=dict)
    history: dict[Identifier, History] = Field(default_factory=dict)
    as_category: tuple[ColumnName, ...] = Field(
        (), description="Numbers that name things, such as an hour; text always does."
    )


class Case(Settings):
    """Everything that is particular to one prediction."""

    version: Literal[1] = Field(description="Form of this file.")
    case: Identifier
    description: str = ""
    sources: dict[Identifier, Source] = Field(min_length=1)
    predict: Predict
    features: Features
    transform: TransformSettings = Field(default_factory=TransformSettings)
    model: ModelSettings = Field(default_factory=ModelSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)
    evaluate: EvaluateSettings = Field(default_factory=EvaluateSettings)
    gate: GateSettings
