"""Lines of delimited text become records, one by one; no line is lost, none swallows another."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from operator import methodcaller
from typing import Any, NamedTuple, TextIO

from lepton_spark.config.format import BLANKS

CELL_LIMIT = 1024 * 1024
_LINE_LIMIT = 16 * CELL_LIMIT
_SPAN_LINES = 1000
_REPLACEMENT = "\ufffd"
_BLANK = " \t"
_RUN = re.compile("[ \t]+")

csv.field_size_limit(2 * _LINE_LIMIT)


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart.

    Args:
        delimiter: One character, or BLANKS: a run of spaces and tabs, those at the ends left out.
        quote: None where quotes mean nothing.
        width: Cells that a whole record has.
        trim: Whether blanks at the ends of a cell are taken off; those within quotes stay.
    """

    delimiter: str
    quote: str | None
    width: int
    trim: bool = False


class Record(NamedTuple):
    """One record as it came; `row` is the line on which it starts, 1-based.

    `cells` are texts, or bytes, as many as the dialect is wide, or none where they cannot be told
    apart. `problem` is a reason code where something is wrong, and `raw` then its text, cut at the
    limit of a cell.
    """

    row: int
    cells: Sequence[Any] | None
    problem: str | None = None
    raw: str | None = None


class Lines:
    """Text lines with their numbers and a view ahead; memory is bounded whatever a line's length.

    Args:
        stream: Text stream that keeps line ends as they are (`newline=""`).
    """

    def __init__(self, stream: TextIO) -> None:
        self._read = stream.readline
        self._ahead: deque[str] = deque()
        self.number = 0
        self.num_characters = 0  # of all lines up to that number

    def next(self) -> str | None:
        """The next line without its end; none at the end of the text."""
        line = self._ahead.popleft() if self._ahead else self._take()
        if line is not None:
            self.number += 1
            self.num_characters += len(line)
        return line

    def peek(self, index: int) -> str | None:
        """The line `index` lines after the next one, which stays where it is."""
        while len(self._ahead) <= index:
            line = self._take()
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[index]

    def ahead(self, count: int) -> Iterator[str]:
        """That many lines after the last one; all were peeked at."""
        return islice(self._ahead, count)

    def _take(self) -> str | None:
        line: str = self._read(_LINE_LIMIT)
        if not line:
            return None
        if len(line) == _LINE_LIMIT and line[-1] not in "\r\n":
            self._skip_to_end()
        return line.rstrip("\r\n") if line[-1] in "\r\n" else line

    def _skip_to_end(self) -> None:
        """Drop the rest of a line beyond the limit; what is kept is refused as too large."""
        while True:
            rest: str = self._read(_LINE_LIMIT)
            if not rest or rest[-1] in "\r\n":
                return


@dataclass
class _Quiet:
    """How far lines ahead neither end a quoted cell nor are records, so that none is asked twice.

    Args:
        until: Number of the last of them.
        num_characters: Of all lines up to that one.
    """

    until: int = 0
    num_characters: int = 0


def records(lines: Lines, dialect: Dialect) -> Iterator[Record]:
    """Each record that the lines hold, in their order.

    A line with nothing in it, but for blanks that are taken off, is a record of empty cells. A
    quoted cell may go on over lines, which it then holds with a single line feed between them. A
    quote that has no proper end makes a record of its line alone; so does one whose inside would
    swallow a line that by itself is as wide as a record.
    """
    quote, width = dialect.quote, dialect.width
    cut, quiet = _cutter(dialect), _Quiet()
    while (line := lines.next()) is not None:
        number = lines.number
        if quote is not None and quote in line:
            yield _quoted(line, lines, dialect, quiet)
            continue
        cells = cut(line)
        if len(cells) == width and len(line) <= CELL_LIMIT and _is_clean(line):
            yield Record(number, cells)
        elif not line or cells == [""]:
            yield Record(number, [""] * width)
        else:
            yield judged(number, cells, line, width)


def stacked(lines: Lines, height: int, *, trim: bool = False) -> Iterator[Record]:
    """Each record of several lines, every one of which is a cell; what is left over is short."""
    while (first := lines.next()) is not None:
        number, found = lines.number, [first]
        while len(found) < height and (line := lines.next()) is not None:
            found.append(line)
        cells = [line.strip(_BLANK) for line in found] if trim else found
        yield judged(number, cells, "\n".join(found), height)


def _is_clean(text: str) -> bool:
    return "\0" not in text and (text.isascii() or _REPLACEMENT not in text)


