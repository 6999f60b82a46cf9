"""What the cells of a column tell of its kind: taken in a batch at a time, in bounded memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.bronze.date_patterns import PATTERNS, fitting
from lepton_spark.bronze.numerals import STAND_INS, Numerals
from lepton_spark.config.column import INT_SPAN, Kind

MOST = 0.9  # of the cells: enough to say what a column seems to hold
_SOME = 0.01  # of the rows: a number that means no value is there more than by chance
_NUMBER = r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*"
# A leading zero is no number's: 007 names something.
_WHOLE = r"\s*[+-]?(?:0|[1-9][0-9]*)(?:\.0*)?\s*"
_DAY = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_OFFSET = r"\s?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
# Blanks and letters of ASCII alone, which is what the regular expressions of silver mean by them.
_KINDS = re.compile(
    rf"(?P<integer>{_WHOLE})|(?P<number>(?!\s*[+-]?0[0-9]){_NUMBER})"
    rf"|(?P<boolean>(?i:true|false))|(?P<date>{_DAY})|(?P<timestamp>{_DAY}{_CLOCK}{_OFFSET})",
    re.ASCII,
)
_LONG_SPAN = range(-(2**63), 2**63)
_LONG_LETTERS = 20  # a sign and the digits of 64 bits
# Words that mean no value in many files, whatever their case: no data, so they may be shown.
_WORDS = frozenset({"", "?", "-", ".", "na", "n/a", "nan", "none", "null", "unknown"})
_WORD_LETTERS = max(map(len, _WORDS))


@dataclass
class Evidence:
    """What the cells of one column tell so far.

    Args:
        num_rows: Cells.
        num_nulls: Of these, those without a value.
        num_padded: Those that begin or end with a blank.
        kinds: Those of each kind, counted for the narrowest only.
        words: Those of each word that may mean no value.
        patterns: Of dates and local times, in which all cells but words are written.
        numerals: What those tell that are numbers.
        is_wide: Whether a whole number needs 64 bits.
        is_beyond: Whether one needs more.
    """

    num_rows: int = 0
    num_nulls: int = 0
    num_padded: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    patterns: Sequence[str] = PATTERNS
    numerals: Numerals = field(default_factory=Numerals)
    is_wide: bool = False
    is_beyond: bool = False

    def add(self, cells: pa.Array) -> None:
        """Take in some texts; null ones mean no value. Bytes are counted only."""
        self.num_rows += len(cells)
        self.num_nulls += cells.null_count
        if not pa.types.is_string(cells.type):
            return
        counted = pc.value_counts(cells.drop_null())
        texts, counts = (counted.field(name).to_pylist() for name in ("values", "counts"))
        for text, times in zip(texts, counts, strict=True):
            self._add(text, times)

    def _add(self, text: str, times: int) -> None:
        bare = text.strip()
        if len(bare) < len(text):
            self.num_padded += times
        if len(bare) <= _WORD_LETTERS and bare.lower() in _WORDS:
            self.words[bare] += times
            return
        if self.patterns:
            self.patterns = fitting(bare, self.patterns)
        match = _KINDS.fullmatch(text)
        kind = match.lastgroup if match is not None else None
        if kind is not None:
            self.kinds[kind] += times
        if kind in ("integer", "number"):
            self.numerals.add_plain(bare, times)
        else:
            self.numerals.add(bare, times)
        if kind == "integer":
            self.is_wide |= not _is_within(bare, INT_SPAN)
            self.is_beyond |= not _is_within(bare, _LONG_SPAN)

    @property
    def num_filled(self) -> int:
        """Cells that hold something, be it what may mean no value."""
        return self.num_rows - self.num_nulls

    @property
    def num_told(self) -> int:
        """Cells that hold something other than a word that may mean no value."""
        return self.num_filled - self.words.total()

    @property
    def fits(self) -> dict[Kind, int]:
        """How many cells are of each kind, the narrowest first."""
        num_whole = self.kinds["integer"]
        return {
            "integer": num_whole,
            "number": num_whole + self.kinds["number"],
            "boolean": self.kinds["boolean"],
            "date": self.kinds["date"],
            "timestamp": self.kinds["timestamp"],
        }

    @property
    def kind(self) -> Kind:
        """The narrowest kind that fits all cells; what has more than 64 bits names something."""
        found = next((kind for kind, times in self.fits.items() if times == self.num_filled), None)
        if found is None or self.num_filled == 0 or (found == "integer" and self.is_beyond):
            return "string"
        return found

    @property
    def stand_ins(self) -> dict[str, float]:
        """Numbers that may mean no value, in a column of numbers, and their share of the rows."""
        numerals = self.numerals
        if numerals.num_plain + numerals.num_styled < MOST * self.num_told:
            return {}
        return {
            STAND_INS[number]: times / self.num_rows
            for number, times in sorted(numerals.stand_ins.items())
            if times >= _SOME * self.num_rows and numerals.is_apart(number)
        }


def _is_within(text: str, span: range) -> bool:
    """Whether a whole number lies in a span of at most 64 bits."""
    digits = text.partition(".")[0]
    return len(digits) <= _LONG_LETTERS and int(digits) in span
