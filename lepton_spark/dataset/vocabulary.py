"""Where the words of a column stand in a list of known words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

UNKNOWN = -1
_MANY = 4


@dataclass(frozen=True)
class Vocabulary:
    """Known words, each once.

    Args:
        words: A million of them are looked up as fast as ten.
    """

    words: tuple[str, ...]

    def places(self, texts: pa.Array) -> npt.NDArray[np.int32]:
        """The place of each text, from 0; -1 for one that is not known, and for null.

        Args:
            texts: Strings.
        """
        if len(self.words) > _MANY * len(texts):
            # Arrow makes a table of all words each time: for few rows that is nearly all it does.
            return self._place_by_place(texts)
        found = pc.index_in(texts, value_set=self._array, skip_nulls=True)
        places: npt.NDArray[np.int32] = found.fill_null(UNKNOWN).to_numpy(zero_copy_only=False)
        return places

    def _place_by_place(self, texts: pa.Array) -> npt.NDArray[np.int32]:
        coded = texts.dictionary_encode()
        known = [self._places.get(word, UNKNOWN) for word in coded.dictionary.to_pylist()]
        # Null is coded as the last one.
        places = np.array([*known, UNKNOWN], np.int32)
        found: npt.NDArray[np.int32] = places[
            coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        ]
        return found

    @cached_property
    def _array(self) -> pa.Array:
        return pa.array(self.words, pa.string())

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {word: place for place, word in enumerate(self.words)}
