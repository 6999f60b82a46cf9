"""Metrics of scores that were counted in bins; each for many resamples at once.

`positives` and `negatives` are `[resamples, bins]`, bins by rising score. Where a resample has no
row of a class its ranking metrics are NaN.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

BINS = 8192
LOGIT_LIMIT = 16.0


def threshold_of(place: int) -> float:
    """The probability at the lower edge of a bin; bin 0 begins at 0."""
    if place <= 0:
        return 0.0
    logit = -LOGIT_LIMIT + place * 2 * LOGIT_LIMIT / BINS
    return float(1.0 / (1.0 + np.exp(-logit)))


def auc(positives: Floats, negatives: Floats) -> Floats:
    """Area under the ROC curve; scores in one bin count as equal."""
    below = np.cumsum(negatives, axis=1) - negatives
    pairs = (positives * (below + negatives / 2)).sum(axis=1)
    return _share(pairs, positives.sum(axis=1) * negatives.sum(axis=1))


def pr_auc(positives: Floats, negatives: Floats, is_tied: Flags) -> Floats:
    """Average precision.

    Args:
        positives: By bin.
        negatives: By bin.
        is_tied: `[bins]`, where all scores of a bin are equal. Elsewhere the rows of a bin are
            taken to be mixed evenly, which is exact on average.

    Returns:
        `[resamples]`; NaN where there is no positive.
    """
    p, n = positives[:, ::-1], negatives[:, ::-1]
    true = np.cumsum(p, axis=1)
    rows = true + np.cumsum(n, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        at_end = p * true / rows
        slope = 1 + n / p
        start_true, start = true - p + 0.5, rows - p - n + 0.5
        mixed = p / slope + (start_true - start / slope) / slope * np.log1p(slope * p / start)
    parts = np.where(is_tied[::-1], at_end, mixed)
    return _share(np.where(p > 0, parts, 0.0).sum(axis=1), positives.sum(axis=1))


def decisions(positives: Floats, negatives: Floats, is_above: Flags) -> dict[str, Floats]:
    """Accuracy, precision, recall and F1 where the bins `is_above` mean: positive."""
    true, false = positives[:, is_above].sum(axis=1), negatives[:, is_above].sum(axis=1)
    num_positive, num_negative = positives.sum(axis=1), negatives.sum(axis=1)
    right = true + num_negative - false
    return {
        "accuracy": _share(right, num_positive + num_negative),
        "precision": _share(true, true + false, empty=0.0),
        "recall": _share(true, num_positive),
        "f1": _share(2 * true, num_positive + true + false),
    }


def best_place(positives: Floats, negatives: Floats) -> int:
    """The bin from which on a positive decision gives the largest F1; the highest such bin.

    Args:
        positives: `[bins]`.
        negatives: `[bins]`.

    Returns:
        Its place among the bins; the last one where there is no positive.
    """
    true = np.cumsum(positives[::-1])[::-1]
    false = np.cumsum(negatives[::-1])[::-1]
    f1 = _share(2 * true, positives.sum() + true + false, empty=0.0)
    return int(np.flatnonzero(f1 == f1.max())[-1])


def mass_groups(rows: Floats, count: int) -> npt.NDArray[np.int64]:
    """Cut bins into groups of about equal numbers of rows.

    Args:
        rows: `[bins]`, at least one row in all.
        count: Most groups.

    Returns:
        `[bins]`, group of each bin, from 0, rising.
    """
    middle = np.cumsum(rows) - rows / 2
    groups: npt.NDArray[np.int64] = (middle * count / rows.sum()).astype(np.int64)
    return np.minimum(groups, count - 1)


def calibration_error(rows: Floats, predicted: Floats, observed: Floats) -> Floats:
    """Mean distance of predicted and observed share, weighted by rows; all `[resamples, groups]`.

    Args:
        rows: Number of rows.
        predicted: Sum of probabilities.
        observed: Number of positives.

    Returns:
        `[resamples]`, from 0 to 1; NaN where there are no rows.
    """
    return _share(np.abs(predicted - observed).sum(axis=1), rows.sum(axis=1))


def means(sums: Mapping[str, Floats], rows: Floats) -> dict[str, Floats]:
    """Sums over rows as means."""
    return {name: _share(total, rows) for name, total in sums.items()}


def _share(part: Floats, whole: Floats, *, empty: float = np.nan) -> Floats:
    is_empty = whole == 0
    shares: Floats = np.where(is_empty, empty, part / np.where(is_empty, 1.0, whole))
    return shares
