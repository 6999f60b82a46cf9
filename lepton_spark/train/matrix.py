"""The rows of the dataset as design matrices in a DataFrame, made in workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.reader import read_piece
from lepton_spark.dataset.shards import Piece, deal
from lepton_spark.dataset.values import as_float
from lepton_spark.models.design_matrix import dense, design_matrix, hot_columns, width_of
from lepton_spark.models.shape import Shape

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from lepton_spark.dataset.tensors import Block
    from lepton_spark.dataset.transform import FeatureTransform

_CELLS_AT_ONCE = 8_000_000
_ROWS_AT_ONCE = 8192
FEATURES = "features"
TARGET = "label"
IS_VALIDATION = "is_validation"
_SCHEMA = f"{FEATURES} array<float>, {TARGET} double, {IS_VALIDATION} boolean"
_SPARSE, _DENSE = 0, 1  # how a vector of spark.ml says what it is


@dataclass(frozen=True)
class MatrixSource:
    """What design matrices are made of.

    Args:
        parts: By part name, the pieces to read.
    """

    transform: FeatureTransform
    parts: Mapping[str, Sequence[Piece]]


def matrix_rows(spark: SparkSession, source: MatrixSource, *, num_tasks: int) -> DataFrame:
    """Design matrix, label and whether a row is of the validation part: what trees are fitted on.

    Args:
        spark: Its workers read and transform.
        source: Every task gets its share of each part.
        num_tasks: Partitions of the result; their rows differ by at most one for each part.

    Returns:
        Lazy: `features` array<float>, `label` double, `is_validation` boolean.
    """
    return _rows(spark, source, num_tasks, _SCHEMA, _lists)


def vector_rows(spark: SparkSession, source: MatrixSource, *, num_tasks: int) -> DataFrame:
    """The same with a 0/1 column for each level of a category: what linear models are fitted on.

    Args:
        spark: As of `matrix_rows`.
        source: As of `matrix_rows`.
        num_tasks: As of `matrix_rows`.

    Returns:
        Lazy: `features` a vector of spark.ml, sparse where there are categories, so that a row
        is as small with a million levels as with ten; `label` double, `is_validation` boolean.
    """
    from pyspark.ml.linalg import VectorUDT  # noqa: PLC0415  # slow to import
    from pyspark.sql.types import StructType  # noqa: PLC0415  # with it

    schema = StructType().add(FEATURES, VectorUDT())
    schema = schema.add(TARGET, "double").add(IS_VALIDATION, "boolean")
    return _rows(spark, source, num_tasks, schema, _vectors)


def _rows(
    spark: SparkSession,
    source: MatrixSource,
    num_tasks: int,
    schema: StructType | str,
    features: Callable[[Block, Shape], pa.Array],
) -> DataFrame:
    transform = source.transform
    dealt = {part: deal(pieces, num_tasks, 1).shards for part, pieces in source.parts.items()}

    def read(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The matrices of each task's shards, part by part."""
        for batch in numbers:
            for task in batch.column(0).to_pylist():
                for part, shards in dealt.items():
                    for piece in shards[task].pieces:
                        yield from _matrices(piece, part, transform, features)

    return spark.range(0, num_tasks, 1, num_tasks).mapInArrow(read, schema)


def _matrices(
    piece: Piece,
    part: str,
    transform: FeatureTransform,
    features: Callable[[Block, Shape], pa.Array],
) -> Iterator[pa.RecordBatch]:
    rows = read_piece(piece, [*transform.columns_to_fit, LABEL])
    rows = rows.filter(pc.invert(pa.array(transform.refused(rows))))
    shape = Shape.of(transform)
    given = sum(spec.num_bytes for spec in transform.specs.values()) // 4
    # A sparse row has as many cells as an ordinal one.
    width = width_of(shape, "ordinal") + given
    at_once = max(1, min(_ROWS_AT_ONCE, _CELLS_AT_ONCE // max(1, width)))
    for start in range(0, rows.num_rows, at_once):
        some = rows.slice(start, at_once)
        yield pa.RecordBatch.from_pydict(
            {
                FEATURES: features(transform.apply(some), shape),
                TARGET: pa.array(as_float(some, LABEL)),
                IS_VALIDATION: pa.array(np.full(some.num_rows, part == "validate")),
            }
        )


def _lists(block: Block, shape: Shape) -> pa.Array:
    return _as_lists(design_matrix(block, shape))


def _vectors(block: Block, shape: Shape) -> pa.Array:
    """As the type of vectors is stored: its kind, and what a sparse one has of which columns."""
    numbers, hot = dense(block, shape).astype(np.float64), hot_columns(block, shape)
    rows, width = numbers.shape
    if hot.shape[1] == 0:
        kind, sizes = _DENSE, pa.nulls(rows, pa.int32())
        indices = pa.nulls(rows, pa.list_(pa.int32()))
    else:
        kind, sizes = _SPARSE, pa.array(np.full(rows, width_of(shape, "one_hot"), np.int32))
        places = np.broadcast_to(np.arange(width, dtype=np.int32), (rows, width))
        indices = _as_lists(np.concatenate([places, hot], axis=1))
    values = _as_lists(np.concatenate([numbers, np.ones(hot.shape)], axis=1))
    kinds = pa.array(np.full(rows, kind, np.int8))
    return pa.StructArray.from_arrays(
        [kinds, sizes, indices, values], ["type", "size", "indices", "values"]
    )


def _as_lists(matrix: npt.NDArray[Any]) -> pa.Array:
    offsets = np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1]
    return pa.ListArray.from_arrays(offsets, np.ascontiguousarray(matrix).reshape(-1))
