"""How the records of a text file become the rows of its table, where they are not one to one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from lepton_spark.config.column import fold
from lepton_spark.config.model import Settings

Name = Annotated[str, Field(min_length=1, max_length=200)]
_LINE = "Column that is given the line on which the record starts."


class Unpivot(Settings):
    """A row for each cell of a wide table, but for those of its ids; also known as melt.

    All columns are named as in the contract's physicalName.
    """

    ids: tuple[Name, ...] = Field(
        (), description="Columns that each row keeps; without a header the first ones."
    )
    variable: Name = Field(description="Column that is given the name of the cell's column.")
    value: Name = Field(description="Column that is given the cell.")
    line: Name | None = Field(None, description=_LINE)

    @property
    def gives(self) -> tuple[str, ...]:
        """Columns of a row, in the order of its cells."""
        return (*self.ids, self.variable, self.value, *((self.line,) if self.line else ()))

    @model_validator(mode="after")
    def _apart(self) -> Unpivot:
        _require_apart(self.gives)
        return self


class Explode(Settings):
    """A row for each item of lists that lie side by side in the cells of a record.

    All columns are named as in the contract's physicalName.
    """

    columns: tuple[Name, ...] = Field(
        min_length=1, description="Columns whose cells are lists, all of the same length."
    )
    separator: Annotated[str, Field(min_length=1, max_length=1)] = Field(
        ",", description="Between two items."
    )
    place: Name | None = Field(
        None, description="Column that is given the place of the item in its list, from 1."
    )
    line: Name | None = Field(None, description=_LINE)

    @property
    def adds(self) -> tuple[str, ...]:
        """Columns that are not in the file, in the order of a row's cells."""
        return tuple(name for name in (self.place, self.line) if name is not None)

    @model_validator(mode="after")
    def _apart(self) -> Explode:
        _require_apart((*self.columns, *self.adds))
        return self


def _require_apart(names: tuple[str, ...]) -> None:
    if len(set(map(fold, names))) < len(names):
        raise ValueError("each column is named once")