def judged(row: int, cells: list[str], raw: str, width: int) -> Record:
    """A record with the first problem that its cells have, if any."""
    kept = raw[:CELL_LIMIT]
    if len(cells) != width:
        return Record(row, None, "short_row" if len(cells) < width else "long_row", kept)
    if len(raw) > CELL_LIMIT and max(map(len, cells)) > CELL_LIMIT:
        small = [cell if len(cell) <= CELL_LIMIT else None for cell in cells]
        return Record(row, small, "cell_too_large", kept)
    if _REPLACEMENT in raw:
        return Record(row, cells, "bad_encoding", kept)
    if "\0" in raw:
        return Record(row, cells, "nul_character", kept)
    return Record(row, cells)


def _quoted(line: str, lines: Lines, dialect: Dialect, quiet: _Quiet) -> Record:
    """The record that starts with a line in which there is a quote."""
    row = lines.number
    cells = split(line, dialect)
    if cells is not None:
        return judged(row, cells, line, dialect.width)
    text, num_more = _continued(line, lines, dialect, quiet)
    cells = split(text, dialect) if num_more else None
    if cells is None:
        problem = "cell_too_large" if len(line) >= _LINE_LIMIT else "unclosed_quote"
        return Record(row, None, problem, line[:CELL_LIMIT])
    for _ in range(num_more):
        lines.next()
    return judged(row, cells, text, dialect.width)


def _continued(line: str, lines: Lines, dialect: Dialect, quiet: _Quiet) -> tuple[str, int]:
    """A record's text over several lines and how many follow the first; 0 where it has no end."""
    known = max(0, quiet.until - lines.number)
    length = len(line) + (quiet.num_characters - lines.num_characters if known else 0)
    for index in range(known, _SPAN_LINES):
        following = lines.peek(index)
        if following is None or length > CELL_LIMIT:
            break
        length += len(following)
        # Inside a quoted cell quotes come in pairs; the line with an odd one may end it.
        if following.count(dialect.quote or "") % 2 == 1:
            text = "\n".join([line, *lines.ahead(index + 1)])
            cells = split(text, dialect)
            is_whole = cells is not None and len(cells) == dialect.width
            return (text, index + 1) if is_whole else (line, 0)
        if dialect.width > 1 and _is_record(following, dialect):
            break
        quiet.until = lines.number + index + 1
        quiet.num_characters = lines.num_characters + length - len(line)
    return line, 0


def _is_record(line: str, dialect: Dialect) -> bool:
    if dialect.quote is None or dialect.quote not in line:
        return len(_cutter(dialect)(line)) == dialect.width
    cells = split(line, dialect)
    return cells is not None and len(cells) == dialect.width


def split(text: str, dialect: Dialect) -> list[str] | None:
    """The cells of one record; none where a quote is not closed or is closed within a cell."""
    if dialect.quote is None:
        return _cutter(dialect)(text)
    if dialect.trim:
        return _split_trimmed(text, dialect.delimiter, dialect.quote)
    reader = csv.reader([text], delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    try:
        cells = next(reader, [""])
        return cells if next(reader, None) is None else None
    except csv.Error:
        return None


def _split_trimmed(text: str, delimiter: str, quote: str) -> list[str] | None:
    """As `split`, with blanks around cells and quotes, which `csv` takes for letters."""
    pattern = _cell_between(delimiter, quote)
    cells, start = [], 0
    while found := pattern.match(text, start):
        quoted, plain, end = found.groups()
        cells.append(plain.strip(_BLANK) if quoted is None else quoted.replace(quote * 2, quote))
        if not end:
            return cells
        start = found.end()
    return None


@cache
def _cell_between(delimiter: str, quote: str) -> re.Pattern[str]:
    """What a cell and the delimiter after it match: what is in quotes, or else the cell."""
    cut, mark = re.escape(delimiter), re.escape(quote)
    blanks = rf"(?:(?![{cut}{mark}])[ \t])*+"
    quoted = rf"{mark}([^{mark}]*+(?:{mark}{mark}[^{mark}]*+)*+){mark}"
    return re.compile(rf"{blanks}(?:{quoted}|((?!{mark})[^{cut}]*+)){blanks}({cut}|\Z)")


def _cutter(dialect: Dialect) -> Callable[[str], list[str]]:
    """What cuts a line without quotes into its cells."""
    delimiter = dialect.delimiter
    if delimiter == BLANKS:
        return _between_blanks
    if dialect.trim:
        return lambda line: [cell.strip(_BLANK) for cell in line.split(delimiter)]
    return methodcaller("split", delimiter)


def _between_blanks(line: str) -> list[str]:
    # Not split(): it cuts at every space of Unicode, also at one that holds words together.
    text = line.strip(" \t")
    return _RUN.split(text) if text else []
