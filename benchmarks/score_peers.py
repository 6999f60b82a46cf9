"""Other ways to score rows of a table with a Keras model in Spark."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType

from benchmarks.score_limit import BATCH, UNITS
from lepton_spark.models.weights import unpack

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

ID = "id"
# Row by row takes hours; so many rows are timed, and their time is scaled.
MOST_SINGLE_ROWS = 2_000
Matrix = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def graph_of(folder: str, width: int) -> Any:
    """The Keras model as a graph for any number of rows, once in each worker."""
    import tensorflow as tf  # noqa: PLC0415  # only where one scores

    model = model_of(folder, width)
    return tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)


@lru_cache(maxsize=1)
def model_of(folder: str, width: int) -> Any:
    """The Keras model, once in each worker."""
    from lepton_spark.config.train import ModelSettings  # noqa: PLC0415  # only where one scores
    from lepton_spark.models.network import build  # noqa: PLC0415  # as above
    from lepton_spark.models.shape import Shape  # noqa: PLC0415  # as above

    model = build(ModelSettings(hidden=UNITS, dropout=0.0), Shape(width, ()))
    arrays = unpack((Path(folder) / "weights.npz").read_bytes())
    model.set_weights(list(arrays.values()))
    return model


def scored(folder: str, matrix: Matrix) -> npt.NDArray[np.float64]:
    """The scores of a matrix, in batches."""
    graph = graph_of(folder, matrix.shape[1])
    found = np.empty(len(matrix))
    for start in range(0, len(matrix), BATCH):
        part = matrix[start : start + BATCH]
        found[start : start + len(part)] = _shares(np.asarray(graph(_inputs(part))))
    return found


def _inputs(part: Matrix) -> dict[str, Any]:
    return {"numbers": part, "categories": np.zeros((len(part), 0), np.int32)}


def _shares(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return 1 / (1 + np.exp(-logits[:, 0].astype(np.float64)))


def by_arrow(rows: DataFrame, names: list[str], folder: str) -> DataFrame:
    """MapInArrow."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            matrix = np.stack([batch[name].to_numpy() for name in names]).T
            scores = scored(folder, np.ascontiguousarray(matrix, np.float32))
            yield pa.RecordBatch.from_pydict({ID: batch[ID], "score": scores})

    return rows.mapInArrow(run, "id bigint, score double")


def by_pandas(rows: DataFrame, names: list[str], folder: str) -> DataFrame:
    """MapInPandas."""

    def run(parts: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for part in parts:
            scores = scored(folder, part[names].to_numpy(np.float32))
            yield pd.DataFrame({ID: part[ID], "score": scores})

    return rows.mapInPandas(run, "id bigint, score double")


def by_batch_udf(rows: DataFrame, names: list[str], folder: str) -> DataFrame:
    """predict_batch_udf of Spark."""

    def make() -> Callable[[Matrix], npt.NDArray[np.float64]]:
        return lambda matrix: scored(folder, np.asarray(matrix, np.float32))

    udf = predict_batch_udf(
        make, return_type=DoubleType(), batch_size=BATCH, input_tensor_shapes=[[len(names)]]
    )
    given: Column = F.array(*names)
    return rows.select(ID, udf(given).alias("score"))


class _Pyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow's own form
    """The same model as MLflow is given one."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def predict(self, _context: Any, model_input: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Scores of the rows."""
        return scored(self._folder, model_input.to_numpy(np.float32))


def mlflow_udf(spark: SparkSession, folder: str) -> Any:
    """spark_udf of MLflow, logged to a folder."""
    place = Path(folder) / "pyfunc"
    if not place.exists():
        mlflow.pyfunc.save_model(str(place), python_model=_Pyfunc(folder), pip_requirements=[])
    return mlflow.pyfunc.spark_udf(spark, str(place), result_type="double", env_manager="local")


def row_by_row(path: Path, names: list[str], folder: str, processes: int) -> float:
    """Seconds that all rows would take one at a time, as Horovod's KerasModel scores them.

    Args:
        path: Parquet file.
        names: Columns, in the order of the weights.
        folder: Where the weights are.
        processes: So many would share the rows; one is timed, as if none slowed down another.
    """
    table = pq.ParquetFile(path).read_row_group(0)
    matrix = np.stack([table[name].to_numpy() for name in names]).T.astype(np.float32)
    matrix = matrix[:MOST_SINGLE_ROWS]
    model = model_of(folder, len(names))
    model.predict_on_batch(_inputs(matrix[:1]))
    started_at = time.perf_counter()
    for row in matrix:
        _shares(model.predict_on_batch(_inputs(row[None])))
    seconds = time.perf_counter() - started_at
    return seconds * pq.read_metadata(path).num_rows / len(matrix) / processes
