"""Peers of `transform`, all given the statistics of one fitted document, and the limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.ml import Pipeline
from pyspark.ml.feature import (
    Imputer,
    SQLTransformer,
    StandardScaler,
    StringIndexer,
    VectorAssembler,
)
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from pyspark.ml import PipelineModel
    from pyspark.sql import Column, DataFrame, SparkSession

    from lepton_spark.dataset.transform import FeatureTransform, NumberColumn


@dataclass(frozen=True)
class Work:
    """A file of rows and what becomes of them.

    Args:
        transform: Its outputs are the columns to write, then an index for each category.
    """

    path: Path
    rows: int
    transform: FeatureTransform

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of the output."""
        return (*self.transform.outputs, *(c.name for c in self.transform.categories))


def one_select(spark: SparkSession, work: Work, target: Path) -> None:
    """All columns in one projection, categories by broadcast joins."""
    rows = _looked_up(spark, spark.read.parquet(str(work.path)), work)
    numbers = [_number(column).alias(column.name) for column in work.transform.numbers]
    flags = [_flag(column) for column in work.transform.numbers if column.has_missing_flag]
    places = [F.col(f"_{c.name}").alias(c.name) for c in work.transform.categories]
    rows.select("id", *numbers, *flags, *places).write.parquet(str(target))


def column_by_column(spark: SparkSession, work: Work, target: Path) -> None:
    """The same, a `withColumn` at a time."""
    rows = _looked_up(spark, spark.read.parquet(str(work.path)), work)
    for column in work.transform.numbers:
        if column.has_missing_flag:
            rows = rows.withColumn(f"{column.name} is missing", _flag(column))
        rows = rows.withColumn(column.name, _number(column))
    for category in work.transform.categories:
        rows = rows.withColumn(category.name, F.col(f"_{category.name}"))
    rows.select("id", *map(_quoted, work.names)).write.parquet(str(target))


def by_pandas(spark: SparkSession, work: Work, target: Path) -> None:
    """A pandas UDF a column."""
    rows = spark.read.parquet(str(work.path))
    columns: list[Column] = []
    for column in work.transform.numbers:
        columns.append(_in_pandas(column)(F.col(column.name)).alias(column.name))
        if column.has_missing_flag:
            columns.append(_flag(column))
    for category in work.transform.categories:
        index = {word: place for place, word in enumerate(category.vocabulary, start=1)}
        columns.append(_indexed(index)(F.col(category.name)).alias(category.name))
    rows.select("id", *columns).write.parquet(str(target))


def ml_pipeline(spark: SparkSession, work: Work) -> PipelineModel:
    """A fitted pipeline of spark.ml with the same clipping; its deviations are of filled values."""
    numbers = work.transform.numbers
    clips = ", ".join(
        f"greatest({c.low!r}D, least({c.high!r}D, {c.name})) AS `_{c.name}`" for c in numbers
    )
    flags = ", ".join(
        f"CAST({c.name} IS NULL AS float) AS `{c.name} is missing`"
        for c in numbers
        if c.has_missing_flag
    )
    # greatest and least pass nulls over; a null must stay one for the imputer.
    kept = ", ".join(f"IF({c.name} IS NULL, NULL, `_{c.name}`) AS `_{c.name}`" for c in numbers)
    words = [c.name for c in work.transform.categories]
    own = ", ".join(["id", *words])
    filled = [f"filled {c.name}" for c in numbers]
    stages = [
        SQLTransformer(statement=f"SELECT {own}, {clips}, {flags}, "
                       f"{', '.join(c.name for c in numbers)} FROM __THIS__"),
        SQLTransformer(statement=f"SELECT {own}, {kept}, "
                       f"{', '.join(f'`{n}`' for n in work.transform.outputs[len(numbers):])}"
                       " FROM __THIS__"),
        Imputer(inputCols=[f"_{c.name}" for c in numbers], outputCols=filled),
        VectorAssembler(inputCols=filled, outputCol="vector"),
        StandardScaler(inputCol="vector", outputCol="scaled", withMean=True),
        StringIndexer(inputCols=words, outputCols=[f"_{n}" for n in words], handleInvalid="keep"),
    ]  # fmt: skip
    return Pipeline(stages=stages).fit(spark.read.parquet(str(work.path)))


