"""A Parquet file of forty floats and a label, and what the engine reads it as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lepton_spark.dataset.shards import Piece, whole
from lepton_spark.dataset.transform import FeatureTransform, NumberColumn

LABEL = "label"
COLUMNS, ROW_GROUP = 40, 131_072


def written(folder: Path, rows: int) -> Path:
    """A file of normal floats, and a label that follows from products of some of them."""
    path, random = folder / f"rows-{rows}.parquet", np.random.default_rng(7)
    names = [*(f"x{number:02}" for number in range(COLUMNS)), LABEL]
    schema = pa.schema([(name, pa.float32()) for name in names])
    with pq.ParquetWriter(path, schema, use_dictionary=False, write_page_checksum=True) as file:
        for first in range(0, rows, ROW_GROUP):
            count = min(ROW_GROUP, rows - first)
            numbers = random.standard_normal((COLUMNS, count), np.float32)
            logit = 1.5 * numbers[0] * numbers[1] + numbers[2] - np.abs(numbers[3])
            label = (random.random(count) < 1 / (1 + np.exp(-logit))).astype(np.float32)
            file.write_table(pa.table([*numbers, label], schema=schema), row_group_size=ROW_GROUP)
    return path


def features_of(path: str | Path) -> list[str]:
    """The columns of a file but its label."""
    return [name for name in pq.read_schema(path).names if name != LABEL]


def pieces_of(path: str | Path) -> tuple[Piece, ...]:
    """The row groups of a file."""
    meta = pq.read_metadata(path)
    return tuple(
        whole(str(path), group, meta.row_group(group).num_rows)
        for group in range(meta.num_row_groups)
    )


def untouched(path: str | Path, rows_digest: str = "") -> FeatureTransform:
    """A transform that gives the features of a file as they are: no value is beyond its range."""
    numbers = (
        NumberColumn(name, -10.0, 10.0, 0.0, 0.0, 1.0, has_missing_flag=False)
        for name in features_of(path)
    )
    return FeatureTransform(tuple(numbers), (), rows_digest)
