"""Texts as tensors: the number of each word, in the order of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lepton_spark.dataset.tensors import TensorSpec
from lepton_spark.dataset.values import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

Ints = npt.NDArray[np.int32]
PADDING, UNKNOWN, FIRST = 0, 1, 2
_TOKEN = re.compile(r"\w+|[^\w\s]")


def tokens_of(text: str) -> list[str]:
    """Words in lower case, and each sign that is neither a word nor a blank."""
    return _TOKEN.findall(text.lower())


@dataclass(frozen=True)
class TokenColumn:
    """The first words of a text, each as its place in a vocabulary.

    Args:
        words: The most used first.
        length: Tokens of a row; a longer text is cut, a shorter one padded at its end.
    """

    name: str
    words: tuple[str, ...]
    length: int

    @property
    def tensor(self) -> str:
        """Name of the tensor that it becomes."""
        return f"tokens_{self.name}"

    @property
    def spec(self) -> TensorSpec:
        """What the tensor holds of a row."""
        return TensorSpec((self.length,), "int32")

    @property
    def cardinality(self) -> int:
        """Numbers that a token may have, padding and unknown words included."""
        return len(self.words) + FIRST

    @property
    def is_flat(self) -> bool:
        """Whether no word is known."""
        return not self.words

    def apply(self, rows: pa.Table | pa.RecordBatch) -> Ints:
        """Turn rows into `[rows, length]`, int32: 0 is padding, 1 a word that is not known.

        Raises:
            ModelError: The column is no text.
        """
        texts = as_text(rows, self.name).to_pylist()
        found = np.full((len(texts), self.length), PADDING, np.int32)
        for row, text in enumerate(texts):
            tokens = tokens_of(text or "")[: self.length]
            found[row, : len(tokens)] = [self._places.get(token, UNKNOWN) for token in tokens]
        return found

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {word: place for place, word in enumerate(self.words, FIRST)}

    def check(self) -> None:
        """Raise ValueError where it cannot be."""
        words = self.words
        if len(set(words)) != len(words) or not all(isinstance(word, str) for word in words):
            raise ValueError("words")
        if self.length < 1 or not words:
            raise ValueError("tokens")


def token_column(document: Mapping[str, Any]) -> TokenColumn:
    """From a JSON document."""
    return TokenColumn(document["name"], tuple(document["words"]), document["length"])
