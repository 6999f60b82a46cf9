"""How feature values become tensors: a fitted document, executed the same way everywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from lepton_spark.config.column import is_any
from lepton_spark.dataset.encoding import FOLD, TargetEncoding, encoding_of
from lepton_spark.dataset.graphs import Graph, graph_of
from lepton_spark.dataset.images import ImageColumn, image_of
from lepton_spark.dataset.outliers import FLAG, REFUSE, Fence, Forest, forest_of
from lepton_spark.dataset.series import Series, series_of
from lepton_spark.dataset.tensors import CATEGORIES, NUMBERS, Block, TensorSpec
from lepton_spark.dataset.terms import TextColumn, text_of
from lepton_spark.dataset.tokens import TokenColumn, token_column
from lepton_spark.dataset.values import as_float, as_text, one_array
from lepton_spark.dataset.vocabulary import Vocabulary
from lepton_spark.errors import ModelError

if TYPE_CHECKING:
    import pyarrow as pa

FORM = 5
# What documents of each form have beside numbers and categories; older ones are still read.
_SINCE = {
    **dict.fromkeys(("fences", "forests", "encodings", "texts"), 2),
    "series": 3,
    **dict.fromkeys(("images", "tokens"), 4),
    "graphs": 5,
}


@dataclass(frozen=True)
class NumberColumn:
    """Clip to `[low, high]`, put `fill` for null and NaN, then `(value - mean) / scale`.

    Args:
        has_missing_flag: Adds a column that is 1 where the value was missing.
    """

    name: str
    low: float
    high: float
    fill: float
    mean: float
    scale: float
    has_missing_flag: bool


@dataclass(frozen=True)
class CategoryColumn:
    """The value's place in `vocabulary`, from 1; numbers are looked up by their decimal text."""

    name: str
    vocabulary: tuple[str, ...]

    def apply(self, rows: pa.Table | pa.RecordBatch) -> npt.NDArray[np.int32]:
        """The place of each row; 0 for a value that is not in the vocabulary, and for null.

        Raises:
            ModelError: The column names nothing.
        """
        return self._known.places(as_text(rows, self.name)) + 1

    @cached_property
    def _known(self) -> Vocabulary:
        return Vocabulary(self.vocabulary)


_Named = NumberColumn | CategoryColumn | TargetEncoding | TextColumn | ImageColumn | TokenColumn
Part = TypeVar("Part", bound=_Named)


