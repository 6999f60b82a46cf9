"""Aligned windows as tensors: what was measured in each step, whether it was, and how long ago."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lepton_spark.config.column import is_any
from lepton_spark.dataset.tensors import TensorSpec
from lepton_spark.dataset.values import as_steps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import pyarrow as pa

Floats = npt.NDArray[np.float32]
CHANNELS = 3  # of a variable: value, mask, gap


@dataclass(frozen=True)
class Names:
    """The feature columns of one variable of a window, each a list with an item a step."""

    values: str
    mask: str
    gap: str


@dataclass(frozen=True)
class Asked:
    """A window that a case asks for.

    Args:
        name: Of the tensor that it becomes.
    """

    name: str
    steps: int
    variables: tuple[Names, ...]


@dataclass(frozen=True)
class Variable:
    """One variable: clip to `[low, high]`, then `(value - mean) / scale`, 0 where none was seen."""

    names: Names
    low: float
    high: float
    mean: float
    scale: float


@dataclass(frozen=True)
class Series:
    """The windows over one source.

    Args:
        name: Of the tensor.
        steps: The oldest first.
    """

    name: str
    steps: int
    variables: tuple[Variable, ...]

    @property
    def tensor(self) -> str:
        """Name of the tensor that it becomes."""
        return self.name

    @property
    def spec(self) -> TensorSpec:
        """What the tensor holds of a row."""
        return TensorSpec(self.shape, "float32")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the input columns."""
        names = (each.names for each in self.variables)
        return tuple(name for each in names for name in (each.values, each.mask, each.gap))

    @property
    def shape(self) -> tuple[int, int]:
        """Steps and channels of a row: first all values, then all masks, then all gaps."""
        return self.steps, CHANNELS * len(self.variables)

    def apply(self, rows: pa.Table | pa.RecordBatch) -> Floats:
        """Turn rows into `[rows, steps, channels]`, float32, never NaN.

        A gap is the logarithm of 1 and the hours. Source of masks and gaps as inputs: Che and
        others, Recurrent Neural Networks for Multivariate Time Series with Missing Values, 2018.

        Raises:
            ModelError: A column has another type, or lists of another length.
        """
        count = len(self.variables)
        found = np.empty((rows.num_rows, *self.shape), np.float32)
        for place, each in enumerate(self.variables):
            names = each.names
            values = as_steps(rows, names.values, self.steps)
            is_seen = ~np.isnan(values)
            np.clip(values, each.low, each.high, out=values)
            found[:, :, place] = np.where(is_seen, (values - each.mean) / each.scale, 0.0)
            mask = as_steps(rows, names.mask, self.steps)
            found[:, :, count + place] = np.nan_to_num(mask, nan=0.0)
            gap = np.nan_to_num(as_steps(rows, names.gap, self.steps), nan=0.0)
            found[:, :, 2 * count + place] = np.log1p(np.maximum(gap, 0.0))
        return found

    def without(self, patterns: Sequence[str]) -> Series | None:
        """The same, less the variables whose values have names that match; None without any."""
        kept = tuple(each for each in self.variables if not is_any(each.names.values, patterns))
        return replace(self, variables=kept) if kept else None

    def check(self) -> None:
        """Raise ValueError where a statistic cannot be."""
        if self.steps < 1 or not self.variables:
            raise ValueError("no steps")
        for each in self.variables:
            values = (each.low, each.high, each.mean, each.scale)
            if not all(map(isfinite, values)) or each.scale <= 0 or each.low > each.high:
                raise ValueError("out of order")


def series_of(document: Mapping[str, Any]) -> Series:
    """From a JSON document."""
    variables = tuple(
        Variable(**{**each, "names": Names(**each["names"])}) for each in document["variables"]
    )
    return Series(document["name"], document["steps"], variables)
