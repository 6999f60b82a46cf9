"""JSON: an object a line, or the items of an array in one document; numbers stay as written."""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from lepton_spark.bronze.chunk import Chunk, chunks_of
from lepton_spark.bronze.header import positions, refuse_wide, shown
from lepton_spark.bronze.layout import MAX_COLUMNS
from lepton_spark.bronze.records import CELL_LIMIT, Record
from lepton_spark.bronze.text import lines_of, storable
from lepton_spark.config.column import fold
from lepton_spark.errors import DataError

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout
    from lepton_spark.config.format import Json

ITSELF = "."
_DOCUMENT_BYTES = 256 * 1024 * 1024


class _TwiceError(ValueError):
    """A key that is there twice in an object: which of the two values counts is not known."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def read_json(
    file: LandedFile, content: io.BufferedReader, layout: Layout, form: Json
) -> Iterator[Chunk]:
    """The objects of a file; a promised column is found by its path, such as `patient.id`.

    A key counts whatever its case, the promised one before others; two others are a
    `duplicate_key`. A key with dots in it counts before the path that it looks like.

    What is no text becomes text: numbers as written, `true` and `false`, arrays and objects as
    JSON. An object lacks a value where it lacks the key; where `patient` holds a list or a text, it
    is `not_nested`. Rows are numbered by lines or items.

    Raises:
        DataError: No object of the file has a promised column, or one has a key, at any level that
            is promised in part, that is not promised; there are more keys than the source may have
            columns; the document is damaged, too large, or has no array where it should.
    """
    keys = _Keys(file, layout, ignores_extra=form.extra_columns == "ignore")
    found = (keys.record(row, each) for row, each in objects(file, content, form))
    yield from chunks_of(found, layout)
    keys.require()


def keys_of(file: LandedFile, content: io.BufferedReader, form: Json) -> list[str]:
    """The keys of all objects in order of their first appearance, nested ones as `a.b`.

    Of keys that differ in their case only the first is told.

    Raises:
        DataError: There are too many keys; the document is damaged, too large, or has no array
            where it should.
    """
    found: dict[str, str] = {}
    for _, each in objects(file, content, form):
        if isinstance(each, Record):
            continue
        # Objects in too many levels are refused when they land, and promise nothing.
        with contextlib.suppress(RecursionError):
            for path in _paths(each):
                found.setdefault(fold(path), storable(path))
        refuse_wide(file.path, len(found), MAX_COLUMNS)
    return list(found.values())


def _paths(found: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in found.items():
        if isinstance(value, dict) and value:
            yield from _paths(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


class _Number(str):
    """A number as it was written: a float would round it."""

    __slots__ = ()


class _Found(NamedTuple):
    """A value for a promised column; of several the one of the lowest rank counts."""

    rank: tuple[bool, int]
    value: Any
    is_tied: bool = False


class _Taken(NamedTuple):
    """What an object gives, and its keys that should hold objects and do not."""

    best: dict[int, _Found]
    flat: dict[str, str]


class _Keys:
    """Takes the promised values out of objects, and remembers which keys there were."""

    def __init__(self, file: LandedFile, layout: Layout, *, ignores_extra: bool) -> None:
        self._file = file
        self._layout = layout
        self._ignores_extra = ignores_extra
        self._headers = [column.header for column in layout.promised]
        places = {header: place for place, header in enumerate(self._headers)}
        self._places = {fold(header): place for header, place in places.items()} | places
        self._below: dict[str, set[int]] = {}
        for name, place in self._places.items():
            for parent in _parents(name):
                self._below.setdefault(parent, set()).add(place)
        self._seen: dict[int, str] = {}
        self._others: dict[str, str] = {}

    def record(self, row: int, found: Record | Mapping[str, Any]) -> Record:
        """An object as a record.

        Raises:
            DataError: The objects so far have more keys than the file may have columns.
        """
        if isinstance(found, Record):
            return found
        taken = _Taken({}, {})
        try:
            self._gather(found, taken)
            best = taken.best
            if any(each.is_tied for each in best.values()):
                return Record(row, None, "duplicate_key", _raw(found))
            if any(self._below[name] - best.keys() for name in taken.flat):
                return Record(row, None, "not_nested", _raw(found))
            for name, path in taken.flat.items():
                self._remember(name, path)
            values = [best[place].value if place in best else None for place in self._all]
            return _judged(row, [_text(value) for value in values])
        except RecursionError:
            return Record(row, None, "bad_json", _raw(found))

    def require(self) -> None:
        """See that every promised column was there, and none too many."""
        if not self._seen and not self._others:
            return
        names = [self._seen[place] for place in self._all if place in self._seen]
        positions(
            [*names, *self._others.values()],
            self._layout.promised,
            path=self._file.path,
            ignore_extra=self._ignores_extra,
            is_line=False,
        )

    @property
    def _all(self) -> range:
        return range(len(self._headers))

    def _gather(
        self, found: Mapping[str, Any], taken: _Taken, prefix: str = "", *, is_kept: bool = False
    ) -> None:
        """Find promised values: by keys as promised, else in another case; by dots or levels.

        Args:
            found: An object, or one within it.
            taken: Is given what there is.
            prefix: Path of the object.
            is_kept: Whether all of the object is promised as one text.
        """
        for key, value in found.items():
            path = prefix + key
            is_exact = path in self._places or path in self._below
            name = path if is_exact else fold(path)
            place = self._places.get(name)
            if place is not None:
                self._offer(place, path, value, taken.best, depth=prefix.count("."))
            is_whole = is_kept or place is not None
            if name in self._below and isinstance(value, dict):
                self._gather(value, taken, f"{path}.", is_kept=is_whole)
            elif name not in self._below and not is_whole:
                self._remember(name, path)
            elif value is not None and not is_whole:
                taken.flat[name] = path

    def _offer(
        self, place: int, path: str, value: Any, best: dict[int, _Found], *, depth: int
    ) -> None:
        rank = (path != self._headers[place], depth)
        last = best.get(place)
        if last is None or rank < last.rank:
            best[place] = _Found(rank, value)
        elif rank == last.rank:
            best[place] = last._replace(is_tied=True)
        if place not in self._seen or path != self._headers[place]:
            self._seen[place] = path

    def _remember(self, name: str, path: str) -> None:
        """Keep a key that is not promised; of those that are ignored only so many as a hint."""
        if name in self._others:
            return
        if not self._ignores_extra or len(self._others) < self._layout.max_columns:
            self._others[name] = path
        if not self._ignores_extra:
            num_columns = len(self._seen) + len(self._others)
            refuse_wide(self._file.path, num_columns, self._layout.max_columns)


def _parents(name: str) -> Iterator[str]:
    """What a path goes through: of `a.b.c` `a` and `a.b`."""
    return (name[:at] for at, letter in enumerate(name) if letter == ".")


def _judged(row: int, cells: list[str | None]) -> Record:
    texts = [cell for cell in cells if cell is not None]
    if any(len(cell) > CELL_LIMIT for cell in texts):
        small = [None if cell is None or len(cell) > CELL_LIMIT else cell for cell in cells]
        return Record(row, [cell and storable(cell) for cell in small], "cell_too_large", "")
    if any(not cell.isascii() and _is_broken(cell) for cell in texts):
        return Record(row, [cell and storable(cell) for cell in cells], "bad_encoding", "")
    if any("\0" in cell for cell in texts):
        return Record(row, cells, "nul_character", "")
    return Record(row, cells)


def _is_broken(cell: str) -> bool:
    """Whether bytes were no text, or an escape is half of a character."""
    return "\ufffd" in cell or any("\ud800" <= letter <= "\udfff" for letter in cell)


def _raw(value: Any) -> str:
    """A value as the raw text of a record that is refused; none where it has too many levels."""
    try:
        return storable((_text(value) or "")[:CELL_LIMIT])
    except RecursionError:
        return ""


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


def objects(
    file: LandedFile, content: io.BufferedReader, form: Json
) -> Iterator[tuple[int, Record | Mapping[str, Any]]]:
    """Row and object of each record; a refused record where it is none."""
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
    except _TwiceError as error:
        _refuse(
            file,
            f"an object in the document has the key {shown(error.key)} twice",
            "take one of the two out of the file",
            "which of the two values counts is not known",
        )
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
            yield row, Record(row, None, "not_an_object", _raw(item))


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
        raise _TwiceError(Counter(key for key, _ in pairs).most_common(1)[0][0])
    return found


def _refuse(
    file: LandedFile,
    what: str,
    fix: str,
    why: str = "json.records names the array whose items are the rows",
) -> NoReturn:
    raise DataError("LS-2094", f"{file.path}: {what}.", f"{why}.", f"{fix}.")
