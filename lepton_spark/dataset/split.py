"""Which part of the dataset a row is in: train, validate or test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from lepton_spark.config.case import Split

SPLIT = "_split"
PARTS = ("train", "validate", "test")
GAP = "gap"
_BUCKETS = 1 << 20


def assign_split(rows: DataFrame, split: Split, *, day: str, key: Sequence[str]) -> DataFrame:
    """Name the part of each row.

    Args:
        rows: Has the key and the day, neither null.
        split: First days of validation and test, or their shares; where shares are of groups,
            the rows have the columns of `by`, null or not.
        day: Date column; not used where the split goes by shares.
        key: Columns that identify a row; rows of one key, or group, are always in one part of a
            split by shares.

    Returns:
        The same rows and columns, and `_split`: one of `PARTS`, or `GAP` of rows to leave out.
    """
    if split.validate_from is not None and split.test_from is not None:
        firsts = (split.validate_from, split.test_from)
        part = (
            F.when(is_shortly_before(firsts, day, split.gap_days), GAP)
            .when(F.col(day) >= F.lit(split.test_from), "test")
            .when(F.col(day) >= F.lit(split.validate_from), "validate")
            .otherwise("train")
        )
        return rows.withColumn(SPLIT, part)
    return rows.withColumn(SPLIT, _by_share(split, split.by or key))


def is_shortly_before(firsts: Sequence[date], day: str, gap_days: int) -> Column:
    """Whether a day is one of so many before one of the first days; never for a gap of 0."""
    is_near = [
        (F.col(day) >= F.date_sub(F.lit(first), gap_days)) & (F.col(day) < F.lit(first))
        for first in firsts
    ]
    return reduce(or_, is_near)


def key_hash(key: Sequence[str], seed: int) -> Column:
    """A 64-bit number that depends on the key and the seed only, for splits and orders."""
    return F.xxhash64(F.lit(seed), *(F.col(name) for name in key))


def _by_share(split: Split, columns: Sequence[str]) -> Column:
    place = F.pmod(key_hash(columns, split.seed), F.lit(_BUCKETS)) / F.lit(_BUCKETS)
    test_share, validate_share = split.test_share or 0.0, split.validate_share or 0.0
    return (
        F.when(place < test_share, "test")
        .when(place < test_share + validate_share, "validate")
        .otherwise("train")
    )
