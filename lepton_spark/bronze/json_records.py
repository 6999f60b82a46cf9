"""JSON: an object a line, or the items of an array in one document; numbers stay as written."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from lepton_spark.bronze.chunk import Chunk, chunks_of
from lepton_spark.bronze.header import positions
from lepton_spark.bronze.records import CELL_LIMIT, Record
from lepton_spark.bronze.text import lines_of
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Json

ITSELF = "."
_DOCUMENT_BYTES = 256 * 1024 * 1024


class _TwiceError(ValueError):
    """A key that is there twice in an object: which of the two values counts is not known."""


def read_json(
    file: LandedFile, content: io.BufferedReader, layout: Layout, form: Json
) -> Iterator[Chunk]:
    """The objects of a file; a promised column is found by its path, such as `patient.id`.

    What is no text becomes text: numbers as written, `true` and `false`, arrays and objects as
    JSON. An object lacks a value where it lacks the key. Rows are numbered by lines or items.

    Raises:
        DataError: No object of the file has a promised column, or one has a key that is not
            promised; the document is damaged, too large, or has no array where it should.
    """
    keys = _Keys(layout)
    found = (keys.record(row, each) for row, each in _objects(file, content, form))
    yield from chunks_of(found, layout)
    keys.require(file, ignores_extra=form.extra_columns == "ignore")


def keys_of(file: LandedFile, content: io.BufferedReader, form: Json) -> list[str]:
    """The keys of all objects in order of their first appearance, nested ones as `a.b`.

    Raises:
        DataError: The document is damaged, too large, or has no array where it should.
    """
    found: dict[str, None] = {}
    for _, each in _objects(file, content, form):
        if not isinstance(each, Record):
            found |= dict.fromkeys(_paths(each))
    return list(found)


def _paths(found: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in found.items():
        if isinstance(value, dict) and value:
            yield from _paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


class _Number(str):
    """A number as it was written: a float would round it."""

    __slots__ = ()


class _Keys:
    """Takes the promised values out of objects, and remembers which keys there were."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._paths = [tuple(column.header.split(".")) for column in layout.promised]
        self._seen: dict[str, None] = {}
        self._others: dict[str, None] = {}
        self._tops = {path[0] for path in self._paths}

    def record(self, row: int, found: Record | Mapping[str, Any]) -> Record:
        """An object as a record."""
        if isinstance(found, Record):
            return found
        for key in found.keys() - self._tops:
            self._others.setdefault(key)
        cells = [self._value(found, path) for path in self._paths]
        return _judged(row, cells)

    def require(self, file: LandedFile, *, ignores_extra: bool) -> None:
        """See that every promised column was there, and none too many."""
        if not self._seen and not self._others:
            return
        names = [column.header for column in self._layout.promised if column.header in self._seen]
        positions(
            [*names, *self._others],
            self._layout.promised,
            path=file.path,
            ignore_extra=ignores_extra,
            is_line=False,
        )

    def _value(self, found: Any, path: Sequence[str]) -> str | None:
        for key in path:
            if not isinstance(found, Mapping) or key not in found:
                return None
            found = found[key]
        self._seen.setdefault(".".join(path))
        return _text(found)


def _judged(row: int, cells: list[str | None]) -> Record:
    texts = [cell for cell in cells if cell is not None]
    if any(len(cell) > CELL_LIMIT for cell in texts):
        small = [cell if cell is None or len(cell) <= CELL_LIMIT else None for cell in cells]
        return Record(row, small, "cell_too_large", "")
    if any(not cell.isascii() and _is_broken(cell) for cell in texts):
        whole = [cell and cell.encode("utf-8", "replace").decode() for cell in cells]
        return Record(row, whole, "bad_encoding", "")
    if any("\0" in cell for cell in texts):
        return Record(row, cells, "nul_character", "")
    return Record(row, cells)


def _is_broken(cell: str) -> bool:
    """Whether bytes were no text, or an escape is half of a character."""
    return "\ufffd" in cell or any("\ud800" <= letter <= "\udfff" for letter in cell)


def _text(value: Any) -> str | None:
    """A value of a cell; arrays and objects as JSON, in which numbers are as they were written."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    return _json(value)


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _objects(
    file: LandedFile, content: io.BufferedReader, form: Json
) -> Iterator[tuple[int, Record | Mapping[str, Any]]]:
    if form.records is None:
        return _lines(file, content)
    return _items(file, content, form.records)


def _lines(
    file: LandedFile, content: io.BufferedReader
) -> Iterator[tuple[int, Record | Mapping[str, Any]]]:
    lines = lines_of(file, content, "utf-8")
    while (line := lines.next()) is not None:
        row = lines.number
        if line.strip():
            yield row, _object(row, line)


def _object(row: int, line: str) -> Record | Mapping[str, Any]:
    kept = line[:CELL_LIMIT]
    try:
        found = parse(line)
    except _TwiceError:
        return Record(row, None, "duplicate_key", kept)
    except (ValueError, RecursionError):
        return Record(row, None, "bad_json", kept)
    return found if isinstance(found, dict) else Record(row, None, "not_an_object", kept)


def _items(
    file: LandedFile, content: io.BufferedReader, where: str
) -> Iterator[tuple[int, Record | Mapping[str, Any]]]:
    stored = content.read(_DOCUMENT_BYTES + 1)
    if len(stored) > _DOCUMENT_BYTES:
        _refuse(file, "the document is larger than 256 MiB", "deliver it with an object a line")
    try:
        found = parse(stored.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        _refuse(file, "it is no JSON document", "deliver the file again as a whole")
    for key in () if where == ITSELF else where.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list):
        _refuse(file, "there is no array where json.records says", "correct json.records")
    for row, item in enumerate(found, start=1):
        if isinstance(item, dict):
            yield row, item
        else:
            yield row, Record(row, None, "not_an_object", str(_text(item))[:CELL_LIMIT])


def parse(text: str) -> Any:
    """A JSON value whose numbers are texts.

    Raises:
        ValueError: It is none, or a key is there twice in an object.
    """
    return json.loads(
        text,
        parse_float=_Number,
        parse_int=_Number,
        parse_constant=_Number,
        object_pairs_hook=_unique,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError
    return found


def _refuse(file: LandedFile, what: str, fix: str) -> NoReturn:
    raise DataError(
        "LS-2094",
        f"{file.path}: {what}.",
        "json.records names the array whose items are the rows.",
        f"{fix}.",
    )
