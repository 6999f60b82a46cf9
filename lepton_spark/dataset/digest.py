"""A digest of rows that does not depend on their order or on how they were cut."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.dataset.values import as_float, as_steps, as_text, one_array

Words = npt.NDArray[np.uint64]
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_NULL = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class RowsDigest:
    """Sums, modulo 2^64, of two functions of each row."""

    rows: int = 0
    first: int = 0
    second: int = 0

    def __add__(self, other: RowsDigest) -> RowsDigest:
        mask = (1 << 64) - 1
        return RowsDigest(
            self.rows + other.rows,
            (self.first + other.first) & mask,
            (self.second + other.second) & mask,
        )

    def text(self, columns: Sequence[str]) -> str:
        """Hexadecimal; the columns are part of it."""
        facts = "\n".join([*columns, str(self.rows), str(self.first), str(self.second)])
        return hashlib.sha256(facts.encode()).hexdigest()


def digest_rows(rows: pa.Table, numbers: Sequence[str], categories: Sequence[str]) -> RowsDigest:
    """The digest of some rows, over numbers, then texts and bytes, in this order."""
    mixed = row_words(rows, numbers, categories)
    return RowsDigest(rows.num_rows, _sum(mixed), _sum(_mix(mixed ^ _NULL)))


def row_words(rows: pa.Table, numbers: Sequence[str], categories: Sequence[str]) -> Words:
    """64 bits that depend on the values of a row only, `[rows]`."""
    of_numbers = (_words_of_column(rows, name) for name in numbers)
    of_names = (_words_of_named(rows, name) for name in categories)
    return _together(chain(of_numbers, of_names), rows.num_rows)


def key_words(rows: pa.Table, names: Sequence[str]) -> Words:
    """64 bits that depend on a key of any types only, `[rows]`."""
    texts = (one_array(rows.column(name)).cast(pa.string()) for name in names)
    return _together((_words_of_bytes(each.cast(pa.binary())) for each in texts), rows.num_rows)


def _together(words: Iterable[Words], num_rows: int) -> Words:
    """What the words of several columns make of each row; their order counts."""
    total = np.full(num_rows, _NULL, np.uint64)
    for place, each in enumerate(words):
        # Mixed before it is added: small whole numbers differ in their upper bits alone, and sums
        # of such words would be the same for many rows.
        total += _mix(each + _factor(place))
    return _mix(total)


def _words_of_column(rows: pa.Table, name: str) -> Words:
    column = one_array(rows.column(name))
    if not pa.types.is_list(column.type):
        return _words_of_numbers(as_float(rows, name))
    lengths = pc.list_value_length(column.drop_null())
    steps = as_steps(rows, name, lengths[0].as_py() if len(lengths) else 1)
    return _together(map(_words_of_numbers, steps.T), rows.num_rows)


def _words_of_numbers(values: npt.NDArray[np.float64]) -> Words:
    values = values + 0.0  # -0.0 becomes 0.0
    values[np.isnan(values)] = np.nan  # NaN has many forms
    return values.view(np.uint64)


def _words_of_named(rows: pa.Table, name: str) -> Words:
    """Of texts, and of bytes such as images."""
    column = one_array(rows.column(name))
    is_bytes = pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
    return _words_of_bytes(column if is_bytes else as_text(rows, name).cast(pa.binary()))


def _words_of_bytes(column: pa.Array) -> Words:
    coded = column.dictionary_encode()
    words = [
        hashlib.blake2b(content, digest_size=8).digest() for content in coded.dictionary.to_pylist()
    ]
    known = np.frombuffer(b"".join(words), np.uint64)
    places = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    words_of_rows: Words = np.append(known, _NULL)[places]
    return words_of_rows


def _factor(place: int) -> np.uint64:
    """An odd number of its own for each column."""
    return np.uint64((2 * place + 1) * 0xD6E8FEB86659FD93 & 0xFFFFFFFFFFFFFFFF)


def _mix(words: Words) -> Words:
    words = words ^ (words >> np.uint64(30))
    words *= _MIX[0]
    words ^= words >> np.uint64(27)
    words *= _MIX[1]
    words ^= words >> np.uint64(31)
    return words


def _sum(words: Words) -> int:
    return int(words.sum(dtype=np.uint64))
