"""How feature values become tensors: a fitted document, executed the same way everywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.errors import ModelError

FORM = 1


@dataclass(frozen=True)
class Block:
    """Rows as tensors.

    Args:
        numbers: float32, `[rows, width]`, never NaN.
        categories: int32, `[rows, number of category columns]`; 0 is unseen, rare or null.
    """

    numbers: npt.NDArray[np.float32]
    categories: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.numbers)


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


@dataclass(frozen=True)
class FeatureTransform:
    """Statistics of the training rows, and nothing else, applied to any row.

    Args:
        numbers: In the order of the output.
        categories: In the order of the output.
        rows_digest: Order-free digest of the training rows that the statistics were taken from.
        num_rows: How many those were.
    """

    numbers: tuple[NumberColumn, ...]
    categories: tuple[CategoryColumn, ...]
    rows_digest: str
    num_rows: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the input columns: numbers, then categories."""
        numbers = tuple(column.name for column in self.numbers)
        return numbers + tuple(column.name for column in self.categories)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns of `Block.numbers`: values, then missing flags."""
        flags = (f"{n.name} is missing" for n in self.numbers if n.has_missing_flag)
        return (*(n.name for n in self.numbers), *flags)

    @property
    def width(self) -> int:
        """Columns of `Block.numbers`."""
        return len(self.outputs)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Number of indices of each category column, 0 included."""
        return tuple(len(column.vocabulary) + 1 for column in self.categories)

    def without(self, patterns: Sequence[str]) -> FeatureTransform:
        """The same statistics, less the columns whose names match; `*` matches any text."""
        return replace(
            self,
            numbers=tuple(column for column in self.numbers if not _matches(column.name, patterns)),
            categories=tuple(
                column for column in self.categories if not _matches(column.name, patterns)
            ),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the JSON document, hexadecimal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def apply(self, rows: pa.Table | pa.RecordBatch) -> Block:
        """Turn rows into tensors; the order of columns in `rows` does not matter.

        Args:
            rows: Holds at least `columns`; each value is treated by itself, so any slicing of the
                same rows gives the same tensors to the bit.

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
        categories = np.empty((len(self.categories), rows.num_rows), np.int32)
        for row, lookup in zip(categories, self.categories, strict=True):
            row[:] = _index(as_text(rows, lookup.name), lookup)
        return Block(np.ascontiguousarray(numbers.T), np.ascontiguousarray(categories.T))

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
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(
                "LS-3012",
                "the feature transform cannot be read",
                f"a transform is a JSON document of form {FORM} ({type(error).__name__})",
                "restore the model's files, or train again",
            ) from error


def number_type(kind: pa.DataType) -> bool:
    """Whether columns of this type can be numbers of a transform."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def as_text(rows: pa.Table | pa.RecordBatch, name: str) -> pa.Array:
    """A category column as one string array; whole numbers as decimal text, nulls stay null.

    Raises:
        ModelError: The type is neither text nor a whole number, a boolean or a date.
    """
    column = _one_array(rows.column(name))
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind):
        return column
    if _is_nameable(kind):
        return column.cast(pa.string())
    raise _wrong_type(name, kind, "text, whole numbers, booleans and dates name things")


def _is_nameable(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    )


def as_float(rows: pa.Table | pa.RecordBatch, name: str) -> npt.NDArray[np.float64]:
    """A number column as a fresh float64 array, NaN for null.

    Raises:
        ModelError: The column is not numeric.
    """
    column = _one_array(rows.column(name))
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if not number_type(column.type):
        raise _wrong_type(name, column.type, "numbers and booleans can be standardised")
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if not pa.types.is_float64(column.type):
        column = pc.cast(column, pa.float64(), safe=False)
    if column.null_count:
        column = pc.fill_null(column, np.nan)
    values: npt.NDArray[np.float64] = np.array(column.to_numpy(zero_copy_only=False))
    return values


def _one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _wrong_type(name: str, kind: pa.DataType, rule: str) -> ModelError:
    return ModelError(
        "LS-3013",
        f"column {name} has type {kind}",
        rule,
        f"convert {name} in `derive` of its source, or leave it out of the features",
    )


def _standardise(
    values: npt.NDArray[np.float64], column: NumberColumn
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    is_missing = np.isnan(values)
    np.clip(values, column.low, column.high, out=values)
    values[is_missing] = column.fill
    values -= column.mean
    values /= column.scale
    return values, is_missing


def _index(values: pa.Array, column: CategoryColumn) -> npt.NDArray[np.int32]:
    vocabulary = pa.array(column.vocabulary, pa.string())
    places = pc.index_in(values, value_set=vocabulary, skip_nulls=True)
    indices: npt.NDArray[np.int32] = pc.fill_null(places, -1).to_numpy(zero_copy_only=False)
    return indices + 1


def _parse(document: Mapping[str, Any]) -> FeatureTransform:
    if document.get("form") != FORM:
        raise ValueError("unknown form")
    fields = {name: document[name] for name in ("rows_digest", "num_rows")}
    return FeatureTransform(
        numbers=tuple(NumberColumn(**column) for column in document["numbers"]),
        categories=tuple(
            CategoryColumn(column["name"], tuple(column["vocabulary"]))
            for column in document["categories"]
        ),
        **fields,
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
    return transform


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
