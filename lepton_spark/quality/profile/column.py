"""One column, measured piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.quality.profile.distinct import Distinct
from lepton_spark.quality.profile.frequent import LONGEST, Frequent
from lepton_spark.quality.profile.hashing import Words, hash_numbers, hash_texts
from lepton_spark.quality.profile.kind import Kind
from lepton_spark.quality.profile.moments import Moments
from lepton_spark.quality.profile.ranks import Counts, Ranks

Numbers = npt.NDArray[np.generic]
# The form in which pyarrow counts a value, and how such a number becomes the value again.
_FORMS = {
    Kind.BOOLEAN: (pa.bool_(), pa.uint8()),
    Kind.DATE: (pa.date32(), pa.int32()),
    Kind.TIMESTAMP: (pa.timestamp("us"), pa.int64()),
}


@dataclass(frozen=True)
class Column:
    """What is known of a column after some of its rows.

    Args:
        nans: Rows with NaN; they are in nothing else.
        infinite: Rows with an infinite number; they are left out of the moments.
        moments: Of the numbers: of a text its letters, of a date its days and of a timestamp its
            microseconds since 1970, UTC.
        ranks: Of the same numbers.
    """

    rows: int = 0
    nulls: int = 0
    nans: int = 0
    infinite: int = 0
    moments: Moments = field(default_factory=Moments)
    ranks: Ranks = field(default_factory=Ranks)
    distinct: Distinct = field(default_factory=Distinct)
    frequent: Frequent = field(default_factory=Frequent)

    def __add__(self, other: Column) -> Column:
        return Column(
            self.rows + other.rows,
            self.nulls + other.nulls,
            self.nans + other.nans,
            self.infinite + other.infinite,
            self.moments + other.moments,
            self.ranks + other.ranks,
            self.distinct + other.distinct,
            self.frequent + other.frequent,
        )

    def seeing(self, values: pa.Array, kind: Kind) -> Column:
        """With the rows of one more piece.

        Args:
            values: Its cells, nulls and all.
            kind: What to measure of them.
        """
        piece = Column(rows=len(values), nulls=values.null_count)
        if not kind.is_measured or piece.nulls == piece.rows:
            return self + piece
        present = values.drop_null() if piece.nulls else values
        ordered, nans = _ordered(present, kind)
        first, end = _finite(ordered)
        found = self._texts(present) if _has_names(present.type) else _runs(ordered, kind)
        piece = replace(
            piece,
            nans=nans,
            infinite=len(ordered) - (end - first),
            moments=Moments.of(ordered[first:end]),
            ranks=Ranks.of(ordered),
            frequent=Frequent.of(found.hashes, found.counts, found.take),
        )
        # Most hashes are too large to be kept: that is seen without a sketch of the piece.
        return replace(self + piece, distinct=self.distinct.seeing(found.hashes))

    def _texts(self, values: pa.Array) -> _Values:
        """What a piece names; of many names a dictionary costs more than sorting their hashes."""
        texts = values.cast(pa.string())
        return _few_texts(texts) if self.distinct.is_exact else _many_texts(texts)


@dataclass(frozen=True)
class _Values:
    """The different values of a piece, how often each is there, and how to get at them."""

    hashes: Words
    counts: Counts
    take: Callable[[Counts], pa.Array]


def as_floats(values: pa.Array, kind: Kind) -> npt.NDArray[np.float64]:
    """A float for each row of a measured column, NaN where there is none; a fresh array."""
    if values.null_count == len(values):
        return np.full(len(values), np.nan)
    numbers = _numbers(values, kind)
    if not values.null_count:
        return np.array(numbers.to_numpy(zero_copy_only=False), np.float64)
    floats = pc.fill_null(pc.cast(numbers, pa.float64(), safe=False), np.nan)
    return np.array(floats.to_numpy(zero_copy_only=False))


def _numbers(values: pa.Array, kind: Kind) -> pa.Array:
    if kind is Kind.TEXT:
        return pc.utf8_length(values)
    if kind in _FORMS:
        form, number = _FORMS[kind]
        return values.cast(form, safe=False).cast(number)
    return values.cast(pa.float64()) if pa.types.is_decimal(values.type) else values


def _ordered(values: pa.Array, kind: Kind) -> tuple[Numbers, int]:
    """The numbers of some values, rising, and how many are NaN besides."""
    numbers = _numbers(values, kind).to_numpy(zero_copy_only=False)
    if numbers.dtype.kind != "f":
        return np.sort(numbers), 0
    ordered = numbers + numbers.dtype.type(0)  # -0.0 becomes 0.0
    ordered.sort()
    end = int(np.searchsorted(ordered, np.nan))
    return ordered[:end], len(ordered) - end


def _finite(ordered: Numbers) -> tuple[int, int]:
    if ordered.dtype.kind != "f":
        return 0, len(ordered)
    first = np.searchsorted(ordered, -np.inf, side="right")
    return int(first), int(np.searchsorted(ordered, np.inf))


def _has_names(kind: pa.DataType) -> bool:
    """Whether values are compared as texts: a decimal may have more digits than a float."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_decimal(kind)
    )


def _few_texts(texts: pa.Array) -> _Values:
    encoded = texts.dictionary_encode()
    different = encoded.dictionary
    counts = np.bincount(encoded.indices.to_numpy(), minlength=len(different)).astype(np.int64)
    return _Values(hash_texts(different), counts, lambda places: _short(different, places))


def _many_texts(texts: pa.Array) -> _Values:
    hashes = hash_texts(texts)
    ordered = np.sort(hashes)
    places = _first_of_runs(ordered)
    different = ordered[places]

    def take(chosen: Counts) -> pa.Array:
        """A text of each chosen hash, cut short, in the order of the hashes."""
        wanted = different[chosen]
        if not len(wanted):
            return texts.slice(0, 0)
        nearest = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
        rows = np.flatnonzero(wanted[nearest] == hashes)
        row_of = np.empty(len(wanted), np.int64)
        row_of[nearest[rows]] = rows
        return _short(texts, row_of)

    return _Values(different, _lengths(places, len(ordered)), take)


def _short(texts: pa.Array, places: Counts) -> pa.Array:
    return pc.utf8_slice_codeunits(texts.take(pa.array(places)), 0, LONGEST)


def _first_of_runs(ordered: Numbers) -> Counts:
    is_first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    return np.flatnonzero(is_first)


def _lengths(places: Counts, end: int) -> Counts:
    """How long each run is; np.diff with an end costs several times as much."""
    lengths = np.empty_like(places)
    np.subtract(places[1:], places[:-1], out=lengths[:-1])
    lengths[-1:] = end - places[-1:]
    return lengths


def _runs(ordered: Numbers, kind: Kind) -> _Values:
    places = _first_of_runs(ordered)
    different = ordered[places]

    def take(chosen: Counts) -> pa.Array:
        """The chosen numbers in the form of their kind."""
        numbers = pa.array(different[chosen])
        return numbers.cast(_FORMS[kind][0]) if kind in _FORMS else numbers

    return _Values(hash_numbers(different), _lengths(places, len(ordered)), take)
