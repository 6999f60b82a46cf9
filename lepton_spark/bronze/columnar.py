"""Parquet: columns by name, every value as the text that says it exactly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lepton_spark.bronze.chunk import Chunk
from lepton_spark.bronze.header import Promised, positions, refuse_wide
from lepton_spark.bronze.layout import INSTANT
from lepton_spark.bronze.records import CELL_LIMIT
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Delta, Parquet

_MAGIC = b"PAR1"
_FOOT_BYTES = 12  # magic number, length of the footer, magic number
_BATCH_ROWS = 8192
_DOUBLE_EXACT = 2**53  # below it a double tells each whole number from the next


class _Leaf(NamedTuple):
    """A column that holds values: its path from the top, and the type of its values."""

    path: tuple[str, ...]
    kind: pa.DataType

    @property
    def name(self) -> str:
        """The path with dots between, as contracts name the column."""
        return ".".join(self.path)


def read_parquet(
    file: LandedFile, stored: Any, layout: Layout, form: Parquet | Delta
) -> Iterator[Chunk]:
    """The records of a file; each row number is its place in the file.

    Whole numbers, decimals, dates and booleans are written out; a float as the shortest text that
    gives it back, without an exponent where an integer or decimal is promised; an instant, such as
    any INT96, in UTC with its offset, cut to microseconds; arrays and maps as JSON. A text of more
    than 1 MiB characters is a `cell_too_large`.

    Args:
        file: Where it is from, and what its rows have in common.
        stored: Its bytes, open at any position.
        layout: Columns of the contract; one of a struct is named `a.b`.
        form: As the case says.

    Raises:
        DataError: The file is damaged or no Parquet, lacks a promised column, has one too many, or
            has one of a type that the promised kind cannot be read from, or one with an instant
            beyond 64 bits of microseconds.
    """
    _refuse_foreign(file, stored)
    with _damage_told(file):
        table = pq.ParquetFile(
            stored, page_checksum_verification=True, coerce_int96_timestamp_unit="us"
        )
        leaves = _stored(table)
    partition = dict(file.partition)
    in_file = {leaf.name: leaf for leaf in leaves}
    common = dict.fromkeys(layout.offered) | partition
    offered = [leaf.name for leaf in leaves] + [name for name in common if name not in in_file]
    refuse_wide(file.path, len(offered), layout.max_columns)
    ignores = form.extra_columns == "ignore"
    order = positions(offered, layout.promised, path=file.path, ignore_extra=ignores, is_line=False)
    found: list[_Leaf | str | None] = []
    for column, name in zip(layout.promised, (offered[place] for place in order), strict=True):
        if name in partition or name not in in_file:
            found.append(common[name])
            continue
        leaf = in_file[name]
        if not (form.from_text and is_text(leaf.kind)):
            _require_fit(file, column, leaf.kind)
        found.append(leaf)
    yield from _chunks(file, table, layout, found)


def names_of_parquet(file: LandedFile, stored: Any) -> dict[str, pa.DataType]:
    """The leaf columns of a file, those of structs as `a.b`, and their types.

    Raises:
        DataError: The file is damaged or no Parquet.
    """
    _refuse_foreign(file, stored)
    with _damage_told(file):
        return {leaf.name: leaf.kind for leaf in _leaves(pq.read_schema(stored))}


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes, which no text tells."""
    return any(is_(kind) for is_ in _BYTES)


def is_text(kind: pa.DataType) -> bool:
    """True for a type that holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


@contextmanager
def _damage_told(file: LandedFile) -> Iterator[None]:
    """Refuse the file where Arrow cannot read it; what the system says of it is left as it is."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if "checksum" in str(error):
            _refuse_damage(file, "the checksum of a page does not match")
        _refuse_damage(file)


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


def _leaves(schema: pa.Schema | pa.StructType, above: tuple[str, ...] = ()) -> Iterator[_Leaf]:
    """The columns of a schema in its order, in place of a struct its fields."""
    for field in schema:
        path = (*above, field.name)
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, path)
        else:
            yield _Leaf(path, field.type)


