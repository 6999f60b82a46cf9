"""A part of a file as columns: the form in which every format hands over what it read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.bronze.records import CELL_LIMIT
from lepton_spark.config.column import fold
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.header import Promised
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.bronze.records import Record

_CHUNK_ROWS = 8192
_CHUNK_CHARACTERS = 8 * 1024 * 1024
_REPLACEMENT = "\ufffd"
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
BYTES = (
    pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
)  # fmt: skip
# The first of these is what a record is told to have, as in `records.judged`.
_PROBLEMS = ("cell_too_large", "bad_encoding", "nul_character")


@dataclass(frozen=True)
class Chunk:
    """Records of one file that follow each other.

    Args:
        columns: As promised, in the types of the layout.
        rows: Place of each record in its file, from 1.
        problems: A reason code where something is wrong with a record.
        raw: Its text then.
    """

    columns: Sequence[pa.Array]
    rows: pa.Array
    problems: pa.Array
    raw: pa.Array

    @property
    def num_rows(self) -> int:
        """How many records."""
        return len(self.rows)


def chunk_of(gathered: Sequence[Record], layout: Layout, order: Sequence[int]) -> Chunk:
    """Records as columns.

    Args:
        gathered: At least one.
        layout: Their promised columns.
        order: Where in the cells of a record each promised column is.
    """
    absent = [None] * (max(order, default=0) + 1)
    cells = list(zip(*(record.cells or absent for record in gathered), strict=False))
    return Chunk(
        [pa.array(cells[place], kind) for place, kind in zip(order, layout.types, strict=True)],
        pa.array([record.row for record in gathered], pa.int64()),
        pa.array([record.problem for record in gathered], pa.string()),
        pa.array([record.raw for record in gathered], pa.string()),
    )


def chunks_of(
    found: Iterable[Record], layout: Layout, order: Sequence[int] | None = None
) -> Iterator[Chunk]:
    """Records as columns, in parts of bounded size; without an order cells are as promised."""
    places = range(len(layout.promised)) if order is None else order
    gathered: list[Record] = []
    num_characters = 0
    for record in found:
        if len(gathered) >= _CHUNK_ROWS or num_characters >= _CHUNK_CHARACTERS:
            yield chunk_of(gathered, layout, places)
            gathered, num_characters = [], 0
        gathered.append(record)
        num_characters += _length(record)
    if gathered:
        yield chunk_of(gathered, layout, places)


def _length(record: Record) -> int:
    if record.raw is not None and record.cells is None:
        return len(record.raw)
    cells: Sequence[Any] = record.cells or ()
    return sum(len(cell) for cell in cells if cell is not None) + len(record.raw or "")


def is_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes, which no text tells."""
    return any(is_(kind) for is_ in BYTES)


def is_text(kind: pa.DataType) -> bool:
    """True for a type that holds text, be it by a dictionary."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_(value) for is_ in _TEXTS)


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether values of a type are bytes, or arrays or maps of some."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    inner = (value.field(place).type for place in range(value.num_fields))
    return is_bytes(value) or any(map(holds_bytes, inner))


def judged(columns: Sequence[pa.Array], size: int) -> tuple[list[pa.Array], pa.Array, pa.Array]:
    """Columns as cells may hold them, the first problem of each record, and its raw text.

    A text that no cell may hold is null, bytes that are no text are U+FFFD.

    Args:
        columns: Of texts or bytes, in the types of a layout.
        size: How many records.
    """
    found: dict[str, pa.Array] = {}
    kept = []
    for column in columns:
        cells, problems = _judged(column) if pa.types.is_string(column.type) else (column, {})
        kept.append(cells)
        for name, is_so in problems.items():
            found[name] = pc.or_(found[name], is_so) if name in found else is_so
    nothing = pa.nulls(size, pa.string())
    first = nothing
    for name in reversed(_PROBLEMS):
        first = pc.if_else(found[name], name, first) if name in found else first
    return kept, first, pc.if_else(pc.is_valid(first), "", nothing) if found else nothing


def _judged(texts: pa.Array) -> tuple[pa.Array, dict[str, pa.Array]]:
    """Texts as cells may hold them, and which of them have which problem."""
    # Asked of all texts at once, which nearly always have none.
    content = _content(texts)
    found: dict[str, pa.Array] = {}
    if not content.isascii():
        readable = _readable(texts)
        if readable is not texts or _REPLACEMENT.encode() in content:
            found["bad_encoding"] = pc.match_substring(readable, _REPLACEMENT)
        texts = readable
    if b"\0" in content:
        found["nul_character"] = pc.match_substring(texts, "\0")
    if len(content) > CELL_LIMIT:
        found["cell_too_large"] = pc.greater(pc.utf8_length(texts), CELL_LIMIT)
        texts = pc.if_else(found["cell_too_large"], pa.scalar(None, pa.string()), texts)
    return texts, {name: pc.fill_null(is_so, fill_value=False) for name, is_so in found.items()}


def _content(texts: pa.Array) -> bytes:
    """The bytes of all texts, one after another."""
    _, ends, content = texts.buffers()
    if content is None or len(texts) == 0:
        return b""
    places = memoryview(ends).cast("i")
    first, last = places[texts.offset], places[texts.offset + len(texts)]
    return bytes(content[first:last])


def _readable(texts: pa.Array) -> pa.Array:
    """The texts, with U+FFFD where bytes are no UTF-8."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        stored = texts.cast(pa.binary()).to_pylist()
        decoded = [None if each is None else each.decode("utf-8", "replace") for each in stored]
        return pa.array(decoded, pa.string())
    return texts


def require_kind(path: str, promised: Sequence[Promised], name: str, *, is_bytes: bool) -> None:
    """See that a column which the file holds as bytes, or as text, is promised so.

    Args:
        path: The file, for the error.
        promised: Columns of the contract.
        name: The column in the file.
        is_bytes: Whether the file holds bytes there.

    Raises:
        DataError: It is promised otherwise.
    """
    for column in promised:
        if fold(column.header) == name and (column.kind == "binary") != is_bytes:
            fix = "with physicalType: binary" if is_bytes else "without physicalType: binary"
            refuse_kind(path, column, "binary" if is_bytes else "text", f"promise it {fix}.")


def refuse_kind(path: str, column: Promised, found: object, fix: str) -> NoReturn:
    """Refuse a file that holds a column in a type which cannot be of the promised kind."""
    raise DataError(
        "LS-2097",
        f"{path}: column {column.header} is {found} in the file, {column.kind} is promised.",
        "a value of the one type cannot be read as the other without a loss.",
        fix,
    )
