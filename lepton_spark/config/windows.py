"""Settings of windows: long series cut into steps of equal length that end at the moment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from lepton_spark.config.measure import Measure
from lepton_spark.config.model import ColumnName, Identifier, Settings, SqlExpression, Window

MEASURED = ("count", "sum", "mean", "share")


class Windows(Settings):
    """What was measured in each of the last steps before the moment, oldest step first.

    Each measure gives three arrays, an item a step: the measure, of no value null, or a count of
    0; `_mask`, 1 where there is a value; and `_gap`, the hours since a step before that had one,
    or since the first step (as in GRU-D, Che et al. 2018). Numbers are taken to the nearest 2**-48
    before they are summed: of far smaller ones nothing is left.
    """

    by: tuple[ColumnName, ...] = Field(min_length=1, description="Columns that both sources have.")
    every: Window = Field(description="Length of a step, such as 1 hour.")
    steps: Annotated[int, Field(ge=1, le=2000)] = Field(description="How many steps.")
    happened_at: SqlExpression | None = Field(
        None,
        description="Instant that says in which step a row is; without it when it could be known. "
        "Whatever it is, no row counts that was not known at the moment.",
    )
    for_each: dict[ColumnName, tuple[Identifier, ...]] = Field(
        default_factory=dict,
        max_length=1,
        description="Text column of a long table: values, each with measures of its rows alone.",
    )
    measures: dict[ColumnName, Measure] = Field(
        min_length=1, description="Name of a count, sum, mean or share: what is computed in a step."
    )

    @model_validator(mode="after")
    def _some_values(self) -> Windows:
        for values in self.for_each.values():
            if not values or len({value.lower() for value in values}) < len(values):
                raise ValueError("for_each lists at least one value, each once")
        if any(measure.kind not in MEASURED for measure in self.measures.values()):
            raise ValueError(f"a step has {', '.join(MEASURED)}")
        return self

    @property
    def variables(self) -> dict[str, tuple[int | None, str]]:
        """Name of a variable: place of its value in `for_each`, if any, and its measure."""
        values = [value for listed in self.for_each.values() for value in listed]
        if not values:
            return {measure: (None, measure) for measure in self.measures}
        return {
            f"{value}_{measure}": (place, measure)
            for place, value in enumerate(values)
            for measure in self.measures
        }
