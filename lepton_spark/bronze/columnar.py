"""Parquet: columns by name, every value as the text that says it exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lepton_spark.bronze.chunk import Chunk
from lepton_spark.bronze.header import Promised, positions, refuse_wide
from lepton_spark.bronze.records import CELL_LIMIT
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Delta, Parquet

_MAGIC = b"PAR1"
_FOOT_BYTES = 12  # magic number, length of the footer, magic number
_BATCH_ROWS = 8192
_UTC = "UTC"


def read_parquet(
    file: LandedFile, stored: Any, layout: Layout, form: Parquet | Delta
) -> Iterator[Chunk]:
    """The records of a file; each row number is its place in the file.

    Whole numbers, decimals, dates and booleans are written out; a float as the shortest text that
    gives it back; an instant in UTC with its offset; arrays and maps as JSON. A text of more than
    1 MiB characters is a `cell_too_large`.

    Args:
        file: Where it is from, and what its rows have in common.
        stored: Its bytes, open at any position.
        layout: Columns of the contract; one of a struct is named `a.b`.
        form: As the case says.

    Raises:
        DataError: The file is damaged or no Parquet, lacks a promised column, has one too many, or
            has one of a type that the promised kind cannot be read from.
    """
    _refuse_foreign(file, stored)
    try:
        table = pq.ParquetFile(stored, page_checksum_verification=True)
        stored_names = _names(table.schema_arrow)
        names = dict.fromkeys(layout.offered, pa.null()) | stored_names
        names |= dict.fromkeys(dict(file.partition), pa.string())
        ignores = form.extra_columns == "ignore"
        offered = list(names)
        refuse_wide(file.path, len(offered), layout.max_columns)
        order = positions(
            offered, layout.promised, path=file.path, ignore_extra=ignores, is_line=False
        )
        found = [offered[place] for place in order]
        for column, name in zip(layout.promised, found, strict=True):
            is_read = name in dict(file.partition) or (form.from_text and _is_text(names[name]))
            if not is_read:
                _require_fit(file, column, names[name])
        common = {name: None for name in found if name not in stored_names} | dict(file.partition)
        yield from _chunks(table, layout, found, common)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if "checksum" in str(error):
            _refuse_damage(file, "the checksum of a page does not match")
        _refuse_damage(file)


def names_of_parquet(file: LandedFile, stored: Any) -> dict[str, pa.DataType]:
    """The leaf columns of a file, those of structs as `a.b`, and their types.

    Raises:
        DataError: The file is damaged or no Parquet.
    """
    _refuse_foreign(file, stored)
    try:
        return _names(pq.read_schema(stored))
    except pa.ArrowInvalid:
        _refuse_damage(file)


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes, which no text tells."""
    return any(is_(kind) for is_ in _BYTES)


def _refuse_damage(file: LandedFile, what: str = "a page or the footer is damaged") -> NoReturn:
    _refuse(
        file,
        what,
        "each page has a checksum, and the file ends with its footer",
        "restore the file, or deliver it again; its size is as listed",
    )


def _refuse_foreign(file: LandedFile, stored: Any) -> None:
    if file.size == 0:
        what = "it has 0 bytes, and is no Parquet file"
        _refuse(file, what, "even an empty table has a footer", "deliver it again, or remove it")
    start, end = stored.read(len(_MAGIC)), b""
    if file.size >= _FOOT_BYTES:
        stored.seek(file.size - len(_MAGIC))
        end = stored.read(len(_MAGIC))
    stored.seek(0)
    if start != _MAGIC:
        what = "its magic bytes are not PAR1"
        _refuse(file, what, "a Parquet file begins and ends with them", "give it its true ending")
    if end != _MAGIC:
        what = f"the footer is missing; it has {file.size} bytes"
        _refuse(file, what, "an upload that was cut off looks so", "deliver the file again")


def _names(schema: pa.Schema, prefix: str = "") -> dict[str, pa.DataType]:
    """Leaf columns, those of structs as `a.b`."""
    found: dict[str, pa.DataType] = {}
    for field in schema:
        name = f"{prefix}{field.name}"
        if pa.types.is_struct(field.type):
            found |= _names(field.type, f"{name}.")
        else:
            found[name] = field.type
    return found


