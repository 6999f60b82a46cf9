"""Fit the terms of texts: which there are, and in how many rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.dataset.terms import TextColumn, terms_of
from lepton_spark.dataset.values import as_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.fitted import TermSettings
    from lepton_spark.dataset.scan import Scan

_COUNTS = "place int, term string, rows bigint, uses bigint"


def fit_terms(
    scan: Scan, names: Sequence[str], settings: Mapping[str, TermSettings], num_rows: int
) -> tuple[TextColumn, ...]:
    """Choose the terms that are used most, ties by name, in one pass.

    Args:
        scan: Training rows.
        names: Text features. Collects at most `max_terms` small rows for each.
        settings: By name.
        num_rows: Training rows; one without a text counts as an empty text.
    """
    if not names:
        return ()
    ngrams = [settings[name].ngrams for name in names]

    def count(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
        for table in tables:
            for place, name in enumerate(names):
                yield _count(place, as_text(table, name), ngrams[place])

    wanted = [settings[name] for name in names]
    terms: list[dict[str, int]] = [{} for _ in names]
    for row in _most_used(scan.rows(names, count, _COUNTS), wanted).collect():
        terms[row["place"]][row["term"]] = row["rows"]
    return tuple(
        TextColumn(
            name,
            tuple(sorted(found)),
            tuple(_idf(found[term], num_rows) for term in sorted(found)),
            longest,
        )
        for name, found, longest in zip(names, terms, ngrams, strict=True)
    )


def _idf(rows_with: int, num_rows: int) -> float:
    return math.log((1 + num_rows) / (1 + rows_with)) + 1.0


def _count(place: int, texts: pa.Array, ngrams: int) -> pa.RecordBatch:
    rows: Counter[str] = Counter()
    uses: Counter[str] = Counter()
    for text in texts.drop_null().to_pylist():
        terms = list(terms_of(text, ngrams))
        uses.update(terms)
        rows.update(set(terms))
    columns = {
        "place": pa.array([place] * len(uses), pa.int32()),
        "term": pa.array(uses.keys(), pa.string()),
        "rows": pa.array([rows[term] for term in uses], pa.int64()),
        "uses": pa.array(uses.values(), pa.int64()),
    }
    return pa.RecordBatch.from_pydict(columns)


def _most_used(counted: DataFrame, settings: Sequence[TermSettings]) -> DataFrame:
    # Counted by Spark, not by the driver: a language has many words, and more typing errors.
    fewest, most = (
        F.element_at(F.array(*map(F.lit, values)), F.col("place") + 1)
        for values in ([s.min_rows for s in settings], [s.max_terms for s in settings])
    )
    totals = counted.groupBy("place", "term").agg(
        F.sum("rows").alias("rows"), F.sum("uses").alias("uses")
    )
    most_used = Window.partitionBy("place").orderBy(F.desc("uses"), F.asc("term"))
    ranked = totals.filter(F.col("rows") >= fewest).withColumn(
        "rank", F.row_number().over(most_used)
    )
    return ranked.filter(F.col("rank") <= most)
