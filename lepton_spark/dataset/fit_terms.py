"""Fit the terms and the words of texts: which there are, and in how many rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.dataset.terms import TextColumn, terms_of
from lepton_spark.dataset.tokens import TokenColumn, tokens_of
from lepton_spark.dataset.values import as_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.fitted import TermSettings, TokenSettings
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

    Returns:
        One for each name, in their order; without terms where no row has one often enough.
    """
    given = [(name, settings[name]) for name in names]
    wanted = [
        _Wanted(name, partial(terms_of, ngrams=each.ngrams), each.min_rows, each.max_terms)
        for name, each in given
    ]
    return tuple(
        TextColumn(
            name,
            tuple(sorted(found)),
            tuple(_idf(found[term], num_rows) for term in sorted(found)),
            each.ngrams,
        )
        for (name, each), found in zip(given, _most_used(scan, wanted), strict=True)
    )


def fit_tokens(scan: Scan, settings: Mapping[str, TokenSettings]) -> tuple[TokenColumn, ...]:
    """Choose the words that are used most, ties by name, in one pass.

    Args:
        scan: Training rows.
        settings: By name of a text feature. Collects at most `max_words` small rows for each.

    Returns:
        One for each name, in their order; without words where no row has one often enough.
    """
    wanted = [
        _Wanted(name, tokens_of, each.min_rows, each.max_words) for name, each in settings.items()
    ]
    return tuple(
        TokenColumn(name, tuple(found), each.length)
        for (name, each), found in zip(settings.items(), _most_used(scan, wanted), strict=True)
    )


@dataclass(frozen=True)
class _Wanted:
    """What is counted in a text, and what of it is kept.

    Args:
        fewest: Rows that have it, at least.
        most: How many are kept.
    """

    name: str
    cut: Callable[[str], Iterable[str]]
    fewest: int
    most: int


def _idf(rows_with: int, num_rows: int) -> float:
    return math.log((1 + num_rows) / (1 + rows_with)) + 1.0


def _count(place: int, texts: pa.Array, cut: Callable[[str], Iterable[str]]) -> pa.RecordBatch:
    rows: Counter[str] = Counter()
    uses: Counter[str] = Counter()
    for text in texts.drop_null().to_pylist():
        terms = list(cut(text))
        uses.update(terms)
        rows.update(set(terms))
    columns = {
        "place": pa.array([place] * len(uses), pa.int32()),
        "term": pa.array(uses.keys(), pa.string()),
        "rows": pa.array([rows[term] for term in uses], pa.int64()),
        "uses": pa.array(uses.values(), pa.int64()),
    }
    return pa.RecordBatch.from_pydict(columns)


def _most_used(scan: Scan, wanted: Sequence[_Wanted]) -> list[dict[str, int]]:
    """Of each text, its terms with their rows, the most used first."""
    if not wanted:
        return []
    names = [each.name for each in wanted]

    def count(tables: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
        """Each term of a text with the rows that hold it, a batch a text and table."""
        for table in tables:
            for place, each in enumerate(wanted):
                yield _count(place, as_text(table, each.name), each.cut)

    terms: list[dict[str, int]] = [{} for _ in wanted]
    for row in _ranked(scan.rows(names, count, _COUNTS), wanted).orderBy("rank").collect():
        terms[row["place"]][row["term"]] = row["rows"]
    return terms


def _ranked(counted: DataFrame, wanted: Sequence[_Wanted]) -> DataFrame:
    # Counted by Spark, not by the driver: a language has many words, and more typing errors.
    fewest, most = (
        F.element_at(F.array(*map(F.lit, values)), F.col("place") + 1)
        for values in ([each.fewest for each in wanted], [each.most for each in wanted])
    )
    totals = counted.groupBy("place", "term").agg(
        F.sum("rows").alias("rows"), F.sum("uses").alias("uses")
    )
    most_used = Window.partitionBy("place").orderBy(F.desc("uses"), F.asc("term"))
    ranked = totals.filter(F.col("rows") >= fewest).withColumn(
        "rank", F.row_number().over(most_used)
    )
    return ranked.filter(F.col("rank") <= most)
