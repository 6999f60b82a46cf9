"""Why a column seems to be what it is told to be, and which settings would make more of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from lepton_spark.bronze.date_patterns import STORED_TIME, days_of, times_of
from lepton_spark.bronze.evidence import MOST
from lepton_spark.bronze.numerals import Style
from lepton_spark.config.column import NUMBERS
from lepton_spark.config.format import Csv, Delta, Files, FixedWidth, Idx, Json, Parquet

if TYPE_CHECKING:
    from lepton_spark.bronze.evidence import Evidence
    from lepton_spark.config.column import Kind
    from lepton_spark.config.format import Format

_KEYS: Mapping[type[Format], str] = {
    Csv: "csv",
    Json: "json",
    FixedWidth: "fixed_width",
    Parquet: "parquet",
    Delta: "delta",
    Idx: "idx",
    Files: "files",
}
_PLURALS: Mapping[Kind, str] = {
    "integer": "integers",
    "number": "numbers",
    "boolean": "booleans",
    "date": "dates",
    "timestamp": "instants",
}
_NARROWER: Mapping[Kind, Sequence[Kind]] = {"string": tuple(_PLURALS), "number": ["integer"]}
_COMMA, _COMMAS = Style(",", None), Style(".", ",")
# What each style looks like, and the settings that read it.
_STYLES = {
    Style(".", None): ("", ""),
    _COMMA: ("a decimal comma", 'decimal: ","'),
    Style(",", "."): ("a decimal comma", 'decimal: ",", thousands: "."'),
    Style(",", " "): ("a decimal comma", 'decimal: ",", thousands: " "'),
    _COMMAS: ("commas between thousands", 'thousands: ","'),
    Style(".", " "): ("blanks between thousands", 'thousands: " "'),
    Style(".", "'"): ("apostrophes between thousands", 'thousands: "\'"'),
}


def key_of(form: Format) -> str:
    """The key under which a source has the settings of a format."""
    return _KEYS[type(form)]


def notes_of(
    name: str, kind: Kind, seen: Evidence, form: Format, stored: pa.DataType | None
) -> tuple[str, ...]:
    """What a person should know of a column before its contract is written.

    Args:
        name: In the contract.
        kind: As it is told to be.
        seen: What its cells tell.
        form: How the file is written.
        stored: Its type in the file; None where that is text.

    Returns:
        One line each. Of cells they show patterns, and the words and numbers that many files hold
        where they have no value.
    """
    told = list(_nearly(kind, seen, form))
    told += [f"{_shown(word)} in {_rows(times)}: no value?" for word, times in _words(seen)]
    told += [
        f'{number} in {100 * share:.0f} % of the rows: no value? clean.{name}.nulls: ["{number}"]'
        for number, share in seen.stand_ins.items()
    ]
    if stored is not None and pa.types.is_timestamp(stored) and stored.tz is None:
        told.append(f"local time, {STORED_TIME}: name it under times")
    elif seen.num_told > 0:
        told += _patterns(name, kind, seen)
        told += _numerals(name, kind, seen)
    if _is_padded(kind, seen):
        is_trimmed = not isinstance(form, Csv) or form.trim
        way = f": clean.{name}.blanks: trim" if is_trimmed else ""
        told.append(f"{seen.num_padded:,} begin or end with a blank{way}")
    return tuple(told)


def settings_of(form: Format, columns: Iterable[tuple[Kind, Evidence]]) -> tuple[str, ...]:
    """The settings of the whole format that notes of its columns call for, one line each."""
    told = []
    found = list(columns)
    # With blanks around it a word that means no value already is still there.
    words = dict.fromkeys(word for _, seen in found for word, _ in _words(seen))
    new = [word for word in words if word not in form.nulls]
    if new:
        nulls = json.dumps([*form.nulls, *new], ensure_ascii=False)
        shown = ", ".join(map(_shown, new))
        told.append(f"if no value is meant by {shown}: {key_of(form)}.nulls: {nulls}")
    is_padded = any(_is_padded(kind, seen) for kind, seen in found)
    if is_padded and isinstance(form, Csv) and not form.trim:
        told.append(
            "spaces and tabs around cells are taken off by csv.trim: true, but for those in quotes"
        )
    return tuple(told)


def _rows(number: int) -> str:
    return f"{number:,} row" if number == 1 else f"{number:,} rows"


def _words(seen: Evidence) -> Sequence[tuple[str, int]]:
    """Words that may mean no value and their cells, the most frequent first."""
    return sorted(seen.words.items(), key=lambda each: (-each[1], each[0]))


def _shown(word: str) -> str:
    return word or "an empty text"


def _is_padded(kind: Kind, seen: Evidence) -> bool:
    """Whether blanks matter: around a number they are read over."""
    return seen.num_padded > 0 and kind not in NUMBERS


def _nearly(kind: Kind, seen: Evidence, form: Format) -> Iterator[str]:
    """What most cells are, where that is narrower than what the column is told to be."""
    times = {each: times for each, times in seen.fits.items() if each in _NARROWER.get(kind, ())}
    # Of kinds that fit as many cells the narrowest is told.
    most = max(times, key=times.__getitem__, default=None)
    if most is None or seen.num_filled == 0 or times[most] < MOST * seen.num_filled:
        return
    told = f"{times[most]:,} of {seen.num_filled:,} are {_PLURALS[most]}"
    yield told if times[most] < seen.num_filled else told + _why_text(seen, form)


def _why_text(seen: Evidence, form: Format) -> str:
    """Why a column is text although all its cells are of a narrower kind."""
    if seen.is_beyond:
        return ", some of more than 64 bits"
    is_stored = isinstance(form, Parquet | Delta)
    way = f": {key_of(form)}.from_text: true reads them" if is_stored else ""
    return f", written as text{way}"


def _patterns(name: str, kind: Kind, seen: Evidence) -> Iterator[str]:
    """In which patterns all cells are that may be dates or local times."""
    days, times = days_of(seen.patterns), times_of(seen.patterns)
    if days and kind in ("string", "integer"):
        way = f'clean.{name}.formats: ["{days[0]}"]'
        yield f"looks like {' or '.join(days)}: a date by {way}"
    if times and kind == "string":
        yield f"looks like {' or '.join(times)}: name it under times"


def _numerals(name: str, kind: Kind, seen: Evidence) -> Iterator[str]:
    """How all cells are written that are numbers for people only."""
    numerals = seen.numerals
    if kind != "string" or not numerals.styles:
        return
    style, way = _STYLES[numerals.styles[0]]
    units = sorted(numerals.units - {""})
    if not style and not units:
        return
    # What units are worth of each other only a person knows.
    worth = f'"{units[0]}": 1' if len(units) == 1 else "..."
    ways = [way] * bool(way) + [f"units: {{{worth}}}"] * bool(units)
    parts = [style] * bool(style) + [f"the unit {' or '.join(units)}"] * bool(units)
    told = f"numbers with {' and '.join(parts)}: clean.{name}.number: {{{', '.join(ways)}}}"
    is_unclear = numerals.styles[0] == _COMMA and _COMMAS in numerals.styles
    yield told + (', or thousands: ","' if is_unclear else "")
