"""Fit the transform: statistics of training rows, taken by workers from the files themselves."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lepton_spark.dataset import passes
from lepton_spark.dataset.fit_categories import fit_categories
from lepton_spark.dataset.fit_encoding import fit_encodings
from lepton_spark.dataset.fit_graphs import fit_graphs
from lepton_spark.dataset.fit_outliers import fit_outliers
from lepton_spark.dataset.fit_terms import fit_terms, fit_tokens
from lepton_spark.dataset.label import LABEL
from lepton_spark.dataset.scan import Scan
from lepton_spark.dataset.series import Asked, Series, Variable
from lepton_spark.dataset.statistics import Bounds, Summary, Survey, summarise
from lepton_spark.dataset.transform import CategoryColumn, FeatureTransform, NumberColumn
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

    from lepton_spark.config.train import TransformSettings
    from lepton_spark.dataset.digest import RowsDigest
    from lepton_spark.dataset.fit_outliers import Found
    from lepton_spark.dataset.graphs import GraphLists
    from lepton_spark.dataset.images import ImageColumn
    from lepton_spark.dataset.outliers import Fence, Forest
    from lepton_spark.dataset.shards import Piece

logger = logging.getLogger(__name__)
# Why a column says nothing to a model, and what to do where it should say something.
_CONSTANT = "empty or constant"
_CLIPPED = "constant but for values beyond transform.clip_quantile"
_RARE = "without a value in transform.min_category_count rows"
_WORDLESS = "texts without a term or word in as many rows as their min_rows"
_FIXES = {
    _CONSTANT: "mend the source, or set transform.clip_quantile to 0 where few rows differ",
    _CLIPPED: "set transform.clip_quantile to 0",
    _RARE: "lower transform.min_category_count, or name it under transform.text or"
    " transform.target_encoding",
    _WORDLESS: "lower min_rows under transform.text or transform.tokens",
}


@dataclass(frozen=True)
class Columns:
    """Feature columns by what becomes of them, each in the order of the output.

    Args:
        key: Columns that tell rows apart, of which a sample is drawn by their hash; without any,
            rows of equal numbers are drawn together.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    encoded: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    series: tuple[Asked, ...] = ()
    images: tuple[ImageColumn, ...] = ()
    tokens: tuple[str, ...] = ()
    graphs: tuple[GraphLists, ...] = ()
    key: tuple[str, ...] = ()

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

        Returns:
            Each of the types in one part, and what `series` and `images` say.
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
    encodings, texts and graphs; collects some ten kilobytes a column and task, of 64 tasks at
    most, whatever the rows. Where
    outliers were looked for in a column that is left out, all that is done twice.

    Args:
        spark: Its workers read the files.
        pieces: The training part, nothing else.
        columns: What the features are.
        settings: Clipping, rare categories, and what is fitted besides.

    Returns:
        What is to be done to any row; without the columns that say nothing.

    Raises:
        DataError: A column is empty or constant in these rows, and may not be left out; or
            outliers or encodings cannot be fitted.
    """
    scan = Scan(spark, tuple(pieces))
    outliers = fit_outliers(scan, columns.numbers, settings.outliers, key=columns.key)
    scan = replace(scan, refusing=(*outliers.refusing, *columns.graphs))
    graphs = fit_graphs(scan, columns.graphs, settings.clip_quantile)
    values = passes.of_steps(passes.clipped(outliers.clips), columns.steps)
    digest, surveys = _survey(scan, columns, values)
    _tell_refused(scan, digest.rows)
    vocabularies = fit_categories(scan, columns.categories, settings)
    filled = {name: survey for name, survey in surveys.items() if survey.count > 0}
    bounds = {name: Bounds.of(each, settings.clip_quantile) for name, each in filled.items()}
    summaries = _details(scan, surveys, bounds, values)
    encodings = fit_encodings(scan, columns.encoded, settings.target_encoding)
    texts = fit_terms(scan, columns.texts, settings.text, digest.rows)
    tokens = fit_tokens(scan, {name: settings.tokens[name] for name in columns.tokens})
    flat = dict(_flat(columns, surveys, summaries, vocabularies, digest.rows))
    flat |= {each.name: _CONSTANT for each in encodings if each.is_flat}
    flat |= {each.name: _WORDLESS for each in texts if each.is_flat}
    flat |= {each.name: _WORDLESS for each in tokens if each.is_flat}
    if flat and not settings.drop_constant:
        raise _flat_columns(flat)
    if lost := _lost(outliers, flat):
        fewer = replace(columns, numbers=tuple(n for n in columns.numbers if n not in lost))
        return fit_transform(spark, pieces, fewer, settings)
    _tell_left_out(flat)
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


def _lost(outliers: Found, flat: Mapping[str, str]) -> dict[str, str]:
    """Flat columns that outliers were looked for in: rows may be refused for what is no feature."""
    finders: list[Fence | Forest] = [*outliers.fences, *outliers.forests]
    lost = {name: flat[name] for each in finders for name in each.columns if name in flat}
    _tell_left_out(lost)
    if lost:
        logger.warning("all is fitted again, since outliers were looked for in %s", sorted(lost))
    return lost


def _tell_left_out(flat: Mapping[str, str]) -> None:
    for reason, names in _by_reason(flat):
        logger.warning("%d columns are %s, and left out: %s", len(names), reason, names)


def _number(name: str, missing: int, summary: Summary) -> NumberColumn:
    return NumberColumn(
        name,
        low=summary.low,
        high=summary.high,
        fill=summary.mean,
        mean=summary.mean,
        scale=summary.deviation or 1.0,  # a number that is one value or missing
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
        survey = surveys[name]
        if not _varies(summaries[name]) and not (survey.count and survey.missing):
            yield name, _CLIPPED if survey.is_varied else _CONSTANT
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
        """Digest of the rows of one task, and a survey of each column."""
        return passes.survey(tables, columns.digested, columns.named, values)

    blobs = scan.collect((*columns.digested, *columns.named), count)
    digest, surveys = passes.total_survey(blobs)
    # The label comes last, where it is digested; nothing is asked of its values.
    return digest, dict(zip(columns.measured, surveys, strict=False))


def _details(
    scan: Scan,
    surveys: Mapping[str, Survey],
    bounds: Mapping[str, Bounds],
    values: passes.Values,
) -> dict[str, Summary | None]:
    """A summary of each column that has bounds; None of the others."""

    def detail(tables: Iterator[pa.Table]) -> bytes:
        """Counts of the values of one task between the bounds of the first pass."""
        return passes.detail(tables, bounds, values)

    totals = passes.total_detail(scan.collect(tuple(bounds), detail))
    summaries: dict[str, Summary | None] = dict.fromkeys(surveys)
    for name, total in zip(bounds, totals, strict=True):
        summaries[name] = summarise(surveys[name], bounds[name], total)
    return summaries


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