def _stored(table: pq.ParquetFile) -> list[_Leaf]:
    """The columns of a file; Spark writes instants as INT96, which Arrow takes for local times."""
    columns = (table.schema.column(place) for place in range(len(table.schema)))
    instants = {column.path for column in columns if column.physical_type == "INT96"}
    return [
        leaf._replace(kind=INSTANT) if leaf.name in instants else leaf
        for leaf in _leaves(table.schema_arrow)
    ]


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
    file: LandedFile, table: pq.ParquetFile, layout: Layout, found: list[_Leaf | str | None]
) -> Iterator[Chunk]:
    """The promised columns; one that the file does not hold as what all its rows have in common."""
    row = 0
    tops = list(dict.fromkeys(each.path[0] for each in found if isinstance(each, _Leaf)))
    for batch in _batches(file, table, tops):
        size = batch.num_rows
        columns = [
            _cells(file, column, _values(batch, each))
            if isinstance(each, _Leaf)
            else pa.repeat(pa.scalar(each, pa.string()), size).cast(kind)
            for each, column, kind in zip(found, layout.promised, layout.types, strict=True)
        ]
        columns, problems, raw = _without_large(columns, size)
        rows = pa.array(range(row + 1, row + size + 1), pa.int64())
        yield Chunk(columns, rows, problems, raw)
        row += size


def _batches(
    file: LandedFile, table: pq.ParquetFile, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    with _damage_told(file):
        for batch in table.iter_batches(_BATCH_ROWS, columns=columns):
            if batch.num_rows > 0:
                yield batch


def _without_large(columns: list[pa.Array], size: int) -> tuple[list[pa.Array], Any, Any]:
    """Columns without texts that no cell may hold, `cell_too_large` for their rows, raw texts."""
    nothing = pa.nulls(size, pa.string())
    lengths = [pc.utf8_length(each) if is_text(each.type) else None for each in columns]
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


def _values(batch: pa.RecordBatch, leaf: _Leaf) -> pa.Array:
    top, *fields = leaf.path
    values = batch.column(top)
    if fields:
        values = pc.struct_field(values, fields)
    return values.cast(INSTANT) if leaf.kind == INSTANT else values


def _cells(file: LandedFile, column: Promised, values: pa.Array) -> pa.Array:
    """Values as bronze holds them."""
    try:
        return _cast(values, column.kind)
    except pa.ArrowInvalid:
        what = f"column {column.header} holds values of {values.type} that have no text"
        why = "bronze holds texts, instants in microseconds of 64 bits"
        _refuse(file, what, why, f"write the column as {column.kind} within its range")


def _cast(values: pa.Array, promised: str) -> pa.Array:
    kind = values.type
    if promised == "binary" or is_text(kind):
        return values.cast(pa.binary() if promised == "binary" else pa.string())
    if pa.types.is_dictionary(kind):
        return _cast(values.cast(kind.value_type), promised)
    if pa.types.is_timestamp(kind):
        return _written_times(values)
    if pa.types.is_nested(kind):
        texts = [each if each is None else _json(each) for each in values.to_pylist()]
        return pa.array(texts, pa.string())
    is_exact = pa.types.is_floating(kind) and promised in ("integer", "decimal")
    if is_exact or pa.types.is_decimal(kind):
        return _written_out(values)
    return values.cast(pa.string())


def _written_times(values: pa.Array) -> pa.Array:
    # Without a zone it is a local time, which the contract refuses to take for an instant.
    is_instant = values.type.tz is not None
    kind = INSTANT if is_instant else pa.timestamp("us")
    moments = values.cast(options=pc.CastOptions(kind, allow_time_truncate=True))
    written = pc.strftime(moments, "%Y-%m-%dT%H:%M:%S")
    return pc.binary_join_element_wise(written, "Z", "") if is_instant else written


def _as_whole(values: pa.Array) -> pa.Array:
    """Doubles as integers where they all are some: those are written fast."""
    if not pa.types.is_float64(values.type):
        return values
    is_whole = pc.and_(pc.less(pc.abs(values), _DOUBLE_EXACT), pc.equal(values, pc.trunc(values)))
    return values.cast(pa.int64()) if pc.all(is_whole).as_py() else values


def _written_out(values: pa.Array) -> pa.Array:
    """Numbers as text without an exponent; nan and inf as they are."""
    texts = _as_whole(values).cast(pa.string())
    has_exponent = pc.match_substring(texts, "e", ignore_case=True)
    if not pc.any(has_exponent).as_py():
        return texts
    plain = [format(Decimal(text), "f") for text in texts.filter(has_exponent).to_pylist()]
    return pc.replace_with_mask(texts, has_exponent, pa.array(plain, pa.string()))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


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
