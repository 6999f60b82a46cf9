"""Fit categories: the words of each column that enough rows have."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.dataset.values import as_text

if TYPE_CHECKING:
    from lepton_spark.config.train import TransformSettings
    from lepton_spark.dataset.scan import Scan

logger = logging.getLogger(__name__)
_COUNTS = "place int, word string, rows bigint"


def fit_categories(
    scan: Scan, names: Sequence[str], settings: TransformSettings
) -> dict[str, list[tuple[str, int]]]:
    """Count the words of category columns, in one pass.

    Args:
        scan: Training rows.
        names: Category features. Collects at most `max_categories` small rows for each.
        settings: How rare a word may be, and how many are kept.

    Returns:
        By name, its words with their rows, the most frequent first, ties by name.
    """
    if not names:
        return {}

    def count(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
        """Each word of a column with its rows, a batch a column and table."""
        for table in tables:
            for place, name in enumerate(names):
                yield _count_words(place, as_text(table, name))

    # Counted by Spark, not by the driver: a column may have millions of words.
    ranked = Window.partitionBy("place").orderBy(F.desc("rows"), F.asc("word"))
    words = (
        scan.rows(names, count, _COUNTS)
        .groupBy("place", "word")
        .agg(F.sum("rows").alias("rows"))
        .filter(F.col("rows") >= settings.min_category_count)
        .withColumn("rank", F.row_number().over(ranked))
        .withColumn("words", F.count("*").over(Window.partitionBy("place")))
    )
    found: dict[str, list[tuple[str, int]]] = {name: [] for name in names}
    for row in words.filter(F.col("rank") <= settings.max_categories).orderBy("rank").collect():
        name = names[row["place"]]
        if row["words"] > settings.max_categories and not found[name]:
            logger.warning(
                "%s has %d frequent categories; those beyond transform.max_categories, %d, are"
                " treated as unseen",
                name,
                row["words"],
                settings.max_categories,
            )
        found[name].append((row["word"], row["rows"]))
    return found


def _count_words(place: int, texts: pa.Array) -> pa.RecordBatch:
    counted = pc.value_counts(texts.drop_null())
    words = counted.field("values")
    places = pa.array([place] * len(words), pa.int32())
    return pa.RecordBatch.from_arrays(
        [places, words, counted.field("counts")], names=["place", "word", "rows"]
    )
