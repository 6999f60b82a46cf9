"""What a raw file seems to hold, for a person to make a contract of; never at run time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.bronze.columnar import is_bytes
from lepton_spark.bronze.header import Promised
from lepton_spark.bronze.layout import Layout, Stamp
from lepton_spark.bronze.names import names_in
from lepton_spark.bronze.reader import read
from lepton_spark.config.column import INT_SPAN, Column, Kind
from lepton_spark.config.format import Json
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.config.format import Format

_NUMBER = r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
# A leading zero is no number's: 007 names something.
_WHOLE = r"\s*[+-]?(0|[1-9][0-9]*)(\.0*)?\s*"
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?"
_OFFSET = r"\s?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_PATTERNS: Mapping[Kind, re.Pattern[str]] = {
    "integer": re.compile(_WHOLE),
    "number": re.compile(rf"(?!\s*[+-]?0[0-9]){_NUMBER}"),
    "boolean": re.compile(r"(?i)true|false"),
    "date": re.compile(_DAY),
    "timestamp": re.compile(_DAY + _CLOCK + _OFFSET),
}
_TYPED = (
    pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean,
    pa.types.is_date, pa.types.is_timestamp,
)  # fmt: skip
_LONG_SPAN = range(-(2**63), 2**63)
_LONG_LETTERS = 20  # a sign and the digits of 64 bits
_NAME_LETTERS = 80


@dataclass
class _Seen:
    """What the cells of one column allow still."""

    kinds: list[Kind] = field(default_factory=lambda: list(_PATTERNS))
    num_rows: int = 0
    num_nulls: int = 0
    is_wide: bool = False
    is_beyond: bool = False

    def add(self, cells: pa.Array, nulls: Sequence[str]) -> None:
        """Take in some cells; those that mean no value are counted only."""
        found = pc.if_else(pc.is_in(cells, pa.array(nulls, pa.string())), None, cells)
        self.num_rows += len(found)
        self.num_nulls += found.null_count
        texts = [text for text in pc.unique(found).to_pylist() if text is not None]
        self.kinds = [k for k in self.kinds if all(map(_PATTERNS[k].fullmatch, texts))]
        if "integer" in self.kinds:
            self.is_wide |= not all(_is_within(text, INT_SPAN) for text in texts)
            self.is_beyond |= not all(_is_within(text, _LONG_SPAN) for text in texts)

    @property
    def kind(self) -> Kind:
        """The narrowest kind that fits all cells; what has more than 64 bits names something."""
        if not self.kinds or self.num_rows == self.num_nulls:
            return "string"
        is_name = self.kinds[0] == "integer" and self.is_beyond
        return "string" if is_name else self.kinds[0]


def _is_within(text: str, span: range) -> bool:
    """Whether a whole number lies in a span of at most 64 bits."""
    digits = text.strip().partition(".")[0]
    return len(digits) <= _LONG_LETTERS and int(digits) in span


@dataclass(frozen=True)
class Guess:
    """A column as it seems to be.

    Args:
        column: Its contract: kind, and whether a value is always there.
        nulls: Share of rows without a value.
    """

    column: Column
    nulls: float


@dataclass(frozen=True)
class Profile:
    """A file as it seems to be.

    Args:
        guesses: One for each column.
        num_rows: How many records the file holds.
        refused: Of these, how many would be refused, by reason; the most frequent first.
    """

    guesses: Sequence[Guess]
    num_rows: int
    refused: Mapping[str, int]


def infer(file: LandedFile, form: Format) -> Profile:
    """Read a whole file, in bounded memory, and say what its columns seem to promise.

    Args:
        file: Any file of the source; the more typical, the better.
        form: How it is written.

    Returns:
        Columns as its records without a problem have them. Dates and instants are told only in ISO
        form; bounds are given only where whole numbers need 64 bits, and those that need more are
        text. A text column of Parquet or Delta is text unless `from_text` is set.

    Raises:
        DataError: The file is not of the form, or has no columns.
    """
    stored = names_in(file, form)
    if not stored:
        raise _no_columns(file, form)
    names = identifiers(stored)
    promised = tuple(
        Promised(name, "string" if kind is None or not is_bytes(kind) else "binary", header)
        for name, (header, kind) in zip(names, stored.items(), strict=True)
    )
    seen = {each.name: _Seen() for each in promised}
    problems: Counter[str | None] = Counter()
    for batch in read(file, Layout(promised, form), Stamp("", file.modified_at)):
        problems.update(batch["_problem"].to_pylist())
        good = batch.filter(_holds_something(batch, names))
        for each in promised:
            if each.kind == "string":
                seen[each.name].add(good[each.name], form.nulls)
    guesses = [_guess(each, stored[each.header], seen[each.name]) for each in promised]
    return Profile(guesses, problems.total(), _refused(problems))


def _no_columns(file: LandedFile, form: Format) -> DataError:
    what, fix = "it has no columns", "deliver a file that has columns."
    if isinstance(form, Json) and form.records is None:
        what = "no line is an object with a key"
        fix = "is it one document? add --format records=."
    elif isinstance(form, Json):
        what = "no item of the array is an object with a key"
        fix = "say in json.records where the array of objects is."
    return DataError(
        "LS-2022",
        f"{file.path}: {what}.",
        "what a file promises is told by its columns.",
        fix,
    )


def _refused(problems: Mapping[str | None, int]) -> dict[str, int]:
    """How many records have each problem, the most frequent first."""
    found = [(reason, number) for reason, number in problems.items() if reason is not None]
    return dict(sorted(found, key=lambda each: (-each[1], each[0])))


def _holds_something(batch: pa.RecordBatch, names: Sequence[str]) -> pa.Array:
    """True for a record without a problem that is no empty line."""
    filled = [pc.fill_null(pc.binary_length(batch[name]), 0) for name in names]
    lengths = reduce(pc.max_element_wise, filled)
    return pc.and_(pc.is_null(batch["_problem"]), pc.greater(lengths, 0))


def _is_typed(kind: pa.DataType) -> bool:
    """Whether a contract may promise more of a stored type than text."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_(value) for is_ in _TYPED)


def _guess(promised: Promised, stored: pa.DataType | None, seen: _Seen) -> Guess:
    has_values = seen.num_rows > seen.num_nulls
    kind: Kind = seen.kind if stored is None or _is_typed(stored) else "string"
    if promised.kind == "binary":
        kind = "binary"
    is_required = has_values and seen.num_nulls == 0
    column = Column(
        promised.name,
        kind,
        required=is_required or kind == "binary",
        maximum=2**63 - 1 if kind == "integer" and seen.is_wide else None,
        header=promised.header if promised.header != promised.name else None,
    )
    return Guess(column, seen.num_nulls / seen.num_rows if seen.num_rows else 0.0)


def identifiers(headers: Iterable[str]) -> list[str]:
    """A column name for each name in a file: letters, digits and _, none twice."""
    taken: set[str] = set()
    names = []
    for place, header in enumerate(headers, start=1):
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", header).strip("_") or f"column_{place}"
        stem = stem if stem[0].isalpha() else f"c_{stem}"
        stem = name = stem[: _NAME_LETTERS - 4]
        number = 2
        while name.lower() in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return names
