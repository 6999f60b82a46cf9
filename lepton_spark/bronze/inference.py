"""What a raw file seems to hold, for a person to make a contract of; never at run time."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from lepton_spark.bronze.chunk import is_bytes, is_text
from lepton_spark.bronze.evidence import Evidence
from lepton_spark.bronze.header import Promised, likely_delimiter
from lepton_spark.bronze.json_texts import is_document, text_keys
from lepton_spark.bronze.layout import Layout, Stamp
from lepton_spark.bronze.names import names_in
from lepton_spark.bronze.notes import key_of, notes_of, settings_of
from lepton_spark.bronze.reader import read
from lepton_spark.bronze.stream import open_once
from lepton_spark.bronze.text import lines_of
from lepton_spark.config.column import NUMBERS, Column, Kind, fold
from lepton_spark.config.format import Csv, Json
from lepton_spark.errors import DataError
from lepton_spark.quality.hints import hint_of

if TYPE_CHECKING:
    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.config.format import Format

EMPTY, NAMELESS = "all_null_key", "LS-2015"
_DOCUMENT = (
    "is it one document? add --format records=. for an array, or records=a.b for one within objects"
)
_NAME_LETTERS = 80
_INT_BITS, _INT_DIGITS = 32, 9
_STORED: Sequence[tuple[Callable[[pa.DataType], bool], Kind]] = (
    (pa.types.is_integer, "integer"),
    (pa.types.is_floating, "number"),
    (pa.types.is_decimal, "number"),
    (pa.types.is_boolean, "boolean"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "timestamp"),
)


@dataclass(frozen=True)
class Guess:
    """A column as it seems to be.

    Args:
        column: Its contract: kind, and whether a value is always there.
        nulls: Share of rows without a value; None where no row is left to tell.
        notes: What a person should know of it, one line each.
    """

    column: Column
    nulls: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A file as it seems to be.

    Args:
        guesses: One for each column that has a name.
        num_rows: How many records the file holds.
        refused: Of these, how many would be refused, by reason; the most frequent first.
        num_empty: How many others hold no value.
        hints: What a person should know of the file, one line each.
    """

    guesses: Sequence[Guess]
    num_rows: int
    refused: Mapping[str, int]
    num_empty: int = 0
    hints: tuple[str, ...] = ()

    @property
    def is_told(self) -> bool:
        """Whether a row is left that tells what columns hold."""
        return self.num_rows > sum(self.refused.values()) + self.num_empty


@dataclass(frozen=True)
class _Found:
    """A column of the file with a name: its type there, and what its cells tell.

    Args:
        is_text: Whether JSON says that its values are texts.
    """

    promised: Promised
    stored: pa.DataType | None
    is_text: bool
    seen: Evidence = field(default_factory=Evidence)


def infer(file: LandedFile, form: Format) -> Profile:
    """Read a whole file, in bounded memory, and say what its columns seem to promise.

    Args:
        file: Any file of the source; the more typical, the better.
        form: How it is written.

    Returns:
        Columns as its records without a problem have them. Dates and instants are told only in ISO
        form; bounds are given only where whole numbers need 64 bits, and those that need more are
        text, as are numbers and booleans that JSON has in quotes. A column without a value is of
        the type that is stored. A text column of Parquet or Delta is text unless `from_text` is
        set. A value is promised only where there is always one that cannot mean none.

    Raises:
        DataError: The file is not of the form, or has no columns.
    """
    stored, form, hints = _stored(file, form)
    columns = _columns(file, form, stored)
    if not columns:
        raise _no_columns(file, form)
    layout = Layout(tuple(each.promised for each in columns), form)
    problems: Counter[str | None] = Counter()
    num_empty = 0
    for batch in read(file, layout, Stamp("", file.modified_at)):
        problems.update(batch["_problem"].to_pylist())
        num_empty += _take(batch, columns, form)
    guesses = [_guess(each, form) for each in columns]
    found = Profile(guesses, problems.total(), _refused(problems), num_empty)
    hints += _hints(file, form, found)
    hints += settings_of(form, [(_kind(each)[0], each.seen) for each in columns])
    return replace(found, hints=tuple(hints))


def _stored(
    file: LandedFile, form: Format
) -> tuple[dict[str, pa.DataType | None], Format, list[str]]:
    """The columns with a name, the form which leaves out others, and what to know of these."""
    try:
        stored = names_in(file, form)
        hints = [] if all(map(str.strip, stored)) else ["a column has no name"]
    except DataError as error:
        if error.code != NAMELESS:
            raise
        hints = [error.what.removeprefix(f"{file.path}: ").removesuffix(".")]
    if hints:
        form = form.model_copy(update={"extra_columns": "ignore"})
        stored = {name: kind for name, kind in names_in(file, form).items() if name.strip()}
        hints[0] += f": left out of the contract, which needs {key_of(form)}.extra_columns: ignore"
    return stored, form, hints


def _columns(
    file: LandedFile, form: Format, stored: Mapping[str, pa.DataType | None]
) -> list[_Found]:
    texts: Collection[str] = ()
    if isinstance(form, Json) and stored:
        texts = text_keys(file, _content(file), form)
    return [
        _Found(
            Promised(name, "string" if kind is None or not is_bytes(kind) else "binary", header),
            kind,
            is_text=fold(header) in texts,
        )
        for name, (header, kind) in zip(identifiers(stored), stored.items(), strict=True)
    ]


def _content(file: LandedFile) -> io.BufferedReader:
    return open_once(file).buffered(file.path)


