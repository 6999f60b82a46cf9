"""All metrics of one group of scores with their intervals, from counts a unit and bin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lepton_spark.evaluate import metrics

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GROUPS = 10
_LEVEL = 0.95
_AT_ONCE = 64
_OBSERVED = "_observed"
SUMS = {"log_loss": "loss", "brier": "squares"}


@dataclass(frozen=True)
class Cells:
    """Scores counted: one entry a unit and bin that has rows, all arrays `[cells]`.

    Args:
        unit: Which rows are resampled together, such as a day.
        place: Bin of the score.
        columns: positives, negatives, and the sums probability, loss and squares.
        low: Smallest score.
        high: Largest score.
    """

    unit: Ints
    place: Ints
    columns: Mapping[str, Floats]
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Resampling:
    """How intervals are made.

    Args:
        resamples: Number of times that as many units are drawn as there are, with replacement.
        place: Bin from which on the decision is positive; None leaves decisions out.
        keep: Metric whose resampled values are given back, for paired differences.
    """

    resamples: int
    seed: int
    place: int | None = None
    keep: str | None = None


class _Dense:
    """Cells as matrices over units and the bins that have rows."""

    def __init__(self, cells: Cells) -> None:
        self.units, unit = np.unique(cells.unit, return_inverse=True)
        self.places, place = np.unique(cells.place, return_inverse=True)
        self._shape = (len(self.units), len(self.places))
        self._cell = unit * len(self.places) + place
        self.positives = self.spread(cells.columns["positives"])
        self.negatives = self.spread(cells.columns["negatives"])
        low = np.full(len(self.places), np.inf)
        high = np.full(len(self.places), -np.inf)
        np.minimum.at(low, place, cells.low)
        np.maximum.at(high, place, cells.high)
        self.is_tied = low == high

    def spread(self, values: Floats) -> Floats:
        """Values of cells as `[units, bins]`."""
        size = self._shape[0] * self._shape[1]
        flat = np.bincount(self._cell, weights=values, minlength=size).astype(np.float64)
        return flat.reshape(self._shape)


def best_place(cells: Cells) -> int:
    """The bin from which on a positive decision gives the largest F1."""
    dense = _Dense(cells)
    place = metrics.best_place(dense.positives.sum(axis=0), dense.negatives.sum(axis=0))
    return int(dense.places[place])


def measure(cells: Cells, resampling: Resampling) -> dict[str, Any]:
    """Rows, positives, units; each metric as value, low and high; the reliability table.

    Returns:
        JSON-ready; a metric that is not defined is null. With `keep`, `resampled` holds its
        values, the first of which is that of the rows as they are.
    """
    dense = _Dense(cells)
    tables = _Tables(dense, cells, resampling.place)
    parts = [tables.measure(weights) for weights in draws(len(dense.units), resampling)]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    shares = found.pop(_OBSERVED)
    return {
        "rows": int(dense.positives.sum() + dense.negatives.sum()),
        "positives": int(dense.positives.sum()),
        "units": len(dense.units),
        "metrics": {name: interval(values) for name, values in found.items()},
        "reliability": tables.reliability(shares),
        **({"resampled": plain(found[resampling.keep])} if resampling.keep else {}),
    }


def interval(values: Floats) -> dict[str, float | None]:
    """The first value, and the middle 95 % of the others; nulls where too few are defined."""
    value, resampled = values[0], values[1:]
    defined = resampled[~np.isnan(resampled)]
    if len(defined) < _LEVEL * len(resampled) or not len(defined):
        return {"value": _number(value), "low": None, "high": None}
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return {"value": _number(value), "low": float(low), "high": float(high)}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def plain(values: Floats) -> list[float | None]:
    """Values as JSON has them: null for NaN."""
    return [_number(value) for value in values]


def draws(units: int, resampling: Resampling) -> Iterator[Floats]:
    """Weights `[some, units]`: first all ones, then how often each unit was drawn."""
    # The same draws for the same units, so that models are compared on the same resamples.
    random = np.random.default_rng([resampling.seed, units])
    yield np.ones((1, units))
    for start in range(0, resampling.resamples, _AT_ONCE):
        count = min(_AT_ONCE, resampling.resamples - start)
        yield random.multinomial(units, np.full(units, 1 / units), size=count).astype(np.float64)


class _Tables:
    """Everything of which a resample takes weighted sums."""

    def __init__(self, dense: _Dense, cells: Cells, place: int | None) -> None:
        self._dense = dense
        self._is_above = None if place is None else dense.places >= place
        rows = dense.positives + dense.negatives
        groups = metrics.mass_groups(rows.sum(axis=0), GROUPS)
        self._member = np.zeros((len(dense.places), GROUPS))
        self._member[np.arange(len(groups)), groups] = 1.0
        self._rows = rows @ self._member
        self._observed = dense.positives @ self._member
        self._predicted = dense.spread(cells.columns["probability"]) @ self._member
        self._sums = {
            name: dense.spread(cells.columns[column]).sum(axis=1) for name, column in SUMS.items()
        }

    def measure(self, weights: Floats) -> dict[str, Floats]:
        """Each metric by row of the weights; NaN where it cannot be had."""
        dense = self._dense
        positives, negatives = weights @ dense.positives, weights @ dense.negatives
        rows, observed = weights @ self._rows, weights @ self._observed
        found = {
            "auc": metrics.auc(positives, negatives),
            "pr_auc": metrics.pr_auc(positives, negatives, dense.is_tied),
            **metrics.means(
                {name: weights @ sums for name, sums in self._sums.items()}, rows.sum(axis=1)
            ),
            "calibration_error": metrics.calibration_error(
                rows, weights @ self._predicted, observed
            ),
        }
        if self._is_above is not None:
            found |= metrics.decisions(positives, negatives, self._is_above)
        with np.errstate(divide="ignore", invalid="ignore"):
            return {**found, _OBSERVED: observed / rows}

    def reliability(self, shares: Floats) -> list[dict[str, Any]]:
        """Groups by rising score: rows, mean prediction, observed share with its interval."""
        rows, predicted = self._rows.sum(axis=0), self._predicted.sum(axis=0)
        table = []
        for group in np.flatnonzero(rows):
            observed = interval(shares[:, group])
            table.append(
                {
                    "rows": int(rows[group]),
                    "predicted": float(predicted[group] / rows[group]),
                    "observed": observed["value"],
                    "low": observed["low"],
                    "high": observed["high"],
                }
            )
        return table
