"""How the cells of one column are cleaned, before they are held against the contract."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from lepton_spark.config.model import Settings

_MOST_SPELLINGS = 1000
# Letters that Spark's parser reads, and how many of them in a row; text in quotes and most other
# characters stand for themselves, and what stands in [] may be left out.
_LETTERS = {
    "y": {1, 2, 4}, "M": {1, 2, 3, 4}, "d": {1, 2}, "D": {1, 2, 3}, "H": {1, 2}, "h": {1, 2},
    "m": {1, 2}, "s": {1, 2}, "S": {*range(1, 10)}, "a": {1},
}  # fmt: skip
_ZONE_LETTERS = {
    "V": {2}, "z": {1, 2, 3, 4}, "O": {1, 4}, "X": {*range(1, 6)}, "x": {*range(1, 6)},
    "Z": {*range(1, 6)},
}  # fmt: skip
_PIECE = re.compile(r"(?P<quoted>'[^']*')|(?P<letter>[A-Za-z])(?P=letter)*|(?P<sign>[^'{}#])")
_LONGEST_PATTERN = 60
_NO_PATTERN = "not a pattern such as dd.MM.yyyy or 'd MMM yyyy h:mm a'"
# A part of a date or a clock means nothing without the larger one.
_NEEDS = {"d": "M", "m": "Hh", "s": "m", "h": "a", "a": "h"}
_MEANINGS = {
    "d": "mm is minutes, MM is months",
    "m": "mm is minutes, MM is months, HH is hours",
    "s": "ss is seconds, mm is minutes",
    "h": "hh is an hour of twelve and a is am or pm, HH is an hour of 24",
    "a": "a is am or pm of an hour hh, HH is an hour of 24",
}


def date_pattern_problem(pattern: str, *, has_zone: bool = False) -> str | None:
    """Why no date can be read by a pattern; None where Spark reads one.

    Args:
        pattern: Such as dd.MM.yyyy.
        has_zone: Whether the letters of an offset or a zone may be in it, as in an instant.
    """
    known = _LETTERS | (_ZONE_LETTERS if has_zone else {})
    found: set[str] = set()
    num_open = place = 0
    while place < len(pattern):
        piece = _PIECE.match(pattern, place)
        letter = piece["letter"] if piece else None
        if piece is None or (letter and len(piece[0]) not in known.get(letter, ())):
            return _NO_PATTERN
        num_open += {"[": 1, "]": -1}.get(piece[0], 0)
        if num_open < 0:
            return _NO_PATTERN
        found |= {letter} if letter else set()
        place = piece.end()
    if not 0 < len(pattern) <= _LONGEST_PATTERN or num_open:
        return _NO_PATTERN
    return _lacking(found)


def _lacking(letters: set[str]) -> str | None:
    """Which letter is missing: Spark would take January, the first or midnight for it."""
    if "y" not in letters:
        return "it has no y, and a date has a year"
    for letter, needed in _NEEDS.items():
        if letter in letters and not letters & set(needed):
            return f"it has {letter} but no {' or '.join(needed)}: {_MEANINGS[letter]}"
    return None


def has_zone(pattern: str) -> bool:
    """Whether an offset or a zone is read by a pattern that is one."""
    pieces = (piece["letter"] for piece in _PIECE.finditer(pattern))
    return any(letter in _ZONE_LETTERS for letter in pieces)


def _readable(pattern: str) -> str:
    if (problem := date_pattern_problem(pattern)) is not None:
        raise ValueError(problem)
    return pattern


DatePattern = Annotated[
    str, Field(min_length=1, max_length=_LONGEST_PATTERN), AfterValidator(_readable)
]


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
