"""One task's share of a pass over the training rows, as bytes that the driver adds up."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lepton_spark.dataset.digest import RowsDigest, digest_rows
from lepton_spark.dataset.statistics import BINS, Bounds, Counts, Detail, Survey
from lepton_spark.dataset.statistics import Values as Floats
from lepton_spark.dataset.values import as_float, as_steps

if TYPE_CHECKING:
    import pyarrow as pa

Part = TypeVar("Part", Survey, Detail)
# How the values of a column of rows are read.
Values = Callable[["pa.Table", str], Floats]
Sparse = tuple[list[int], list[int]]


def survey(
    tables: Iterator[pa.Table],
    numbers: Sequence[str],
    texts: Sequence[str],
    values: Values = as_float,
) -> bytes:
    """Survey the values of number columns, and digest all columns as they are."""
    digest = RowsDigest()
    found: list[Survey] = []
    for table in tables:
        digest += digest_rows(table, numbers, texts)
        found = _merge(found, (Survey.of(values(table, name)) for name in numbers))
    document = {
        "digest": [digest.rows, digest.first, digest.second],
        "columns": [[each.missing, *_sparse(each.upper)] for each in found],
    }
    return _packed(document)


def _packed(document: object) -> bytes:
    """JSON, a quarter of its size: the driver is sent one of each task, for all columns."""
    return zlib.compress(json.dumps(document).encode(), level=1)


def total_survey(blobs: Iterable[bytes]) -> tuple[RowsDigest, list[Survey]]:
    """The sum of what `survey` wrote in each task; no survey where there are no rows.

    Counts of one task and column are held beside the sum: those of all tasks of a wide table would
    be gigabytes.
    """
    digest, total = RowsDigest(), list[Survey]()
    for blob in blobs:
        document = json.loads(zlib.decompress(blob))
        digest += RowsDigest(*document["digest"])
        columns = document["columns"]
        total = _merge(total, (Survey(gone, _dense(*upper)) for gone, *upper in columns))
    return digest, total


def detail(
    tables: Iterator[pa.Table], bounds: Mapping[str, Bounds], values: Values = as_float
) -> bytes:
    """Look closer at the number columns that have bounds."""
    found: list[Detail] = []
    for table in tables:
        found = _merge(found, (Detail.of(values(table, n), at) for n, at in bounds.items()))
    columns = [
        [_sparse(each.low), _sparse(each.high), each.between, each.total, each.squares]
        for each in found
    ]
    return _packed(columns)


def total_detail(blobs: Iterable[bytes]) -> list[Detail]:
    """The sum of what `detail` wrote in each task, held as in `total_survey`."""
    total: list[Detail] = []
    for blob in blobs:
        columns = json.loads(zlib.decompress(blob))
        parts = (Detail(_dense(*low), _dense(*high), *sums) for low, high, *sums in columns)
        total = _merge(total, parts)
    return total


def clipped(fences: Mapping[str, tuple[float, float]]) -> Values:
    """Values that lie within the fences of their column, where it has some."""

    def values(rows: pa.Table, name: str) -> Floats:
        """A column's numbers, drawn to its fences where it has some; NaN where null."""
        found = as_float(rows, name)
        return np.clip(found, *fences[name]) if name in fences else found

    return values


def of_steps(values: Values, steps: Mapping[str, int]) -> Values:
    """The values of all steps where a column is a list of so many, and as before elsewhere."""

    def read(rows: pa.Table, name: str) -> Floats:
        """All values of a column, NaN where there is none."""
        if name not in steps:
            return values(rows, name)
        return as_steps(rows, name, steps[name]).ravel()

    return read


def distance(centres: Mapping[str, float]) -> Values:
    """How far values are from the centre of their column."""

    def values(rows: pa.Table, name: str) -> Floats:
        """A column's distances from its centre; NaN where null."""
        found: Floats = np.abs(as_float(rows, name) - centres[name])
        return found

    return values


def _merge(found: list[Part], more: Iterable[Part]) -> list[Part]:
    """Add column by column, so that no more than one of `more` is there at a time."""
    if not found:
        return list(more)
    for place, each in enumerate(more):
        found[place] = found[place] + each
    return found


def _sparse(counts: Counts) -> Sparse:
    places = np.flatnonzero(counts)
    return places.tolist(), counts[places].tolist()


def _dense(places: list[int], counts: list[int]) -> Counts:
    target = np.zeros(BINS, np.int64)
    target[places] = counts
    return target
