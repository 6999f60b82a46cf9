"""Fit what finds outliers: fences from exact quantiles, forests from a bounded sample."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from lepton_spark.config.fitted import FOREST_SHARE, MAD_LIMIT
from lepton_spark.dataset import passes
from lepton_spark.dataset.digest import key_words, row_words
from lepton_spark.dataset.outliers import FLAG, REFUSE, Fence, Forest
from lepton_spark.dataset.statistics import Bounds, Survey, value_at
from lepton_spark.dataset.values import as_float, as_float32
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from lepton_spark.config.fitted import Outliers
    from lepton_spark.dataset.scan import Scan

logger = logging.getLogger(__name__)
# Rows that a forest is grown on, those with the smallest hash of their key.
SAMPLE_ROWS = 8192
_SEED = 7
_QUARTILES = (0.25, 0.75)
# Of a normal distribution, the median absolute deviation times this is the standard deviation.
_NORMAL = 1.4826
_SAMPLE = "hash bigint, cells array<float>"


@dataclass(frozen=True)
class Found:
    """What was fitted to find outliers.

    Args:
        clips: Column to the fences that its values are moved to.
    """

    fences: tuple[Fence, ...]
    forests: tuple[Forest, ...]
    clips: Mapping[str, tuple[float, float]]

    @property
    def refusing(self) -> tuple[Fence | Forest, ...]:
        """Those whose rows are left out."""
        finders: list[Fence | Forest] = [*self.fences, *self.forests]
        return tuple(each for each in finders if each.then == REFUSE)


def fit_outliers(
    scan: Scan, numbers: Sequence[str], rules: Mapping[str, Outliers], key: Sequence[str] = ()
) -> Found:
    """Fit the rules of a case.

    Two passes over the columns with fences, two more where one is `by: mad`, and one a forest;
    none without rules.

    Args:
        scan: All training rows.
        numbers: Number features.
        rules: By name or pattern; the first fence that a column matches is its own.
        key: Columns that tell rows apart; a forest is grown on the rows of the smallest hashes of
            them. Without any, rows of equal numbers come into its sample together.

    Returns:
        What the rules find; no forest where no column of its pattern varies.

    Raises:
        DataError: More than half of the values of a column are the same, so that no distance
            between values can be told from them.
    """
    by_column = {
        name: rule
        for pattern, rule in reversed(list(rules.items()))
        for name in numbers
        if rule.by != "isolation_forest" and fnmatchcase(name, pattern)
    }
    bounds = _fences(scan, by_column)
    fences = [
        Fence(name, *bounds[name], by_column[name].then)
        for name in numbers
        if name in bounds and by_column[name].then in {FLAG, REFUSE}
    ]
    clips = {name: bounds[name] for name in bounds if by_column[name].then == "clip"}
    forests = [
        _forest(scan, pattern, [n for n in numbers if fnmatchcase(n, pattern)], rule, key)
        for pattern, rule in rules.items()
        if rule.by == "isolation_forest"
    ]
    return Found(tuple(fences), tuple(each for each in forests if each is not None), clips)


def _fences(scan: Scan, rules: Mapping[str, Outliers]) -> dict[str, tuple[float, float]]:
    asked = {name: _probabilities(rule) for name, rule in rules.items()}
    quantiles = _quantiles(scan, asked, as_float)
    centres = {n: sum(at) / 2 for n, at in quantiles.items() if rules[n].by == "mad"}
    halves = dict.fromkeys(centres, (0.5, 0.5))
    spreads = _quantiles(scan, halves, passes.distance(centres))
    fences = {name: at for name, at in quantiles.items() if rules[name].p_low is not None}
    for name, (low, high) in quantiles.items():
        if (factor := rules[name].iqr) is not None:
            fences[name] = (low - factor * (high - low), high + factor * (high - low))
    for name, spread in spreads.items():
        reach = (rules[name].limit or MAD_LIMIT) * _NORMAL * sum(spread) / 2
        fences[name] = (centres[name] - reach, centres[name] + reach)
    flat = [n for n, (low, high) in fences.items() if low == high and rules[n].p_low is None]
    if flat:
        raise _no_spread(sorted(flat))
    return fences


def _probabilities(rule: Outliers) -> tuple[float, float]:
    if rule.by == "mad":
        return (0.5, 0.5)
    return (rule.p_low, rule.p_high) if rule.p_low is not None else _QUARTILES  # type: ignore[return-value]  # given together


def _quantiles(
    scan: Scan, asked: Mapping[str, tuple[float, float]], values: passes.Values
) -> dict[str, tuple[float, float]]:
    """Two exact quantiles of each column that has a value; two passes."""
    names = list(asked)
    blobs = scan.collect(names, lambda tables: passes.survey(tables, names, (), values))
    surveys = dict(zip(names, passes.total_survey(blobs)[1], strict=True))
    ranks = {name: _ranks(surveys[name], asked[name]) for name in names if surveys[name].count}
    bounds = {name: Bounds.around(surveys[name], *ranks[name]) for name in ranks}
    blobs = scan.collect(list(bounds), lambda tables: passes.detail(tables, bounds, values))
    details = dict(zip(bounds, passes.total_detail(blobs), strict=True))
    return {
        name: tuple(value_at(surveys[name], bounds[name], details[name], r) for r in ranks[name])  # type: ignore[misc]  # two ranks
        for name in ranks
    }


def _ranks(survey: Survey, probabilities: tuple[float, float]) -> tuple[int, int]:
    """Ranks of two quantiles: the row below the first, the row above the second."""
    last = survey.count - 1
    low, high = probabilities
    return int(np.floor(low * last)), int(np.ceil(high * last))


def _forest(
    scan: Scan, name: str, columns: Sequence[str], rule: Outliers, key: Sequence[str]
) -> Forest | None:
    if not columns:
        logger.warning("no column matches %s, so that it has no outliers", name)
        return None
    values = _sample(scan, columns, key)
    fills = np.array([_median(column) for column in values.T], np.float32)
    filled = np.where(np.isnan(values), fills, values)
    varies = filled.min(axis=0, initial=np.inf) < filled.max(axis=0, initial=-np.inf)
    if not varies.any():
        logger.warning("no column of %s varies, so that it has no outliers", name)
        return None
    kept = [column for column, does in zip(columns, varies, strict=True) if does]
    forest = grow(name, kept, filled[:, varies], rule)
    return replace(forest, fills=tuple(fills[varies].astype(float).tolist()))


def _median(column: npt.NDArray[np.float32]) -> float:
    known = column[~np.isnan(column)]
    # The mean of the two in the middle may be more than 32 bits can hold on the way.
    return float(np.median(known.astype(np.float64))) if len(known) else 0.0


def _sample(scan: Scan, columns: Sequence[str], key: Sequence[str]) -> npt.NDArray[np.float32]:
    """The rows of the smallest hashes, however they are cut into files."""

    def choose(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
        """The rows with the least hashes of each table, at most `SAMPLE_ROWS`."""
        for table in tables:
            # Not of the values: a value that many rows have would be in the sample with all of
            # them, or with none.
            words = key_words(table, key) if key else row_words(table, columns, ())
            hashes = words.view(np.int64)
            smallest = np.argsort(hashes, kind="stable")[:SAMPLE_ROWS]
            cells = np.column_stack([as_float(table, name)[smallest] for name in columns])
            flat = as_float32(cells).reshape(-1)
            offsets = np.arange(len(smallest) + 1, dtype=np.int32) * len(columns)
            lists = pa.ListArray.from_arrays(offsets, pa.array(flat))
            yield pa.RecordBatch.from_arrays([pa.array(hashes[smallest]), lists], ["hash", "cells"])

    chosen = scan.rows((*columns, *key), choose, _SAMPLE)
    smallest = chosen.orderBy("hash", "cells").limit(SAMPLE_ROWS).collect()
    rows = [row["cells"] for row in smallest]
    return np.reshape(np.array(rows, np.float32), (len(rows), len(columns)))


def grow(
    name: str, columns: Sequence[str], values: npt.NDArray[np.float32], rule: Outliers
) -> Forest:
    """Grow a forest with scikit-learn and take it out of its objects.

    Args:
        name: What the case calls it.
        columns: Names, `[columns]`.
        values: `[rows, columns]`, none missing; the same rows in the same order give the same.
        rule: Share of rows that are outliers, and what becomes of them.

    Returns:
        What scores rows as the forest of scikit-learn would; missing values count as 0.
    """
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415  # only where a case asks for it

    share = rule.share or FOREST_SHARE
    model = IsolationForest(contamination=share, random_state=_SEED).fit(values)
    arrays: dict[str, list[float]] = {
        part: [] for part in ("feature", "threshold", "left", "right", "length")
    }
    roots = []
    for estimator in model.estimators_:
        roots.append(len(arrays["feature"]))
        for part, array in _nodes(estimator.tree_, roots[-1]).items():
            arrays[part] += array.tolist()
    return Forest(
        name,
        tuple(columns),
        fills=(0.0,) * len(columns),
        offset=float(model.offset_),
        then=rule.then,
        norm=float(_mean_path(np.array([model.max_samples_]))[0]),
        roots=tuple(roots),
        **{part: tuple(array) for part, array in arrays.items()},  # type: ignore[arg-type]  # lists of the right kind
    )


def _nodes(tree: Any, first: int) -> dict[str, npt.NDArray[Any]]:
    """The nodes of one tree of scikit-learn, numbered from `first`."""
    left, right = tree.children_left, tree.children_right
    is_leaf, own = left < 0, np.arange(tree.node_count)
    depth = np.zeros(tree.node_count)
    for node in np.flatnonzero(~is_leaf):
        depth[[left[node], right[node]]] = depth[node] + 1
    return {
        "feature": np.where(is_leaf, -1, tree.feature),
        "threshold": np.where(is_leaf, 0.0, tree.threshold),
        "left": np.where(is_leaf, own, left) + first,
        "right": np.where(is_leaf, own, right) + first,
        "length": np.where(is_leaf, depth + _mean_path(tree.n_node_samples), 0.0),
    }


def _mean_path(rows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Mean length of an unsuccessful search in a binary tree of so many rows (Liu et al.)."""
    count = np.maximum(rows, 2).astype(np.float64)
    mean = 2.0 * (np.log(np.maximum(count - 1.0, 1.0)) + np.euler_gamma)
    mean -= 2.0 * (count - 1.0) / count
    return np.select([rows <= 1, rows == 2], [0.0, 1.0], mean)  # noqa: PLR2004  # of two rows


def _no_spread(names: list[str]) -> DataError:
    return DataError(
        "LS-2170",
        f"outliers of {names} cannot be told: at least half of the training rows have one value",
        "a fence from the median deviation or the quartiles would make all other values outliers",
        "use `by: quantile` with p_low and p_high for them, or take them out of the pattern",
    )
