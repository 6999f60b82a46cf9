"""How the cells of one column are cleaned, before they are held against the contract."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from lepton_spark.config.model import Settings

_MOST_SPELLINGS = 1000
# Letters that Spark's parser reads; text in quotes and other characters stand for themselves.
_DATE_PATTERN = re.compile(
    r"(?:'[^']*'|[^A-Za-z']|y{1,2}|y{4}|M{1,4}|d{1,2}|D{1,3}|H{1,2}|h{1,2}|m{1,2}|s{1,2}|S{1,9}|a)+"
)


def _readable(pattern: str) -> str:
    if not _DATE_PATTERN.fullmatch(pattern):
        raise ValueError("not a pattern such as dd.MM.yyyy or 'd MMM yyyy h:mm a'")
    return pattern


DatePattern = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_readable)]


class Number(Settings):
    """How numbers are written in a column."""

    decimal: Literal[".", ","] = Field(".", description="Before the fraction.")
    thousands: Literal[",", ".", " ", "'", "_"] | None = Field(
        None, description="Between groups of three digits; a space is any kind of space."
    )
    parentheses: bool = Field(False, description="(5) means -5, as in accounts.")
    units: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        max_length=100,
        description="Unit or currency, before or after a number: what it is multiplied by. "
        "The empty one is for numbers without a unit, which otherwise are refused.",
    )

    @model_validator(mode="after")
    def _apart(self) -> Number:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands must differ")
        if any(re.search(r"[0-9+().,-]", unit) for unit in self.units):
            raise ValueError("a unit holds no digit, sign, point, comma or parenthesis")
        return self


class Clean(Settings):
    """What is done to a cell, in the order of these keys."""

    unicode: Literal["NFC", "NFKC"] | None = Field(
        None, description="Normal form; NFKC also makes full-width letters plain."
    )
    blanks: Literal["keep", "trim", "collapse"] = Field(
        "keep", description="trim: none at the ends; collapse: also single ones within."
    )
    case: Literal["lower", "upper", "title"] | None = Field(None, description="Of all letters.")
    spelling: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        max_length=_MOST_SPELLINGS,
        description="The right text: other texts that mean it.",
    )
    nearest: Annotated[int, Field(ge=1, le=3)] | None = Field(
        None,
        description="Letters by which a text may differ from the one of the contract's validValues "
        "that it becomes; where two are as near it stays.",
    )
    nulls: tuple[str, ...] = Field(
        (), description="Values that mean: none, such as ?, -1 or 9999; of numbers by their value."
    )
    number: Number | None = Field(None, description="How numbers are written.")
    formats: tuple[DatePattern, ...] = Field(
        (),
        description="Patterns of a date, tried in this order; nothing else is a date then. "
        "yy is a year from 2000 to 2099.",
    )

    @model_validator(mode="after")
    def _one_meaning(self) -> Clean:
        variants = [text for texts in self.spelling.values() for text in texts]
        if len(variants) != len(set(variants)) or set(variants) & set(self.spelling):
            raise ValueError("a text under spelling means one thing only")
        return self
