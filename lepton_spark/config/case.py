"""The case: what is landed, promised, computed, predicted and demanded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from lepton_spark.config.entity import Entity, id_of
from lepton_spark.config.evaluate import EvaluateSettings, GateSettings
from lepton_spark.config.features import Features
from lepton_spark.config.model import (
    Clock,
    ColumnName,
    Identifier,
    Settings,
    SqlExpression,
    ZoneName,
)
from lepton_spark.config.score import ScoreSettings
from lepton_spark.config.search import SearchSettings
from lepton_spark.config.source import Source
from lepton_spark.config.task import Task, TaskKind, quantile_name
from lepton_spark.config.train import ModelSettings, TrainSettings, TransformSettings
from lepton_spark.errors import ConfigError


class Moment(Settings):
    """The time of day, on the predicted day, after which nothing may be used."""

    time: Clock = Field(description="Local time, HH:MM; facts known later are not used.")
    zone: ZoneName = Field(description="Time zone of `time`, such as Europe/Vienna.")


class Label(Settings):
    """What is predicted: whether something is so, of which class it is, or how much there is."""

    name: ColumnName = Field(description="What the label is called in reports.")
    source: Identifier = Field(alias="from", description="Source that holds the outcome.")
    is_: SqlExpression | None = Field(
        None, alias="is", description="Of two classes: true for the one to predict."
    )
    class_: SqlExpression | None = Field(
        None, alias="class", description="Of several classes: the name of that of a row."
    )
    classes: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        (), max_length=10_000, description="Of class: all names that there are."
    )
    value: SqlExpression | None = Field(None, description="An amount: a number.")
    only_if: SqlExpression | None = Field(
        None, description="Rows where this is not true have no label."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Label:
        if sum(text is not None for text in (self.is_, self.class_, self.value)) != 1:
            raise ValueError("give one of is, class and value")
        if (self.class_ is None) != (self.classes == ()):
            raise ValueError("class and classes are given together")
        if self.class_ is not None and len({*self.classes}) < max(2, len(self.classes)):
            raise ValueError("classes are at least two different names")
        return self

    @property
    def kind(self) -> TaskKind:
        """Of which kind the task is."""
        return "binary" if self.is_ else "classes" if self.class_ else "amount"

    @property
    def expression(self) -> tuple[str, str]:
        """Key and text of what the label is made of."""
        texts = {"is": self.is_, "class": self.class_, "value": self.value}
        return next((key, text) for key, text in texts.items() if text is not None)


class Split(Settings):
    """Train, validate, test: by day, or by a hash of the key where time plays no part."""

    validate_from: date | None = Field(None, description="First day of validation.")
    test_from: date | None = Field(None, description="First day of test.")
    validate_share: Annotated[float, Field(gt=0, lt=0.5)] | None = Field(
        None, description="Share of rows for validation, chosen by a hash of the key, or of `by`."
    )
    test_share: Annotated[float, Field(gt=0, lt=0.5)] | None = Field(
        None, description="Share of rows for test, chosen by a hash of the key, or of `by`."
    )
    by: tuple[ColumnName, ...] = Field(
        (),
        description="Columns of the key, day, or own features, such as [patient]: rows with the "
        "same values are all in one part. Shares are then of such groups, and days that cut a "
        "group are refused.",
    )
    gap_days: int = Field(
        0,
        ge=0,
        le=3650,
        description="Days before validate_from, test_from and each time-ordered fold whose rows "
        "are left out: as long as it takes until a label is known, or what is learned from was "
        "not known when the rows that judge it began.",
    )
    seed: int = Field(7, description="Another seed gives another choice by hash.")

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Fingerprints of cases that neither group rows nor leave some out are what they were.
        unused = {name for name in ("by", "gap_days") if not getattr(self, name)}
        return {name: value for name, value in dump(self).items() if name not in unused}

    @model_validator(mode="after")
    def _one_way(self) -> Split:
        days = (self.validate_from, self.test_from)
        shares = (self.validate_share, self.test_share)
        if None not in days and shares == (None, None):
            if self.validate_from >= self.test_from:  # type: ignore[operator]  # checked above
                raise ValueError("validate_from must be before test_from")
            return self
        if None not in shares and days == (None, None):
            if self.gap_days:
                raise ValueError("gap_days belongs to validate_from and test_from")
            return self
        raise ValueError(
            "give validate_from and test_from, or validate_share and test_share, not a mix"
        )


class Predict(Settings):
    """Each row of one source, on its day, at one moment of that day."""

    each: Identifier = Field(description="Source whose rows are predicted.")
    day: ColumnName = Field(description="Date column: the day that a row belongs to.")
    at: Moment = Field(description="The moment of prediction on that day.")
    label: Label | None = Field(
        None, description="What is predicted; without it the journey ends with the features."
    )
    split: Split | None = Field(None, description="Which rows train, validate and test.")


@dataclass(frozen=True)
class Aim:
    """What a case predicts, on which rows that is learned, and what is good enough."""

    label: Label
    split: Split
    gate: GateSettings


class Case(Settings):
    """Everything that is particular to one prediction."""

    version: Literal[1] = Field(description="Form of this file.")
    case: Identifier = Field(description="As the file is called.")
    description: str = Field("", description="The question that the case answers.")
    sources: dict[Identifier, Source] = Field(min_length=1, description="Raw tables by name.")
    entities: dict[Identifier, Entity] = Field(
        default_factory=dict, description="Rows of sources that mean the same thing become one."
    )
    predict: Predict = Field(description="What is predicted, when, and how it is judged.")
    features: Features = Field(description="From what it is predicted.")
    transform: TransformSettings = Field(
        default_factory=TransformSettings, description="How values become tensors."
    )
    model: ModelSettings = Field(default_factory=ModelSettings, description="The network.")
    train: TrainSettings = Field(default_factory=TrainSettings, description="How it is trained.")
    search: SearchSettings | None = Field(
        None, description="What `lepton search` tries; nothing else reads it."
    )
    evaluate: EvaluateSettings = Field(
        default_factory=EvaluateSettings, description="How it is judged."
    )
    score: ScoreSettings = Field(
        default_factory=ScoreSettings, description="What the rows of a night may be like."
    )
    gate: GateSettings | None = Field(
        None, description="What a model must reach before it may score."
    )

    @model_validator(mode="after")
    def _whole_aim(self) -> Case:
        parts = (self.predict.label, self.predict.split, self.gate)
        if len({part is None for part in parts}) > 1:
            raise ValueError("give predict.label, predict.split and gate, or none of the three")
        return self

    def key_of(self, name: str) -> tuple[str, ...]:
        """The columns that identify a row of a source, or of an entity."""
        return (id_of(name),) if name in self.entities else self.sources[name].key

    @property
    def task(self) -> Task:
        """What a model of this case says of each row.

        Raises:
            ConfigError: The case ends with its features.
        """
        label, loss = self.aim.label, self.train.loss
        if label.kind == "binary":
            return Task()
        if label.kind == "classes":
            return Task("classes", label.classes)
        if loss.kind == "quantile":
            names = tuple(quantile_name(quantile) for quantile in loss.quantiles)
            return Task("amount", names, loss.quantiles)
        return Task("amount", ("expected",), (), loss.power if loss.kind == "tweedie" else None)

    @property
    def has_aim(self) -> bool:
        """Whether something is predicted; otherwise the journey ends with the features."""
        return self.gate is not None

    @property
    def aim(self) -> Aim:
        """What is predicted and how good it must be.

        Raises:
            ConfigError: The case ends with its features.
        """
        label, split, gate = self.predict.label, self.predict.split, self.gate
        if label is None or split is None or gate is None:
            raise ConfigError(
                "LS-1047",
                f"the case {self.case} predicts nothing",
                "without label, split and gate the journey ends with the features",
                "give predict.label, predict.split and gate, or run the stages up to features",
            )
        return Aim(label, split, gate)
