"""Seeds of the layers of a network."""

from __future__ import annotations

from lepton_spark.models.lean import keras


class Seeds:
    """One seed after the other, so that no two layers start alike."""

    def __init__(self, seed: int) -> None:
        self._next = seed * 1000

    def take(self) -> int:
        """The next one."""
        self._next += 1
        return self._next

    def glorot(self) -> keras.initializers.Initializer:
        """First weights of a layer, uniform, as far as its inputs and outputs allow."""
        return keras.initializers.GlorotUniform(seed=self.take())
