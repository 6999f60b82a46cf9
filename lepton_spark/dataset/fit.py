"""Fit the transform: statistics of training rows, taken by workers from the files themselves."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.dataset import passes
from lepton_spark.dataset.digest import RowsDigest
from lepton_spark.dataset.fit_encoding import fit_encodings
from lepton_spark.dataset.fit_graphs import fit_graphs
from lepton_spark.dataset.fit_outliers import fit_outliers
from lepton_spark.dataset.fit_terms import fit_terms, fit_tokens
from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.scan import Scan
from lepton_spark.dataset.series import Asked, Series, Variable
from lepton_spark.dataset.statistics import Bounds, Detail, Summary, Survey, summarise
from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.dataset.values import as_text
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lepton_spark.config.train import TransformSettings
    from lepton_spark.dataset.graphs import GraphLists
    from lepton_spark.dataset.images import ImageColumn
    from lepton_spark.dataset.shards import Piece

logger = logging.getLogger(__name__)
_COUNTS = "place int, word string, rows bigint"
# Why a column says nothing to a model, and what to do where it should say something.
_CONSTANT = "empty or constant"
_CLIPPED = "constant but for values beyond transform.clip_quantile"
_RARE = "without a value in transform.min_category_count rows"
_FIXES = {
    _CONSTANT: "mend the source",
    _CLIPPED: "set transform.clip_quantile to 0",
    _RARE: "lower transform.min_category_count, or name it under transform.text or"
    " transform.target_encoding",
}


@dataclass(frozen=True)
class Columns:
    """Feature columns by what becomes of them, each in the order of the output."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    encoded: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    series: tuple[Asked, ...] = ()
    images: tuple[ImageColumn, ...] = ()
    tokens: tuple[str, ...] = ()
    graphs: tuple[GraphLists, ...] = ()

    @classmethod
    def of(
        cls,
        types: Sequence[tuple[str, str]],
        as_category: Sequence[str],
        settings: TransformSettings | None = None,
        series: Sequence[Asked] = (),
        images: Sequence[ImageColumn] = (),
    ) -> Columns:
        """Text names things, and so do the numbers in `as_category`; all else is a number.

        Args:
            types: Name and Spark type of each feature column.
            as_category: Names of numbers that name things.
            settings: Which columns are encoded by the label or cut into terms instead.
            series: What the columns of lists are.
            images: What the columns of bytes are.
        """
        named = {name for name, kind in types if kind in ("string", "date")} | {*as_category}
        encoding = settings.target_encoding if settings else None
        encoded = set(encoding.columns) if encoding else set()
        texts = set(settings.text) if settings else set()
        tokens = set(settings.tokens) if settings else set()
        others = {name for name, kind in types if kind.startswith("array") or kind == "binary"}
        return cls(
            tuple(name for name, _ in types if name not in named | encoded | others),
            tuple(name for name, _ in types if name in named - encoded - texts - tokens),
            tuple(name for name, _ in types if name in encoded),
            tuple(name for name, _ in types if name in texts),
            tuple(series),
            tuple(images),
            tuple(name for name, _ in types if name in tokens),
        )

    def with_graphs(self, graphs: Sequence[GraphLists]) -> Columns:
        """The same, with graphs in place of the texts that hold them."""
        categories = tuple(n for n in self.categories if not any(n in g.columns for g in graphs))
        return replace(self, categories=categories, graphs=tuple(graphs))

    @property
    def worded(self) -> tuple[str, ...]:
        """Columns whose values are read as text."""
        return (*self.categories, *self.encoded, *self.texts, *self.tokens)

    @property
    def named(self) -> tuple[str, ...]:
        """Columns of which only the digest is taken of all values: texts, images, graphs."""
        images = (image.name for image in self.images)
        return (*self.worded, *images, *(name for each in self.graphs for name in each.columns))

    @property
    def steps(self) -> dict[str, int]:
        """Columns of the values of series, and how many there are of a row."""
        return {names.values: each.steps for each in self.series for names in each.variables}

    @property
    def measured(self) -> tuple[str, ...]:
        """Columns whose numbers are clipped and standardised."""
        return (*self.numbers, *self.steps)

    @property
    def digested(self) -> tuple[str, ...]:
        """Number columns that any statistic is taken from: the label is one where it encodes."""
        return (*self.measured, LABEL) if self.encoded else self.measured


