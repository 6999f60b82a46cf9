"""Texts that hold lists of numbers, such as `[0, 1.5]`: what arrays of JSON and Parquet land as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.dataset.values import as_text

if TYPE_CHECKING:
    Places = npt.NDArray[np.int64]

# As JSON writes numbers, but for those that no double holds.
_NUMBER = r"-?\d{1,40}(\.\d{1,40})?([eE](-\d{1,3}|\+?\d{1,2}))?"
_BLANK = r"[ \t\r\n]*"
_LIST = rf"^{_BLANK}\[{_BLANK}({_NUMBER}({_BLANK},{_BLANK}{_NUMBER})*)?{_BLANK}\]{_BLANK}$"
_AROUND = "[] \t\r\n"


@dataclass(frozen=True)
class NumberLists:
    """The lists of some rows.

    Args:
        values: Of all lists, one after the other; finite.
        lengths: Of each row; 0 where it has no list.
        is_missing: Whether each row is null.
        is_list: Whether each row has a list of numbers.
    """

    values: npt.NDArray[np.float64]
    lengths: Places
    is_missing: npt.NDArray[np.bool_]
    is_list: npt.NDArray[np.bool_]

    @property
    def rows(self) -> Places:
        """The row of each value."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def places(self) -> Places:
        """The place of each value in its list."""
        starts = np.cumsum(self.lengths) - self.lengths
        return np.arange(len(self.values)) - np.repeat(starts, self.lengths)


def number_lists(rows: pa.Table | pa.RecordBatch, name: str) -> NumberLists:
    """Read a column; a text that is no list of numbers is told, not raised.

    Raises:
        ModelError: The column is no text.
    """
    texts = as_text(rows, name)
    is_list = pc.fill_null(pc.match_substring_regex(texts, _LIST), fill_value=False)
    inner = pc.utf8_trim(texts, characters=_AROUND)
    is_filled = pc.and_(is_list, pc.fill_null(pc.not_equal(inner, ""), fill_value=False))
    parts = pc.split_pattern(inner.filter(is_filled), ",")
    numbers = pc.cast(pc.utf8_trim_whitespace(pc.list_flatten(parts)), pa.float64())
    lengths = np.zeros(len(texts), np.int64)
    lengths[np.asarray(is_filled)] = np.asarray(pc.list_value_length(parts))
    return NumberLists(
        np.asarray(numbers), lengths, np.asarray(texts.is_null()), np.asarray(is_list)
    )