@dataclass(frozen=True)
class FeatureTransform:
    """Statistics of the training rows, and nothing else, applied to any row.

    Args:
        numbers: In the order of the output.
        categories: In the order of the output.
        rows_digest: Order-free digest of the training rows that the statistics were taken from.
        num_rows: How many those were; refused ones are not among them.
        fences: Each of a column of `numbers`.
        forests: Each of columns of `numbers`.
        encodings: Further numbers, each of a column of its own.
        texts: The same.
        series: Each a tensor of its own.
        images: The same.
        tokens: The same.
        graphs: Each three tensors of its own; rows without such a graph are refused.
    """

    numbers: tuple[NumberColumn, ...]
    categories: tuple[CategoryColumn, ...]
    rows_digest: str
    num_rows: int = 0
    fences: tuple[Fence, ...] = ()
    forests: tuple[Forest, ...] = ()
    encodings: tuple[TargetEncoding, ...] = ()
    texts: tuple[TextColumn, ...] = ()
    series: tuple[Series, ...] = ()
    images: tuple[ImageColumn, ...] = ()
    tokens: tuple[TokenColumn, ...] = ()
    graphs: tuple[Graph, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the input columns, each once, those of series and graphs last."""
        parts: tuple[Sequence[_Named], ...]
        parts = (self.numbers, self.categories, self.encodings, self.texts, self.images)
        named = [column.name for columns in (*parts, self.tokens) for column in columns]
        listed = (*(each.columns for each in self.series), *(g.lists.columns for g in self.graphs))
        return (*named, *(name for columns in listed for name in columns))

    @property
    def columns_to_fit(self) -> tuple[str, ...]:
        """Columns to read of rows that something is fitted on: also the fold, where one counts."""
        return (*self.columns, FOLD) if self.encodings else self.columns

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns of `Block.numbers`: values, missing flags, outliers, the others."""
        flags = (f"{n.name} is missing" for n in self.numbers if n.has_missing_flag)
        outliers = (each.output for each in self._finders(FLAG))
        encoded = (each.output for each in self.encodings)
        terms = (name for text in self.texts for name in text.outputs)
        return (*(n.name for n in self.numbers), *flags, *outliers, *encoded, *terms)

    def _finders(self, then: str) -> list[Fence | Forest]:
        finders: list[Fence | Forest] = [*self.fences, *self.forests]
        return [each for each in finders if each.then == then]

    @property
    def width(self) -> int:
        """Columns of `Block.numbers`."""
        return len(self.outputs)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of indices of each category column, 0 included."""
        return tuple(len(column.vocabulary) + 1 for column in self.categories)

    @property
    def specs(self) -> dict[str, TensorSpec]:
        """The tensors of a block, by name."""
        return {
            NUMBERS: TensorSpec((self.width,), "float32"),
            CATEGORIES: TensorSpec((len(self.categories),), "int32"),
            **{each.tensor: each.spec for each in self._tensors},
            **{name: spec for graph in self.graphs for name, spec in graph.specs.items()},
        }

    @property
    def _tensors(self) -> tuple[Series | ImageColumn | TokenColumn, ...]:
        return (*self.series, *self.images, *self.tokens)

    def without(self, patterns: Sequence[str]) -> FeatureTransform:
        """The same statistics, less the columns whose names match; `*` matches any text.

        What finds outliers goes with the first of its columns.
        """

        def kept(parts: Sequence[Part]) -> tuple[Part, ...]:
            """The parts that no pattern leaves out."""
            return tuple(part for part in parts if not is_any(part.name, patterns))

        numbers = kept(self.numbers)
        names = {column.name for column in numbers}
        return replace(
            self,
            numbers=numbers,
            categories=kept(self.categories),
            fences=tuple(each for each in self.fences if names.issuperset(each.columns)),
            forests=tuple(each for each in self.forests if names.issuperset(each.columns)),
            encodings=kept(self.encodings),
            texts=kept(self.texts),
            series=tuple(each for series in self.series if (each := series.without(patterns))),
            images=kept(self.images),
            tokens=kept(self.tokens),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the JSON document, hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def apply(self, rows: pa.Table | pa.RecordBatch) -> Block:
        """The tensors of some rows; the order of columns in `rows` does not matter.

        Args:
            rows: Holds at least `columns`; each row is treated by itself, so any slicing of the
                same rows gives the same tensors to the bit. Rows with a `_fold` are encoded as
                training rows.

        Raises:
            ModelError: A column is missing or its type cannot be used.
        """
        self._demand_columns(rows.schema.names)
        numbers = np.empty((self.width, rows.num_rows), np.float32)
        flag = len(self.numbers)
        for index, column in enumerate(self.numbers):
            values, is_missing = _standardise(as_float(rows, column.name), column)
            numbers[index] = values
            if column.has_missing_flag:
                numbers[flag] = is_missing
                flag += 1
        for values in self._derived(rows):
            numbers[flag : flag + len(values)] = values
            flag += len(values)
        categories = np.empty((len(self.categories), rows.num_rows), np.int32)
        for row, lookup in zip(categories, self.categories, strict=True):
            row[:] = lookup.apply(rows)
        tensors: dict[str, npt.NDArray[Any]] = {
            NUMBERS: np.ascontiguousarray(numbers.T),
            CATEGORIES: np.ascontiguousarray(categories.T),
        }
        tensors |= {each.tensor: each.apply(rows) for each in self._tensors}
        for graph in self.graphs:
            tensors |= graph.apply(rows)
        return Block(tensors)

    def refused(self, rows: pa.Table | pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Whether each row is one that nothing is fitted on and that gets no score.

        Raises:
            ModelError: As of `apply`.
        """
        is_refused = np.zeros(rows.num_rows, np.bool_)
        finders = [*self._finders(REFUSE), *(graph.lists for graph in self.graphs)]
        if finders:
            self._demand_columns(rows.schema.names)
        for finder in finders:
            is_refused |= finder.is_out(rows)
        return is_refused

    @property
    def refusal(self) -> str:
        """Why a row is refused: `outlier`, `graph`, or either."""
        refusing = {"outlier": self._finders(REFUSE), "graph": self.graphs}
        return "_or_".join(reason for reason, finders in refusing.items() if finders)

    def _derived(self, rows: pa.Table | pa.RecordBatch) -> Iterator[npt.NDArray[Any]]:
        """`[columns, rows]` of what has no `NumberColumn`, in the order of `outputs`."""
        for finder in self._finders(FLAG):
            yield finder.is_out(rows)[None]
        folds = one_array(rows.column(FOLD)) if FOLD in rows.schema.names else None
        for encoding in self.encodings:
            yield encoding.apply(as_text(rows, encoding.name), folds)[None]
        for text in self.texts:
            yield text.apply(as_text(rows, text.name))

    def _demand_columns(self, found: Sequence[str]) -> None:
        missing = sorted(set(self.columns) - set(found))
        if missing:
            raise ModelError(
                "LS-3011",
                f"the rows lack {missing}, which the model was fitted with",
                "a model reads the columns that it was fitted on, by name",
                "build the features with the case file of this model, or train again",
            )

    def to_json(self) -> str:
        """The document; equal transforms give equal text, on any machine."""
        document = {"form": FORM, **asdict(self)}
        return json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> FeatureTransform:
        """Read a document of `to_json`.

        Raises:
            ModelError: It is not one, or a value in it cannot be.
        """
        try:
            return _checked(_parse(json.loads(text)))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise ModelError(
                "LS-3012",
                "the feature transform cannot be read",
                f"a transform is JSON of form 1 to {FORM} ({type(error).__name__})",
                "restore the model's files, or train again",
            ) from error


def _standardise(
    values: npt.NDArray[np.float64], column: NumberColumn
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    is_missing = np.isnan(values)
    np.clip(values, column.low, column.high, out=values)
    values[is_missing] = column.fill
    values -= column.mean
    values /= column.scale
    return values, is_missing


def _parse(document: Mapping[str, Any]) -> FeatureTransform:
    form = document["form"]
    if form not in range(1, FORM + 1):
        raise ValueError("form")
    parts = {name: document[name] if form >= since else () for name, since in _SINCE.items()}
    return FeatureTransform(
        numbers=tuple(NumberColumn(**column) for column in document["numbers"]),
        categories=tuple(
            CategoryColumn(column["name"], tuple(column["vocabulary"]))
            for column in document["categories"]
        ),
        rows_digest=document["rows_digest"],
        num_rows=document["num_rows"],
        fences=tuple(Fence(**fence) for fence in parts["fences"]),
        forests=tuple(forest_of(forest) for forest in parts["forests"]),
        encodings=tuple(encoding_of(encoding) for encoding in parts["encodings"]),
        texts=tuple(text_of(text) for text in parts["texts"]),
        series=tuple(series_of(series) for series in parts["series"]),
        images=tuple(image_of(image) for image in parts["images"]),
        tokens=tuple(token_column(text) for text in parts["tokens"]),
        graphs=tuple(graph_of(graph) for graph in parts["graphs"]),
    )


def _checked(transform: FeatureTransform) -> FeatureTransform:
    if len(set(transform.columns)) != len(transform.columns):
        raise ValueError("a column appears twice")
    for number in transform.numbers:
        values = (number.low, number.high, number.fill, number.mean, number.scale)
        if not all(isfinite(value) for value in values):
            raise ValueError("not finite")
        if number.scale <= 0 or number.low > number.high:
            raise ValueError("out of order")
    for category in transform.categories:
        words = category.vocabulary
        if len(set(words)) != len(words) or not all(isinstance(word, str) for word in words):
            raise ValueError("vocabulary")
    finders: list[Fence | Forest] = [*transform.fences, *transform.forests]
    if not {name for each in finders for name in each.columns} <= set(transform.columns):
        raise ValueError("outliers of a column that is not there")
    parts: list[Fence | Forest | TargetEncoding | TextColumn | Series | ImageColumn | TokenColumn]
    parts = [*finders, *transform.encodings, *transform.texts, *transform.series]
    parts += [*transform.images, *transform.tokens]
    for part in (*parts, *transform.graphs):
        part.check()
    return transform