def by_ml(spark: SparkSession, work: Work, model: PipelineModel, target: Path) -> None:
    """The fitted pipeline over the file."""
    rows = model.transform(spark.read.parquet(str(work.path)))
    flags = work.transform.outputs[len(work.transform.numbers) :]
    words = [F.col(f"_{c.name}").alias(c.name) for c in work.transform.categories]
    # Vectors are written as they are: taking them apart would cost more.
    rows.select("id", "scaled", *map(_quoted, flags), *words).write.parquet(str(target))


def polars(work: Work, target: Path) -> None:
    """One lazy query."""
    columns: list[pl.Expr] = []
    for column in work.transform.numbers:
        value = pl.col(column.name).clip(column.low, column.high).fill_null(column.fill)
        columns.append(((value - column.mean) / column.scale).cast(pl.Float32))
    for column in work.transform.numbers:
        if column.has_missing_flag:
            flag = pl.col(column.name).is_null().cast(pl.Float32)
            columns.append(flag.alias(f"{column.name} is missing"))
    for category in work.transform.categories:
        index = {word: place for place, word in enumerate(category.vocabulary, start=1)}
        place = pl.col(category.name).replace_strict(index, default=0, return_dtype=pl.Int32)
        columns.append(place)
    query = pl.scan_parquet(work.path).select("id", *columns)
    query.collect(engine="streaming").write_parquet(target)


def limit(work: Work, target: Path) -> None:
    """Decode, the least arithmetic in NumPy, encode; two row groups at a time."""
    target.mkdir()

    def one(group: int) -> None:
        rows = pq.ParquetFile(work.path).read_row_group(group, use_threads=False)
        found: dict[str, Any] = {"id": rows["id"]}
        flags: dict[str, Any] = {}
        for column in work.transform.numbers:
            values, is_missing = _least(rows[column.name], column)
            found[column.name] = pa.array(values)
            if column.has_missing_flag:
                flags[f"{column.name} is missing"] = pa.array(is_missing.astype(np.float32))
        found |= flags
        for category in work.transform.categories:
            words = pa.array(category.vocabulary)
            places = pa.compute.index_in(rows[category.name], value_set=words)
            found[category.name] = pa.compute.add(places.fill_null(-1), pa.scalar(1, pa.int32()))
        pq.write_table(pa.table(found), target / f"{group}.parquet")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(pq.ParquetFile(work.path).num_row_groups)))


def _least(
    column: pa.ChunkedArray, number: NumberColumn
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    values = column.to_numpy()
    is_missing = np.isnan(values)
    scaled = (np.clip(values, number.low, number.high) - number.mean) / number.scale
    scaled[is_missing] = (number.fill - number.mean) / number.scale
    return scaled.astype(np.float32), is_missing


def _number(column: NumberColumn) -> Column:
    value = F.greatest(F.lit(column.low), F.least(F.lit(column.high), F.col(column.name)))
    filled = F.when(F.col(column.name).isNull(), F.lit(column.fill)).otherwise(value)
    return ((filled - F.lit(column.mean)) / F.lit(column.scale)).cast("float")


def _flag(column: NumberColumn) -> Column:
    return F.col(column.name).isNull().cast("float").alias(f"{column.name} is missing")


def _looked_up(spark: SparkSession, rows: DataFrame, work: Work) -> DataFrame:
    for category in work.transform.categories:
        words = [(word, place) for place, word in enumerate(category.vocabulary, start=1)]
        table = spark.createDataFrame(words, f"{category.name} string, _{category.name} int")
        rows = rows.join(F.broadcast(table), category.name, how="left")
        rows = rows.fillna(0, [f"_{category.name}"])
    return rows


def _in_pandas(column: NumberColumn) -> Callable[[Column], Column]:
    def scaled(values: pd.Series) -> pd.Series:
        filled = values.clip(column.low, column.high).fillna(column.fill)
        return ((filled - column.mean) / column.scale).astype("float32")

    scaled.__annotations__ = {"values": pd.Series, "return": pd.Series}
    return pandas_udf(scaled, "float")  # type: ignore[call-overload, no-any-return]  # by hints


def _indexed(index: dict[str, int]) -> Callable[[Column], Column]:
    def place(words: pd.Series) -> pd.Series:
        return words.map(index).fillna(0).astype("int32")

    place.__annotations__ = {"words": pd.Series, "return": pd.Series}
    return pandas_udf(place, "int")  # type: ignore[call-overload, no-any-return]  # as above


def _quoted(name: str) -> str:
    return f"`{name}`"
