"""The names of columns in a raw file against those that its contract promises."""

from __future__ import annotations

import difflib
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lepton_spark.config.column import fold
from lepton_spark.errors import DataError

logger = logging.getLogger(__name__)
_SHOWN_LETTERS = 60
_SHOWN_NAMES = 3
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", ",": "commas"}
_LEAST_DELIMITERS = 2
_QUOTED = re.compile(r'"[^"]*"')
_DECIMAL_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9])")


class Promised(NamedTuple):
    """A column of the contract: its name, the type that silver gives it, its name in the file."""

    name: str
    kind: str
    header: str


def positions(
    found: Sequence[str],
    promised: Sequence[Promised],
    *,
    path: str,
    ignore_extra: bool,
    is_line: bool = True,
) -> tuple[int, ...]:
    """Where in a file each promised column is: by name, whatever the case and the order.

    Args:
        found: Names in the file, in their order.
        promised: Columns of the contract.
        path: The file, for the error.
        ignore_extra: Whether columns that are not promised are left out, not refused.
        is_line: The names are those of a header line, which may be missing; their places are
            told only then.

    Raises:
        DataError: A promised name occurs twice or not at all, or there is one too many.
    """
    refuse_twice(found, promised, path)
    if is_line:
        refuse_data(found, promised, path)
    places: dict[str, int] = {}
    for index, name in enumerate(found):
        places.setdefault(fold(name), index)
    _refuse_missing(found, places, promised, path)
    if not ignore_extra:
        _refuse_extra(found, promised, path, is_line=is_line)
    order = tuple(places[fold(column.header)] for column in promised)
    _warn_of_spelling([found[place] for place in order], promised, path, is_line=is_line)
    return order


def refuse_twice(
    found: Sequence[str], promised: Sequence[Promised], path: str, *, others: bool = False
) -> None:
    """See that no name that is promised is in a file twice; with `others` no name at all.

    Raises:
        DataError: One is, perhaps in another case.
    """
    # Other names are not told: they may be cells, where a file has no header.
    told = {fold(column.header): f", {column.header.strip()}" for column in promised}
    places: dict[str, int] = {}
    for index, name in enumerate(map(fold, found)):
        first = places.setdefault(name, index)
        if first < index and (name in told or (others and name)):
            raise DataError(
                "LS-2012",
                f"{path}: columns {first + 1} and {index + 1} of the file have the same name"
                f"{told.get(name, '')}.",
                "columns are matched by name, whatever their case, so a name must be there once.",
                "give one of the two another name, or take it out of the file; CSV is read in the "
                "order of the contract by csv.header: false with csv.skip_lines: 1.",
            )


def promisable(found: Sequence[str], path: str, *, ignore_extra: bool) -> list[str]:
    """The names in a header line that a contract can promise.

    Returns:
        All; where extra columns are ignored, those that are there once and not empty.

    Raises:
        DataError: A column has no name, and extra columns are not ignored.
    """
    if not ignore_extra:
        refuse_nameless(found, path)
        return list(found)
    times = Counter(map(fold, found))
    return [name for name in found if fold(name) and times[fold(name)] == 1]


def refuse_nameless(found: Sequence[str], path: str) -> None:
    """See that each column in a header line has a name.

    Raises:
        DataError: The places of those that have none.
    """
    places = [str(index + 1) for index, name in enumerate(found) if not fold(name)]
    if not places:
        return
    *most, last = places
    if len(places) > _SHOWN_NAMES:
        most, last = places[:_SHOWN_NAMES], f"{len(places) - _SHOWN_NAMES} more"
    told = f"columns {', '.join(most)} and {last} have" if most else f"column {last} has"
    raise DataError(
        "LS-2015",
        f"{path}: {told} no name.",
        "extra_columns is `fail`, so a column that the contract does not name is not dropped "
        "unseen.",
        "set csv.extra_columns: ignore, which leaves them out, or give each a name.",
    )


def refuse_wide(path: str, num_columns: int, max_columns: int) -> None:
    """See that a file has not more columns than its source may have.

    Raises:
        DataError: It has; told before any of its records is read.
    """
    if num_columns > max_columns:
        raise DataError(
            "LS-2127",
            f"{path}: the file has {num_columns} columns.",
            f"max_columns of the source is {max_columns}; each column costs memory in every task.",
            "deliver the columns that are needed, or raise max_columns.",
        )


