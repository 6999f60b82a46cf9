"""The rows of the dataset as design matrices in a DataFrame, made in workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.reader import read_piece
from lepton_spark.dataset.shards import Piece, deal
from lepton_spark.dataset.values import as_float
from lepton_spark.models.design_matrix import Form, design_matrix, width_of
from lepton_spark.models.shape import Shape

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from lepton_spark.dataset.transform import FeatureTransform

_CELLS_AT_ONCE = 8_000_000
_ROWS_AT_ONCE = 8192
FEATURES = "features"
TARGET = "label"
IS_VALIDATION = "is_validation"
_SCHEMA = f"{FEATURES} array<float>, {TARGET} double, {IS_VALIDATION} boolean"


@dataclass(frozen=True)
class MatrixSource:
    """What design matrices are made of.

    Args:
        parts: By part name, the pieces to read.
    """

    transform: FeatureTransform
    parts: Mapping[str, Sequence[Piece]]


def matrix_rows(
    spark: SparkSession, source: MatrixSource, form: Form, *, num_tasks: int
) -> DataFrame:
    """Features, label and whether a row is of the validation part.

    Args:
        spark: Its workers read and transform.
        source: Every task gets its share of each part.
        form: As in `design_matrix`.
        num_tasks: Partitions of the result; their rows differ by at most one for each part.

    Returns:
        Lazy: `features` array<float>, `label` double, `is_validation` boolean.
    """
    transform = source.transform
    dealt = {part: deal(pieces, num_tasks, 1).shards for part, pieces in source.parts.items()}

    def read(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for task in batch.column(0).to_pylist():
                for part, shards in dealt.items():
                    for piece in shards[task].pieces:
                        yield from _matrices(piece, part, transform, form)

    return spark.range(0, num_tasks, 1, num_tasks).mapInArrow(read, _SCHEMA)


def _matrices(
    piece: Piece, part: str, transform: FeatureTransform, form: Form
) -> Iterator[pa.RecordBatch]:
    rows = read_piece(piece, [*transform.columns_to_fit, LABEL])
    rows = rows.filter(pc.invert(pa.array(transform.refused(rows))))
    shape = Shape.of(transform)
    given = sum(spec.num_bytes for spec in transform.specs.values()) // 4
    width = width_of(shape, form) + given
    at_once = max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // max(1, width)))
    for start in range(0, rows.num_rows, at_once):
        some = rows.slice(start, at_once)
        matrix = design_matrix(transform.apply(some), shape, form)
        offsets = np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1]
        yield pa.RecordBatch.from_pydict(
            {
                FEATURES: pa.ListArray.from_arrays(offsets, matrix.reshape(-1)),
                TARGET: pa.array(as_float(some, LABEL)),
                IS_VALIDATION: pa.array(np.full(len(matrix), part == "validate")),
            }
        )
