"""One task's share of a pass over the training rows, as bytes that the driver adds up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add
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
        found = _merge(found, [Survey.of(values(table, name)) for name in numbers])
    document = {
        "digest": [digest.rows, digest.first, digest.second],
        "columns": [[each.missing, *_sparse(each.upper)] for each in found],
    }
    return json.dumps(document).encode()


def read_survey(content: bytes) -> tuple[RowsDigest, list[Survey]]:
    """What `survey` wrote."""
    document = json.loads(content)
    surveys = [Survey(missing, _dense(*upper)) for missing, *upper in document["columns"]]
    return RowsDigest(*document["digest"]), surveys


def detail(
    tables: Iterator[pa.Table], bounds: Mapping[str, Bounds], values: Values = as_float
) -> bytes:
    """Look closer at the number columns that have bounds."""
    found: list[Detail] = []
    for table in tables:
        details = [Detail.of(values(table, name), bound) for name, bound in bounds.items()]
        found = _merge(found, details)
    columns = [
        [_sparse(each.low), _sparse(each.high), each.between, each.total, each.squares]
        for each in found
    ]
    return json.dumps(columns).encode()


def read_detail(content: bytes) -> list[Detail]:
    """What `detail` wrote."""
    return [Detail(_dense(*low), _dense(*high), *sums) for low, high, *sums in json.loads(content)]


def clipped(fences: Mapping[str, tuple[float, float]]) -> Values:
    """Values that lie within the fences of their column, where it has some."""

    def values(rows: pa.Table, name: str) -> Floats:
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
        found: Floats = np.abs(as_float(rows, name) - centres[name])
        return found

    return values


def _merge(found: list[Part], more: list[Part]) -> list[Part]:
    return [reduce(add, pair) for pair in zip(found, more, strict=True)] if found else more


def _sparse(counts: Counts) -> Sparse:
    places = np.flatnonzero(counts)
    return places.tolist(), counts[places].tolist()


def _dense(places: list[int], counts: list[int]) -> Counts:
    target = np.zeros(BINS, np.int64)
    target[places] = counts
    return target