def fit_transform(
    spark: SparkSession, pieces: Sequence[Piece], columns: Columns, settings: TransformSettings
) -> FeatureTransform:
    """Fit a transform to the rows of some pieces.

    The same rows give the same transform to the bit, however they are cut into files and tasks.
    Costs three small Spark jobs, two of which decode the numbers, and a few more for outliers,
    encodings, texts and graphs; collects a few kilobytes a column, whatever the rows.

    Args:
        spark: Its workers read the files.
        pieces: The training part, nothing else.
        columns: What the features are.
        settings: Clipping, rare categories, and what is fitted besides.

    Raises:
        DataError: A column is empty or constant in these rows, and may not be left out; or
            outliers or encodings cannot be fitted.
    """
    scan = Scan(spark, tuple(pieces))
    outliers = fit_outliers(scan, columns.numbers, settings.outliers)
    scan = replace(scan, refusing=(*outliers.refusing, *columns.graphs))
    graphs = fit_graphs(scan, columns.graphs, settings.clip_quantile)
    values = passes.of_steps(passes.clipped(outliers.clips), columns.steps)
    digest, surveys = _survey(scan, columns, values)
    _tell_refused(scan, digest.rows)
    vocabularies = _vocabularies(scan, columns, settings)
    summaries = _details(scan, columns, (surveys, settings.clip_quantile), values)
    encodings = fit_encodings(scan, columns.encoded, settings.target_encoding)
    texts = fit_terms(scan, columns.texts, settings.text, digest.rows)
    tokens = fit_tokens(scan, {name: settings.tokens[name] for name in columns.tokens})
    flat = dict(_flat(columns, surveys, summaries, vocabularies, digest.rows))
    flat |= {each.name: _CONSTANT for each in encodings if each.is_flat}
    flat |= {each.name: _CONSTANT for each in texts if each.is_flat}
    flat |= {each.name: _RARE for each in tokens if each.is_flat}
    if flat and not settings.drop_constant:
        raise _flat_columns(flat)
    for reason, names in _by_reason(flat):
        logger.warning("%d columns are %s, and left out: %s", len(names), reason, names)
    outliers = outliers.of([name for name in columns.numbers if name not in flat])
    return FeatureTransform(
        numbers=tuple(
            _number(name, surveys[name].missing, summary)
            for name, summary in summaries.items()
            if summary is not None and name in columns.numbers and name not in flat
        ),
        categories=tuple(
            CategoryColumn(name, tuple(word for word, _ in words))
            for name, words in vocabularies.items()
            if name not in flat
        ),
        rows_digest=digest.text((*columns.digested, *columns.named)),
        num_rows=digest.rows,
        fences=outliers.fences,
        forests=outliers.forests,
        encodings=tuple(each for each in encodings if each.name not in flat),
        texts=tuple(each for each in texts if each.name not in flat),
        series=tuple(each for asked in columns.series if (each := _series(asked, summaries, flat))),
        images=columns.images,
        tokens=tuple(each for each in tokens if each.name not in flat),
        graphs=graphs,
    )


def _tell_refused(scan: Scan, num_kept: int) -> None:
    num_rows = sum(piece.rows for piece in scan.pieces)
    if scan.refusing:
        logger.info("%d of %d training rows are refused", num_rows - num_kept, num_rows)


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


def _series(
    asked: Asked, summaries: Mapping[str, Summary | None], flat: Collection[str]
) -> Series | None:
    """The variables that say something; None where none does."""
    variables = tuple(
        Variable(names, summary.low, summary.high, summary.mean, summary.deviation or 1.0)
        for names in asked.variables
        if (summary := summaries[names.values]) is not None and names.values not in flat
    )
    return Series(asked.name, asked.steps, variables) if variables else None


def _flat(
    columns: Columns,
    surveys: Mapping[str, Survey],
    summaries: Mapping[str, Summary | None],
    vocabularies: Mapping[str, Sequence[tuple[str, int]]],
    num_rows: int,
) -> Iterator[tuple[str, str]]:
    """Columns that are the same, as a model would see it, in every row, each with the reason."""
    for name in columns.steps:
        if summaries[name] is None:  # one that never changes says when it was seen
            yield name, _CONSTANT
    for name in columns.numbers:
        if not _varies(summaries[name]):
            yield name, _CLIPPED if surveys[name].is_varied else _CONSTANT
    for name, words in vocabularies.items():
        if not words:
            yield name, _RARE
        elif len(words) == 1 and words[0][1] == num_rows:
            yield name, _CONSTANT


def _varies(summary: Summary | None) -> bool:
    return summary is not None and summary.high > summary.low and summary.deviation > 0


def _survey(
    scan: Scan, columns: Columns, values: passes.Values
) -> tuple[RowsDigest, dict[str, Survey]]:
    def count(tables: Iterator[pa.Table]) -> bytes:
        return passes.survey(tables, columns.digested, columns.named, values)

    blobs = scan.collect((*columns.digested, *columns.named), count)
    found = [passes.read_survey(blob) for blob in blobs]
    digest = sum((digest for digest, _ in found), RowsDigest())
    surveys = {}
    for place, name in enumerate(columns.measured):
        first, *others = (survey[place] for _, survey in found)
        surveys[name] = sum(others, first)
    return digest, surveys


def _details(
    scan: Scan,
    columns: Columns,
    surveyed: tuple[dict[str, Survey], float],
    values: passes.Values,
) -> dict[str, Summary | None]:
    surveys, quantile = surveyed
    filled = [name for name in columns.measured if surveys[name].count > 0]
    bounds = {name: Bounds.of(surveys[name], quantile) for name in filled}

    def detail(tables: Iterator[pa.Table]) -> bytes:
        return passes.detail(tables, bounds, values)

    found = [passes.read_detail(blob) for blob in scan.collect(filled, detail)]
    summaries: dict[str, Summary | None] = dict.fromkeys(columns.measured)
    for place, name in enumerate(filled):
        first, *others = (details[place] for details in found)
        total: Detail = sum(others, first)
        summaries[name] = summarise(surveys[name], bounds[name], total)
    return summaries


def _vocabularies(
    scan: Scan, columns: Columns, settings: TransformSettings
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


def _by_reason(flat: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """The columns of each reason."""
    found = [(reason, [name for name, why in flat.items() if why == reason]) for reason in _FIXES]
    return [(reason, names) for reason, names in found if names]


def _flat_columns(flat: Mapping[str, str]) -> DataError:
    found = _by_reason(flat)
    told = "; ".join(f"{len(names)} are {reason}: {names}" for reason, names in found)
    fixes = "; ".join(_FIXES[reason] for reason, _ in found)
    return DataError(
        "LS-2063",
        f"{len(flat)} feature columns say nothing about the training rows. {told}",
        "such a column is the same in every row, as a model would see it; often its source is"
        " broken or not joined",
        f"{fixes}; or take them out of `features`, or set transform.drop_constant to true",
    )
