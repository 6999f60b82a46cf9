"""Columns of Arrow tables as what a transform computes with: texts and floats."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.errors import ModelError

FLOAT32_MAX = float(np.finfo(np.float32).max)


def _is_number(kind: pa.DataType) -> bool:
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
    column = one_array(rows.column(name))
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
    column = one_array(rows.column(name))
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if not _is_number(column.type):
        raise _wrong_type(name, column.type, "numbers and booleans can be standardised")
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    if not pa.types.is_float64(column.type):
        column = pc.cast(column, pa.float64(), safe=False)
    if column.null_count:
        column = pc.fill_null(column, np.nan)
    values: npt.NDArray[np.float64] = np.array(column.to_numpy(zero_copy_only=False))
    return values


def as_float32(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The same as float32: what is too large for it, infinity too, as its largest; NaN as it is."""
    return np.clip(values, -FLOAT32_MAX, FLOAT32_MAX).astype(np.float32)


def as_steps(rows: pa.Table | pa.RecordBatch, name: str, steps: int) -> npt.NDArray[np.float64]:
    """A column of lists as a fresh float64 array `[rows, steps]`, NaN for null.

    Raises:
        ModelError: They are no lists of numbers, or a list has another length.
    """
    column = one_array(rows.column(name))
    if not pa.types.is_list(column.type) or not _is_number(column.type.value_type):
        raise _wrong_type(name, column.type, "the steps of a window are a list of numbers")
    lengths = pc.list_value_length(column.drop_null())
    if len(lengths) and pc.min_max(lengths).as_py() != {"min": steps, "max": steps}:
        raise ModelError(
            "LS-3014",
            f"column {name} holds lists of other lengths than {steps}",
            "a model reads as many steps as it was fitted on",
            "build the features with the case file of this model, or train again",
        )
    items = pa.table({name: pc.list_flatten(column)})
    found = np.full((len(column), steps), np.nan)
    found[np.asarray(column.is_valid())] = as_float(items, name).reshape(-1, steps)
    return found


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
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
