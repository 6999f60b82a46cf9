"""Fit the transform: statistics of training rows, taken by workers from the files themselves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.dataset import passes
from lepton_spark.dataset.digest import RowsDigest
from lepton_spark.dataset.reader import read_piece
from lepton_spark.dataset.statistics import Bounds, Detail, Summary, Survey, summarise
from lepton_spark.dataset.transform import (
    CategoryColumn,
    FeatureTransform,
    NumberColumn,
    as_text,
)
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lepton_spark.config.train import TransformSettings
    from lepton_spark.dataset.shards import Piece

logger = logging.getLogger(__name__)
MOST_TASKS = 64
_COUNTS = "place int, word string, rows bigint"


@dataclass(frozen=True)
class Columns:
    """Feature columns by what becomes of them, each in the order of the output."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @classmethod
    def of(cls, types: Sequence[tuple[str, str]], as_category: Sequence[str]) -> Columns:
        """Text names things, and so do the numbers in `as_category`; all else is a number.

        Args:
            types: Name and Spark type of each feature column.
            as_category: Names of numbers that name things.
        """
        named = {name for name, kind in types if kind in {"string", "date"}} | set(as_category)
        return cls(
            tuple(name for name, _ in types if name not in named),
            tuple(name for name, _ in types if name in named),
        )


def fit_transform(
    spark: SparkSession, pieces: Sequence[Piece], columns: Columns, settings: TransformSettings
) -> FeatureTransform:
    """Fit a transform to the rows of some pieces.

    The same rows give the same transform to the bit, however they are cut into files, row groups
    and tasks. Costs three small Spark jobs, two of which decode the numbers; collects a few
    kilobytes a column, whatever the rows.

    Args:
        spark: Its workers read the files.
        pieces: The training part, nothing else.
        columns: What the features are.
        settings: Clipping and rare categories.

    Raises:
        DataError: A column is empty or constant in these rows, and may not be left out.
    """
    digest, surveys = _survey(spark, pieces, columns)
    vocabularies = _vocabularies(spark, pieces, columns, settings)
    summaries = _details(spark, pieces, columns, (surveys, settings.clip_quantile))
    flat = _flat(columns, summaries, vocabularies, digest.rows)
    if flat and not settings.drop_constant:
        raise _flat_columns(flat)
    if flat:
        logger.warning("%d columns are empty or constant and are left out: %s", len(flat), flat)
    return FeatureTransform(
        numbers=tuple(
            _number(name, surveys[name].missing, summary)
            for name, summary in summaries.items()
            if summary is not None and name not in flat
        ),
        categories=tuple(
            CategoryColumn(name, tuple(word for word, _ in words))
            for name, words in vocabularies.items()
            if name not in flat
        ),
        rows_digest=digest.text((*columns.numbers, *columns.categories)),
        num_rows=digest.rows,
    )


def _number(name: str, missing: int, summary: Summary) -> NumberColumn:
    return NumberColumn(
        name,
        low=summary.low,
        high=summary.high,
        fill=summary.mean,
        mean=summary.mean,
        scale=summary.deviation,
        has_missing_flag=missing > 0,
    )


def _flat(
    columns: Columns,
    summaries: dict[str, Summary | None],
    vocabularies: dict[str, list[tuple[str, int]]],
    num_rows: int,
) -> list[str]:
    """Columns that are the same, as a model would see it, in every row."""
    numbers = [name for name in columns.numbers if not _varies(summaries[name])]
    categories = [
        name
        for name, words in vocabularies.items()
        if not words or (len(words) == 1 and words[0][1] == num_rows)
    ]
    return numbers + categories


def _varies(summary: Summary | None) -> bool:
    return summary is not None and summary.high > summary.low and summary.deviation > 0