def refuse_data(
    found: Sequence[str], promised: Sequence[Promised], path: str, hint: str = ""
) -> None:
    """See that a header line names one of the columns that should be in it.

    Args:
        found: Names in the line.
        promised: Columns of which one must be there.
        path: The file, for the error.
        hint: What to try before anything else, as `delimiter_hint` says it.

    Raises:
        DataError: It does not, and may be data: its cells are not shown.
    """
    if {fold(name) for name in found}.isdisjoint(fold(column.header) for column in promised):
        raise DataError(
            "LS-2013",
            f"{path}: the header line names none of the {len(promised)} columns of the contract.",
            "columns are matched by the names in that line.",
            f"{hint}put the header line back, or set csv.header: false and csv.delimiter as the "
            "file is.",
        )


def likely_delimiter(line: str) -> str | None:
    """What separates the cells of a line, by what occurs most: one of `;`, tab, `|` and comma.

    Args:
        line: A header, better than a row of data; what is in double quotes does not count.

    Returns:
        None where none of the four is there twice. A comma between two digits counts only where
        nothing else separates, for it may be a decimal one.
    """
    plain = _QUOTED.sub("", line)
    others = {mark: plain.count(mark) for mark in _DELIMITERS if mark != ","}
    best = max(others, key=others.__getitem__)
    num_commas = plain.count(",")
    num_certain = num_commas - len(_DECIMAL_COMMA.findall(plain))
    if others[best] >= max(num_certain, _LEAST_DELIMITERS):
        return best
    return "," if num_commas >= _LEAST_DELIMITERS else None


def delimiter_hint(line: str, num_cells: int) -> str:
    """The beginning of a fix where a line has more cells by another delimiter; else nothing.

    Args:
        line: As it is in the file.
        num_cells: How many it has by the delimiter of the case.
    """
    mark = likely_delimiter(line)
    count = _QUOTED.sub("", line).count(mark) if mark is not None else 0
    if mark is None or count < num_cells:
        return ""
    written = r'"\t"' if mark == "\t" else f"'{mark}'"
    return f"the line holds {count} {_DELIMITERS[mark]}: set csv.delimiter: {written}. Otherwise "


def shown(name: str) -> str:
    """A name in a file for a message: one line, printable, short."""
    text = "".join(letter if letter.isprintable() else "?" for letter in name.strip())
    return repr(text[:_SHOWN_LETTERS]) if text else "a column without a name"


def _refuse_missing(
    found: Sequence[str], places: Mapping[str, int], promised: Sequence[Promised], path: str
) -> None:
    missing = [column for column in promised if fold(column.header) not in places]
    if not missing:
        return
    column = missing[0]
    taken = {fold(other.header) for other in promised}
    free = [found[index] for name, index in places.items() if name not in taken]
    near = difflib.get_close_matches(column.header, free, n=1, cutoff=0.5)
    hint = f"; the nearest name in the file is {shown(near[0])}" if near else ""
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    raise DataError(
        "LS-2014",
        f"{path}: column {column.header} ({column.kind}){more} is missing{hint}.",
        "the contract of this source promises the column.",
        "add it to the file or rename the column there, or drop it from the contract.",
    )


def _refuse_extra(
    found: Sequence[str], promised: Sequence[Promised], path: str, *, is_line: bool
) -> None:
    taken = {fold(column.header) for column in promised}
    extra = [index for index, name in enumerate(found) if fold(name) not in taken]
    if not extra:
        return
    if is_line and not any(fold(found[index]) for index in extra):
        refuse_nameless(found, path)
    told = ", ".join(
        shown(found[index]) + (f" (column {index + 1})" if is_line else "")
        for index in extra[:_SHOWN_NAMES]
    )
    more = f" and {len(extra) - _SHOWN_NAMES} more" if len(extra) > _SHOWN_NAMES else ""
    raise DataError(
        "LS-2015",
        f"{path}: {told}{more} is not in the contract.",
        "extra_columns is `fail`, so a new column is not dropped unseen.",
        "add it to the contract, or set extra_columns: ignore in the format of this source.",
    )


def _warn_of_spelling(
    found: Sequence[str], promised: Sequence[Promised], path: str, *, is_line: bool
) -> None:
    """Tell names that are written otherwise than promised; each found one is of its column."""
    pairs = list(zip(found, promised, strict=True))
    for name, column in pairs:
        if name.strip() != column.header.strip():
            logger.warning("%s: column %s is written in another case", path, column.header.strip())
    spaced = [column.header.strip() for name, column in pairs if name != name.strip()]
    if spaced and is_line:
        more = f" and {len(spaced) - 1} more" if len(spaced) > 1 else ""
        logger.warning(
            "%s: column %s%s is written with other blanks, and its cells may be too; "
            "csv.trim: true takes them off both",
            path, spaced[0], more,
        )  # fmt: skip