def _require_fit(file: LandedFile, column: Promised, kind: pa.DataType) -> None:
    """See that values of a type can be of a kind."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    is_told = column.kind == "string" and not is_bytes(kind)
    if is_told or pa.types.is_null(kind):
        return
    if any(is_(kind) for is_ in _FITS.get(column.kind, ())):
        return
    raise DataError(
        "LS-2097",
        f"{file.path}: column {column.header} is {kind} in the file, {column.kind} is promised.",
        "a value of the one type cannot be read as the other without a loss.",
        "write the column with its promised type; of text set parquet.from_text: true.",
    )


def _chunks(
    table: pq.ParquetFile, layout: Layout, found: list[str], common: Mapping[str, str | None]
) -> Iterator[Chunk]:
    """The columns of a file; of those that it does not hold, what all its rows have in common."""
    row = 0
    tops = list(dict.fromkeys(name.split(".")[0] for name in found if name not in common))
    for batch in table.iter_batches(_BATCH_ROWS, columns=tops):
        if batch.num_rows == 0:
            continue
        size = batch.num_rows
        columns = [
            pa.repeat(pa.scalar(common[name], pa.string()), size).cast(kind)
            if name in common
            else _cast(_leaf(batch, name), kind)
            for name, kind in zip(found, layout.types, strict=True)
        ]
        columns, problems, raw = _without_large(columns, size)
        rows = pa.array(range(row + 1, row + size + 1), pa.int64())
        yield Chunk(columns, rows, problems, raw)
        row += size


def _without_large(columns: list[pa.Array], size: int) -> tuple[list[pa.Array], Any, Any]:
    """Columns without texts that no cell may hold, `cell_too_large` for their rows, raw texts."""
    nothing = pa.nulls(size, pa.string())
    lengths = [pc.utf8_length(each) if _is_text(each.type) else None for each in columns]
    if not any(each is not None and (pc.max(each).as_py() or 0) > CELL_LIMIT for each in lengths):
        return columns, nothing, nothing
    is_large = pa.array([False] * size)
    kept = []
    for column, length in zip(columns, lengths, strict=True):
        if length is None:
            kept.append(column)
            continue
        is_over = pc.fill_null(pc.greater(length, CELL_LIMIT), fill_value=False)
        is_large = pc.or_(is_large, is_over)
        kept.append(pc.if_else(is_over, pa.scalar(None, column.type), column))
    problems = pc.if_else(is_large, "cell_too_large", pa.scalar(None, pa.string()))
    return kept, problems, pc.if_else(is_large, "", pa.scalar(None, pa.string()))


def _leaf(batch: pa.RecordBatch, name: str) -> pa.Array:
    first, *rest = name.split(".")
    return pc.struct_field(batch.column(first), rest) if rest else batch.column(first)


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_binary(kind) or _is_text(values.type):
        return values.cast(kind)
    if pa.types.is_dictionary(values.type):
        return _cast(values.cast(values.type.value_type), kind)
    if pa.types.is_timestamp(values.type):
        # Without a zone it is a local time, which the contract refuses to take for an instant.
        is_instant = values.type.tz is not None
        instants = values.cast(pa.timestamp("us", _UTC if is_instant else None))
        written = pc.strftime(instants, "%Y-%m-%dT%H:%M:%S")
        return pc.binary_join_element_wise(written, "Z", "") if is_instant else written
    if pa.types.is_nested(values.type):
        return pa.array(
            [each if each is None else _json(each) for each in values.to_pylist()], kind
        )
    return values.cast(kind)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _refuse(file: LandedFile, what: str, why: str, fix: str) -> NoReturn:
    raise DataError("LS-2096", f"{file.path}: {what}.", f"{why}.", f"{fix}.")


_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
_FITS = {
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "decimal": (pa.types.is_integer, pa.types.is_decimal, pa.types.is_floating),
    "boolean": (pa.types.is_boolean,),
    "date": (pa.types.is_date,),
    "timestamp": (pa.types.is_timestamp,),
    "binary": _BYTES,
}
