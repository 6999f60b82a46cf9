"""One task's share of a pass over the training rows, as bytes that the driver adds up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lepton_spark.dataset.digest import RowsDigest, digest_rows
from lepton_spark.dataset.statistics import BINS, Bounds, Counts, Detail, Survey
from lepton_spark.dataset.transform import as_float

if TYPE_CHECKING:
    import pyarrow as pa

Part = TypeVar("Part", Survey, Detail)
Sparse = tuple[list[int], list[int]]


def survey(tables: Iterator[pa.Table], numbers: Sequence[str], categories: Sequence[str]) -> bytes:
    """Survey the number columns, and digest all of them."""
    digest = RowsDigest()
    found: list[Survey] = []
    for table in tables:
        digest += digest_rows(table, numbers, categories)
        found = _merge(found, [Survey.of(as_float(table, name)) for name in numbers])
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


def detail(tables: Iterator[pa.Table], bounds: Mapping[str, Bounds]) -> bytes:
    """Look closer at the number columns that have bounds."""
    found: list[Detail] = []
    for table in tables:
        details = [Detail.of(as_float(table, name), bound) for name, bound in bounds.items()]
        found = _merge(found, details)
    columns = [
        [_sparse(each.low), _sparse(each.high), each.between, each.total, each.squares]
        for each in found
    ]
    return json.dumps(columns).encode()


def read_detail(content: bytes) -> list[Detail]:
    """What `detail` wrote."""
    return [Detail(_dense(*low), _dense(*high), *sums) for low, high, *sums in json.loads(content)]


def _merge(found: list[Part], more: list[Part]) -> list[Part]:
    return [reduce(add, pair) for pair in zip(found, more, strict=True)] if found else more


def _sparse(counts: Counts) -> Sparse:
    places = np.flatnonzero(counts)
    return places.tolist(), counts[places].tolist()


def _dense(places: list[int], counts: list[int]) -> Counts:
    target = np.zeros(BINS, np.int64)
    target[places] = counts
    return target