def _take(batch: pa.RecordBatch, columns: Sequence[_Found], form: Format) -> int:
    """Take in the records without a problem; how many of them hold no value."""
    nulls = pa.array(form.nulls, pa.string())
    sound = batch.filter(pc.is_null(batch["_problem"]))
    cells = []
    for each in columns:
        found = sound[each.promised.name]
        if each.promised.kind == "string":
            found = pc.if_else(pc.is_in(found, nulls), None, found)
        cells.append(found)
    is_filled = reduce(pc.or_, map(pc.is_valid, cells))
    for each, found in zip(columns, cells, strict=True):
        each.seen.add(found.filter(is_filled))
    return int(len(is_filled) - is_filled.true_count)


def _no_columns(file: LandedFile, form: Format) -> DataError:
    what, fix = "it has no columns", "deliver a file that has columns."
    if isinstance(form, Json) and form.records is None:
        what = "no line is an object with a key"
        fix = f"{_DOCUMENT}."
    elif isinstance(form, Json):
        what = "no item of the array is an object with a key"
        fix = "say in json.records where the array of objects is."
    return DataError(
        "LS-2022",
        f"{file.path}: {what}.",
        "what a file promises is told by its columns.",
        fix,
    )


def _refused(problems: Mapping[str | None, int]) -> dict[str, int]:
    """How many records have each problem, the most frequent first."""
    found = [(reason, number) for reason, number in problems.items() if reason is not None]
    return dict(sorted(found, key=lambda each: (-each[1], each[0])))


def _guess(found: _Found, form: Format) -> Guess:
    seen, name, header = found.seen, found.promised.name, found.promised.header
    kind, is_long = _kind(found)
    is_always_there = 0 < seen.num_filled == seen.num_rows
    may_mean_none = bool(seen.words or seen.stand_ins)
    column = Column(
        name,
        kind,
        required=kind == "binary" or (is_always_there and not may_mean_none),
        maximum=2**63 - 1 if is_long else None,
        header=header if header != name else None,
    )
    is_readable = found.stored is None or _is_typed(found.stored) or is_text(found.stored)
    notes = notes_of(name, kind, seen, form, found.stored) if is_readable else ()
    return Guess(column, seen.num_nulls / seen.num_rows if seen.num_rows else None, notes)


def _kind(found: _Found) -> tuple[Kind, bool]:
    """Of which kind a column is, and whether it holds whole numbers of 64 bits."""
    if found.promised.kind == "binary":
        return "binary", False
    if found.stored is not None and found.seen.num_filled == 0:
        return _kind_of(found.stored)
    kind = found.seen.kind
    is_quoted = found.is_text and kind in (*NUMBERS, "boolean")
    if is_quoted or (found.stored is not None and not _is_typed(found.stored)):
        return "string", False
    return kind, kind == "integer" and found.seen.is_wide


def _kind_of(stored: pa.DataType) -> tuple[Kind, bool]:
    """The kind that a stored type is of, and whether it is of whole numbers of 64 bits."""
    value = stored.value_type if pa.types.is_dictionary(stored) else stored
    if pa.types.is_integer(value):
        return "integer", value.bit_width > _INT_BITS or value == pa.uint32()
    if pa.types.is_decimal(value) and value.scale <= 0:
        return "integer", value.precision - value.scale > _INT_DIGITS
    if pa.types.is_timestamp(value) and value.tz is None:
        return "string", False
    return next((kind for is_, kind in _STORED if is_(value)), "string"), False


def _is_typed(kind: pa.DataType) -> bool:
    """Whether a contract may promise more of a stored type than text."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(is_(value) for is_, _ in _STORED)


def _hints(file: LandedFile, form: Format, found: Profile) -> Iterator[str]:
    """What to know of the whole file: rows that say nothing, and another form that it may have."""
    if found.num_empty:
        # A single column may be no key, and its rows then be told apart by their places.
        other = " unless their key is made by `origin`" if len(found.guesses) == 1 else ""
        yield (
            f"{found.num_empty:,} of {found.num_rows:,} rows hold no value: refused as"
            f" {EMPTY}{other}"
        )
    if not found.is_told and found.refused:
        reasons = "; ".join(f"{reason}: {hint_of(reason)}" for reason in found.refused)
        yield f"no row is left to tell types by. {reasons}"
    is_damaged = 2 * found.refused.get("bad_json", 0) > found.num_rows
    if is_damaged and is_document(file, _content(file)):
        yield _DOCUMENT
    if isinstance(form, Csv):
        line = lines_of(file, _content(file), form.encoding, form.skip_lines).next()
        yield from _delimiter(line or "", form, len(found.guesses))


def _delimiter(line: str, form: Csv, num_columns: int) -> Iterator[str]:
    """Another delimiter, where a line has more of it than columns by that of the form."""
    mark = likely_delimiter(line)
    if mark is None and num_columns == 1:
        mark = next((each for each in ";\t|" if each in line), None)
    if mark is not None and mark != form.delimiter and line.count(mark) >= num_columns:
        told, times = mark.replace("\t", r"\t"), line.count(mark)
        yield f"the first line holds {told} {times} times: try --format delimiter='{told}'"


def identifiers(headers: Iterable[str]) -> list[str]:
    """A column name for each name in a file: letters, digits and _, none twice."""
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    names = []
    for place, header in enumerate(headers, start=1):
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", header).strip("_") or f"column_{place}"
        stem = stem if stem[0].isalpha() else f"c_{stem}"
        stem = name = stem[: _NAME_LETTERS - 4]
        # A number once taken stays so: searched from 2 each time, equal stems would take long.
        number = numbers.get(stem.lower(), 2)
        while name.lower() in taken:
            name, number = f"{stem}_{number}", number + 1
        numbers[stem.lower()] = number
        taken.add(name.lower())
        names.append(name)
    return names
