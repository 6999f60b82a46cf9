"""Parquet: columns by name, every value as the text that says it exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lepton_spark.bronze.chunk import BYTES, Chunk, holds_bytes, is_text, judged, refuse_kind
from lepton_spark.bronze.header import Promised, positions, refuse_wide
from lepton_spark.bronze.layout import INSTANT
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Delta, Parquet

_MAGIC = b"PAR1"
_FOOT_BYTES = 12  # magic number, length of the footer, magic number
_BATCH_ROWS = 8192
# Below it a float of so many bits tells each whole number from the next.
_EXACT = {16: 2**11, 32: 2**24, 64: 2**53}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY, _END_DAY = -719_162, 2_932_897  # from 0001-01-01 up to 10000-01-01
_DAY_MICROS = 86_400_000_000
_CYCLE_MICROS = 146_097 * _DAY_MICROS  # the calendar is the same again after 400 years


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
    gives it back, but without an exponent, and a whole one exactly, where an integer or decimal is
    promised; an instant, such as any INT96, in UTC with its offset, cut to microseconds; years
    before 1 and after 9999 with their sign and all digits; arrays and maps as JSON. A text of more
    than 1 MiB characters is a `cell_too_large`, one that is no UTF-8 a `bad_encoding`, with NUL a
    `nul_character`.

    Args:
        file: Where it is from, and what its rows have in common.
        stored: Its bytes, open at any position.
        layout: Columns of the contract; one of a struct is named `a.b`.
        form: As the case says.

    Raises:
        DataError: The file is damaged or no Parquet, lacks a promised column, has one too many, or
            has one of a type that the promised kind cannot be read from, or one with an instant
            beyond 64 bits of microseconds or an array with what no text tells.
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
        return {leaf.name: leaf.kind for leaf in _stored(pq.ParquetFile(stored))}


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
        if "UTF8" in str(error):
            what = "a dictionary holds a text that is no UTF-8"
            _refuse(file, what, "a dictionary is read as a whole", "write its texts as UTF-8")
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
    is_told = column.kind == "string" and not holds_bytes(kind)
    if is_told or pa.types.is_null(kind):
        return
    if any(is_(kind) for is_ in _FITS.get(column.kind, ())):
        return
    fix = "write the column with its promised type; of text set parquet.from_text: true."
    refuse_kind(file.path, column, kind, fix)


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
        columns, problems, raw = judged(columns, size)
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
    except (ValueError, OverflowError, pa.ArrowNotImplementedError):
        what = f"column {column.header} holds values of {values.type} that have no text"
        why = "bronze holds texts, instants in microseconds of 64 bits"
        _refuse(file, what, why, f"write the column as {column.kind} within its range")


def _cast(values: pa.Array, promised: str) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _cast(values.cast(kind.value_type), promised)
    if promised == "binary" or is_text(kind):
        return values.cast(pa.binary() if promised == "binary" else pa.string())
    if pa.types.is_floating(kind) and promised in ("integer", "decimal"):
        return _written_floats(values)
    written = next((written for is_, written in _WRITTEN if is_(kind)), None)
    return values.cast(pa.string()) if written is None else written(values)


def _written_times(values: pa.Array) -> pa.Array:
    # Without a zone it is a local time, which the contract refuses to take for an instant.
    is_instant = values.type.tz is not None
    kind = INSTANT if is_instant else pa.timestamp("us")
    moments = values.cast(options=pc.CastOptions(kind, allow_time_truncate=True))
    texts = pc.strftime(moments, "%Y-%m-%dT%H:%M:%S")
    written = _with_far(texts, moments.cast(pa.int64()), _far_time, _DAY_MICROS)
    return pc.binary_join_element_wise(written, "Z", "") if is_instant else written


def _written_days(values: pa.Array) -> pa.Array:
    days = values.cast(pa.date32())
    return _with_far(days.cast(pa.string()), days.cast(pa.int32()).cast(pa.int64()), _far_day, 1)


def _with_far(
    texts: pa.Array, numbers: pa.Array, written: Callable[[int], str], per_day: int
) -> pa.Array:
    """Days or times with those beyond the years 1 to 9999 anew: Arrow has 16 bits for a year."""
    is_early = pc.less(numbers, _FIRST_DAY * per_day)
    is_late = pc.greater_equal(numbers, _END_DAY * per_day)
    return _replaced(texts, pc.or_(is_early, is_late), numbers, written)


def _far_time(micros: int) -> str:
    """The text of a moment after 1970, whatever its year."""
    cycles, rest = divmod(micros, _CYCLE_MICROS)
    near = _EPOCH + timedelta(microseconds=rest)
    year = near.year + 400 * cycles
    return f"{'-' * (year < 0)}{abs(year):04d}-{near:%m-%dT%H:%M:%S.%f}"


def _far_day(day: int) -> str:
    return _far_time(day * _DAY_MICROS).partition("T")[0]


def _written_floats(values: pa.Array) -> pa.Array:
    """Floats as text without an exponent, whole ones exactly; nan and inf as they are."""
    exact = _EXACT[values.type.bit_width]
    doubles = values.cast(pa.float64())
    sizes = pc.abs(doubles)
    is_whole = pc.and_(pc.less(sizes, _EXACT[64]), pc.equal(doubles, pc.trunc(doubles)))
    if pc.all(is_whole).as_py():
        return doubles.cast(pa.int64()).cast(pa.string())
    is_large = pc.and_(pc.greater_equal(sizes, exact), pc.is_finite(doubles))
    return _replaced(_written_out(values), is_large, doubles, _plain)


def _written_out(values: pa.Array) -> pa.Array:
    """Numbers as text without an exponent; nan and inf as they are."""
    texts = values.cast(pa.string())
    has_exponent = pc.match_substring(texts, "e", ignore_case=True)
    return _replaced(texts, has_exponent, texts, _plain)


def _plain(number: str | float) -> str:
    return format(Decimal(number), "f")


def _replaced(
    texts: pa.Array, where: pa.Array, values: pa.Array, written: Callable[[Any], str]
) -> pa.Array:
    """Texts, but in some places those that values there are written as."""
    if not pc.any(where).as_py():
        return texts
    anew = [written(each) for each in values.filter(where).to_pylist()]
    return pc.replace_with_mask(texts, where, pa.array(anew, pa.string()))


def _written_clock(values: pa.Array) -> pa.Array:
    texts = values.cast(pa.string())
    if pc.any(pc.starts_with(texts, "<")).as_py():
        raise pa.ArrowInvalid("no time of a day")  # Arrow writes a remark in its place
    return texts


def _json(value: pa.Scalar) -> str | None:
    """An array or a map as JSON; U+FFFD where a text in it is none."""
    try:
        found = value.as_py()
    except UnicodeDecodeError:
        return "\ufffd"
    if found is None:
        return None
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"), default=str)


def _refuse(file: LandedFile, what: str, why: str, fix: str) -> NoReturn:
    raise DataError("LS-2096", f"{file.path}: {what}.", f"{why}.", f"{fix}.")


_WRITTEN: Sequence[tuple[Callable[..., bool], Callable[..., pa.Array]]] = (
    (pa.types.is_timestamp, _written_times),
    (pa.types.is_date, _written_days),
    (pa.types.is_time, _written_clock),
    (pa.types.is_decimal, _written_out),
    (pa.types.is_nested, lambda values: pa.array(map(_json, values), pa.string())),
)
_NUMBERS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
_FITS = {
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "decimal": (pa.types.is_integer, pa.types.is_decimal, pa.types.is_floating),
    "boolean": (pa.types.is_boolean,),
    "date": (pa.types.is_date,),
    "timestamp": (pa.types.is_timestamp,),
    "binary": BYTES,
}
