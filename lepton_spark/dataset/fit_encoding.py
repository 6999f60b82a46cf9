"""Fit target encodings: whole numbers of rows and positives a level and fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.dataset.encoding import FEWEST_FOLDS, FOLD, TargetEncoding
from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.values import as_float, as_text
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.fitted import TargetEncodingSettings
    from lepton_spark.dataset.scan import Scan

Counts = tuple[tuple[int, ...], tuple[int, ...]]
_COUNTS = "place int, level string, fold int, rows bigint, positives bigint"


def fit_encodings(
    scan: Scan, names: Sequence[str], settings: TargetEncodingSettings | None
) -> tuple[TargetEncoding, ...]:
    """Count rows and positives of each level in each fold, in one pass.

    Args:
        scan: Training rows with their label and fold.
        names: Features to encode. Collects at most `max_levels` small rows for each.
        settings: Folds and smoothing.

    Returns:
        One for each name, in their order; none without settings.

    Raises:
        DataError: The dataset has other folds, all rows are in one, or in one class.
    """
    if settings is None or not names:
        return ()
    folds = settings.folds

    def count(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
        """Rows and positives of each level by fold, a batch a column and table."""
        for table in tables:
            for place, name in enumerate(names):
                yield _count(table, place, name)

    counted = scan.rows((*names, LABEL, FOLD), count, _COUNTS)
    found: list[dict[str, Counts]] = [{} for _ in names]
    totals: list[Counts] = [((0,) * folds, (0,) * folds) for _ in names]
    for row in _most_frequent(counted, folds, settings.max_levels).collect():
        if row["foreign"]:
            raise _other_folds(folds)
        counts = (tuple(row["rows"]), tuple(row["positives"]))
        if row["level"] is None:
            totals[row["place"]] = counts
        else:
            found[row["place"]][row["level"]] = counts
    if any(sum(number > 0 for number in rows) < FEWEST_FOLDS for rows, _ in totals):
        raise _one_fold()
    if any(sum(positives) in (0, sum(rows)) for rows, positives in totals):
        raise _one_class()
    return tuple(
        _encoding(name, levels, total, settings.smoothing)
        for name, levels, total in zip(names, found, totals, strict=True)
    )


def _encoding(
    name: str, levels: dict[str, Counts], total: Counts, smoothing: float
) -> TargetEncoding:
    return TargetEncoding(
        name,
        levels=tuple(levels),
        rows=tuple(rows for rows, _ in levels.values()),
        positives=tuple(positives for _, positives in levels.values()),
        all_rows=total[0],
        all_positives=total[1],
        smoothing=smoothing,
    )


def _count(table: pa.Table, place: int, name: str) -> pa.RecordBatch:
    """Rows and positives a level and fold; the level null stands for all rows."""
    coded = as_text(table, name).dictionary_encode()
    level = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    fold, label = (as_float(table, column).astype(np.int64) for column in (FOLD, LABEL))
    num_folds = int(fold.max(initial=0)) + 1
    is_known = level >= 0
    rows, positives = (
        _grid(level[is_known], fold[is_known], weights, (len(coded.dictionary), num_folds))
        for weights in (None, label[is_known])
    )
    all_rows, all_positives = (
        _grid(np.zeros_like(fold), fold, weights, (1, num_folds)) for weights in (None, label)
    )
    levels, folds = np.nonzero(rows)
    everything = np.flatnonzero(all_rows[0])
    words = pa.concat_arrays(
        [coded.dictionary.take(pa.array(levels)), pa.nulls(len(everything), pa.string())]
    )
    columns = {
        "place": pa.array(np.full(len(words), place), pa.int32()),
        "level": words,
        "fold": pa.array(np.r_[folds, everything], pa.int32()),
        "rows": pa.array(np.r_[rows[levels, folds], all_rows[0, everything]]),
        "positives": pa.array(np.r_[positives[levels, folds], all_positives[0, everything]]),
    }
    return pa.RecordBatch.from_pydict(columns)


def _grid(
    first: npt.NDArray[np.int64],
    second: npt.NDArray[np.int64],
    weights: npt.NDArray[np.int64] | None,
    shape: tuple[int, int],
) -> npt.NDArray[np.int64]:
    counts = np.bincount(first * shape[1] + second, weights, minlength=shape[0] * shape[1])
    return counts.astype(np.int64).reshape(shape)


def _most_frequent(counted: DataFrame, folds: int, most: int) -> DataFrame:
    """One row a level, in the order of its rows; each fold a place of an array."""

    def by_fold(name: str) -> list[Column]:
        """The sum of a column in each fold, 0 where a fold has no such row."""
        is_fold = (F.when(F.col("fold") == number, F.col(name)) for number in range(folds))
        return [F.coalesce(F.sum(value), F.lit(0)) for value in is_fold]

    levels = counted.groupBy("place", "level").agg(
        F.array(*by_fold("rows")).alias("rows"),
        F.array(*by_fold("positives")).alias("positives"),
        F.sum("rows").alias("all"),
        F.max(F.col("fold") >= folds).alias("foreign"),
    )
    frequent = Window.partitionBy("place", F.col("level").isNull()).orderBy(
        F.desc("all"), F.asc("level")
    )
    ranked = levels.withColumn("rank", F.row_number().over(frequent))
    return ranked.filter(F.col("rank") <= most).orderBy("place", "rank")


def _other_folds(folds: int) -> DataError:
    return DataError(
        "LS-2171",
        f"the dataset was prepared with more than the {folds} folds of transform.target_encoding",
        "a training row is encoded by the folds that it is not in",
        "prepare the dataset again: lepton dataset with another --revision",
    )


def _one_fold() -> DataError:
    return DataError(
        "LS-2172",
        "all training rows are in one fold of transform.target_encoding",
        "a row is encoded by the rows of other folds, of which there are none",
        "train on more rows, or take target_encoding out of the case",
    )


def _one_class() -> DataError:
    return DataError(
        "LS-2174",
        "all training rows that are not refused have one label",
        "transform.target_encoding writes the share of positives of each level",
        "look at what transform.outliers refuses, or take target_encoding out of the case",
    )