def _survey(
    spark: SparkSession, pieces: Sequence[Piece], columns: Columns
) -> tuple[RowsDigest, dict[str, Survey]]:
    names = (*columns.numbers, *columns.categories)

    def count(tables: Iterator[pa.Table]) -> bytes:
        return passes.survey(tables, columns.numbers, columns.categories)

    found = [passes.read_survey(blob) for blob in _collect(spark, pieces, names, count)]
    digest = sum((digest for digest, _ in found), RowsDigest())
    surveys = {}
    for place, name in enumerate(columns.numbers):
        first, *others = (survey[place] for _, survey in found)
        surveys[name] = sum(others, first)
    return digest, surveys


def _details(
    spark: SparkSession,
    pieces: Sequence[Piece],
    columns: Columns,
    surveyed: tuple[dict[str, Survey], float],
) -> dict[str, Summary | None]:
    surveys, quantile = surveyed
    filled = [name for name in columns.numbers if surveys[name].count > 0]
    bounds = {name: Bounds.of(surveys[name], quantile) for name in filled}

    def detail(tables: Iterator[pa.Table]) -> bytes:
        return passes.detail(tables, bounds)

    found = [passes.read_detail(blob) for blob in _collect(spark, pieces, filled, detail)]
    summaries: dict[str, Summary | None] = dict.fromkeys(columns.numbers)
    for place, name in enumerate(filled):
        first, *others = (details[place] for details in found)
        total: Detail = sum(others, first)
        summaries[name] = summarise(surveys[name], bounds[name], total)
    return summaries


def _collect(
    spark: SparkSession,
    pieces: Sequence[Piece],
    names: Sequence[str],
    work: Callable[[Iterator[pa.Table]], bytes],
) -> list[bytes]:
    """What `work` gives for the pieces of each task; one small blob a task."""
    if not names:
        return []

    def run(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"blob": pa.array([work(tables)], pa.binary())})

    return [bytes(row["blob"]) for row in _over(spark, pieces, names, run, "blob binary").collect()]


def _over(
    spark: SparkSession,
    pieces: Sequence[Piece],
    names: Sequence[str],
    run: Callable[[Iterator[pa.Table]], Iterator[pa.RecordBatch]],
    schema: str,
) -> Any:
    num_tasks = max(1, min(len(pieces), MOST_TASKS))

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from run(read_piece(piece, names) for piece in pieces[number::num_tasks])

    return spark.range(0, num_tasks, 1, num_tasks).mapInArrow(task, schema)


def _vocabularies(
    spark: SparkSession, pieces: Sequence[Piece], columns: Columns, settings: TransformSettings
) -> dict[str, list[tuple[str, int]]]:
    """The words of each category column with their rows, the most frequent first."""
    names = columns.categories
    if not names:
        return {}

    def count(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
        for table in tables:
            for place, name in enumerate(names):
                yield _count_words(place, as_text(table, name))

    # Counted by Spark, not by the driver: a column may have millions of words.
    ranked = Window.partitionBy("place").orderBy(F.desc("rows"), F.asc("word"))
    words = (
        _over(spark, pieces, names, count, _COUNTS)
        .groupBy("place", "word")
        .agg(F.sum("rows").alias("rows"))
        .filter(F.col("rows") >= settings.min_category_count)
        .withColumn("rank", F.row_number().over(ranked))
    )
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for row in words.filter(F.col("rank") <= settings.max_categories).orderBy("rank").collect():
        found[names[row["place"]]].append((row["word"], row["rows"]))
    return found


def _count_words(place: int, texts: pa.Array) -> pa.RecordBatch:
    counted = pc.value_counts(texts.drop_null())
    words = counted.field("values")
    places = pa.array([place] * len(words), pa.int32())
    return pa.RecordBatch.from_arrays(
        [places, words, counted.field("counts")], names=["place", "word", "rows"]
    )


def _flat_columns(names: list[str]) -> DataError:
    return DataError(
        "LS-2063",
        f"{len(names)} feature columns are empty or constant in the training rows: {names}",
        "such a column says nothing; often its source is broken or not joined",
        "mend the source, take them out of `features`, or set transform.drop_constant to true",
    )
