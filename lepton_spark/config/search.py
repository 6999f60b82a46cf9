"""Settings of a search: what is tried, for how long, and on which rows a trial is judged."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field, JsonValue, model_validator

from lepton_spark.config.model import ColumnName, Settings

Number = int | float
_FEWEST_NESTED = 3


class Dimension(Settings):
    """The values of one setting: a range of numbers, or a list."""

    low: Number | None = Field(None, description="Smallest number.")
    high: Number | None = Field(None, description="Largest number.")
    log: bool = Field(False, description="Tried evenly by order of magnitude.")
    step: Number | None = Field(None, gt=0, description="Numbers are so far apart.")
    choices: tuple[JsonValue, ...] | None = Field(
        None, min_length=2, max_length=100, description="The values, in place of a range."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Dimension:
        if self.choices is not None:
            if (self.low, self.high, self.log, self.step) != (None, None, False, None):
                raise ValueError("give low and high, or choices, not a mix")
            if len({json.dumps(each) for each in self.choices}) < len(self.choices):
                raise ValueError("a choice is there twice")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give low and high, or choices")
        if self.low >= self.high:
            raise ValueError("low must be below high")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ValueError("log needs low above 0 and no step")
        return self

    @property
    def extremes(self) -> tuple[JsonValue, ...]:
        """The ends of the range, or all choices: where these may stand, all others may."""
        return (self.low, self.high) if self.choices is None else self.choices


class PrunerSettings(Settings):
    """When a trial is given up: its loss is above the median of the others after as many epochs."""

    after_epochs: int = Field(3, ge=1, description="Epochs that every trial has.")
    after_trials: int = Field(5, ge=1, description="Trials that are trained to their end first.")


class FoldSettings(Settings):
    """Training and validation rows dealt anew: a trial is judged by its mean over the folds."""

    kind: Literal["stratified", "grouped", "time_ordered"] = Field(
        description="Each label in equal shares; all rows of a value of `by` together; or trained "
        "on all days before those that it is judged on."
    )
    count: int = Field(5, ge=2, le=20, description="Folds.")
    by: ColumnName | None = Field(
        None,
        description="grouped: key, day or feature; rows with one value stay together.",
    )
    nested: bool = Field(
        False,
        description="Also search without each fold in turn, and measure there what was chosen: an "
        "honest estimate, for as many more searches.",
    )

    @model_validator(mode="after")
    def _whole(self) -> FoldSettings:
        if (self.kind == "grouped") != (self.by is not None):
            raise ValueError("by belongs to grouped, and to no other kind")
        if self.nested and self.count < _FEWEST_NESTED:
            raise ValueError(f"nested needs a count of {_FEWEST_NESTED} at least")
        return self


class SearchSettings(Settings):
    """A search for settings of `transform`, `model` and `train` by their validation loss."""

    space: dict[str, Dimension] = Field(
        min_length=1,
        max_length=50,
        description="Setting with dots, such as train.learning_rate: the values that are tried.",
    )
    trials: int = Field(20, ge=1, le=1000, description="Most settings that are tried.")
    budget_minutes: float = Field(
        60,
        gt=0,
        le=100_000,
        description="Time of all trials, over restarts; after it none begins, and one that runs "
        "stops after its epoch.",
    )
    folds: FoldSettings | None = Field(
        None, description="Without folds, trials are judged on the validation rows of the split."
    )
    pruner: PrunerSettings = Field(
        default_factory=PrunerSettings, description="When a trial is given up."
    )
    seed: int = Field(7, ge=0, lt=2**31, description="Another seed tries other settings.")
