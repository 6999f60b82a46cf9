"""Texts as the weights of their terms, so that rare words count for more than common ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa

# As scikit-learn's TfidfVectorizer finds them: lower case, two letters at least.
_WORD = re.compile(r"(?u)\b\w\w+\b")


def terms_of(text: str, ngrams: int) -> Iterator[str]:
    """The terms of a text: its words, and runs of up to `ngrams` words with a blank between."""
    words = _WORD.findall(text.lower())
    yield from words
    for size in range(2, ngrams + 1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])


@dataclass(frozen=True)
class TextColumn:
    """A column for each term: its uses in the row times `idf`, a row of length 1 (or 0).

    Source: Salton and Buckley, Term-weighting Approaches in Automatic Text Retrieval, 1988, in
    the smoothed form of scikit-learn: `ln((1 + rows) / (1 + rows with the term)) + 1`.

    Args:
        terms: Sorted.
        idf: Of each.
        ngrams: Most words of a term.
    """

    name: str
    terms: tuple[str, ...]
    idf: tuple[float, ...]
    ngrams: int

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(f"{self.name} says {term}" for term in self.terms)

    @property
    def is_flat(self) -> bool:
        """Whether no row has a term."""
        return not self.terms

    def apply(self, texts: pa.Array) -> npt.NDArray[np.float32]:
        """`[terms, rows]`; zeros for a text without a known term, and for null."""
        weights = np.zeros((len(self.terms), len(texts)), np.float32)
        for row, text in enumerate(texts.to_pylist()):
            known = (self._places.get(term) for term in terms_of(text or "", self.ngrams))
            uses = Counter(place for place in known if place is not None)
            if not uses:
                continue
            places = np.fromiter(uses, np.int64, len(uses))
            # In the order of the terms: another order of words must not round otherwise.
            places.sort()
            values = np.array([uses[place] for place in places.tolist()]) * self._idf[places]
            weights[places, row] = values / np.sqrt(np.dot(values, values))
        return weights

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {term: place for place, term in enumerate(self.terms)}

    @cached_property
    def _idf(self) -> npt.NDArray[np.float64]:
        return np.array(self.idf)

    def check(self) -> None:
        """See that it can be.

        Raises:
            ValueError: It cannot.
        """
        if len(self.terms) != len(self.idf) or list(self.terms) != sorted(set(self.terms)):
            raise ValueError("terms")
        if not all(isfinite(weight) and weight > 0 for weight in self.idf) or self.ngrams < 1:
            raise ValueError("weights of terms")


def text_of(document: Mapping[str, Any]) -> TextColumn:
    """A text column as it was read from JSON."""
    return TextColumn(
        document["name"], tuple(document["terms"]), tuple(document["idf"]), document["ngrams"]
    )
