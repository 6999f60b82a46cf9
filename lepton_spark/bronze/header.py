"""The names of columns in a raw file against those that its contract promises."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lepton_spark.errors import DataError

logger = logging.getLogger(__name__)
_SHOWN_LETTERS = 60
_SHOWN_NAMES = 3


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
        DataError: A name occurs twice, a promised column is missing, or there is one too many.
    """
    places = _places(found, promised, path)
    wanted = [fold(column.header) for column in promised]
    if is_line:
        _refuse_data(places, wanted, path)
    _refuse_missing(found, places, promised, path)
    taken = set(wanted)
    extra = [index for name, index in places.items() if name not in taken]
    if extra and not ignore_extra:
        raise _extra(found, extra, path, is_line=is_line)
    for column, name in zip(promised, wanted, strict=True):
        if found[places[name]].strip() != column.header:
            logger.warning("%s: column %s is written in another case", path, column.header)
    return tuple(places[name] for name in wanted)


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


def fold(name: str) -> str:
    """A name as it is compared: whatever its case, without space around it."""
    return name.strip().casefold()


def _places(found: Sequence[str], promised: Sequence[Promised], path: str) -> dict[str, int]:
    """Where each name is, folded; the order is that of the file."""
    places: dict[str, int] = {}
    for index, name in enumerate(found):
        first = places.setdefault(fold(name), index)
        if first < index:
            # Other names may be cells, where a file has no header.
            told = [f", {each.header}" for each in promised if fold(each.header) == fold(name)]
            raise DataError(
                "LS-2012",
                f"{path}: columns {first + 1} and {index + 1} of the file have the same name"
                f"{''.join(told)}.",
                "columns are matched by name, whatever their case, so a name must be there once.",
                "give one of the two another name, or take it out of the file.",
            )
    return places


def _refuse_data(places: Mapping[str, int], wanted: list[str], path: str) -> None:
    if not places.keys() & set(wanted):
        # The line may be data: its cells must not be shown.
        raise DataError(
            "LS-2013",
            f"{path}: the header line names none of the {len(wanted)} columns of the contract.",
            "columns are matched by the names in that line.",
            "put the header line back, or set csv.header: false and csv.delimiter as the file is.",
        )


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
    hint = f"; the nearest name in the file is {_shown(near[0])}" if near else ""
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    raise DataError(
        "LS-2014",
        f"{path}: column {column.header} ({column.kind}){more} is missing{hint}.",
        "the contract of this source promises the column.",
        "add it to the file or rename the column there, or drop it from the contract.",
    )


def _extra(found: Sequence[str], extra: list[int], path: str, *, is_line: bool) -> DataError:
    shown = ", ".join(
        _shown(found[index]) + (f" (column {index + 1})" if is_line else "")
        for index in extra[:_SHOWN_NAMES]
    )
    more = f" and {len(extra) - _SHOWN_NAMES} more" if len(extra) > _SHOWN_NAMES else ""
    return DataError(
        "LS-2015",
        f"{path}: {shown}{more} is not in the contract.",
        "extra_columns is `fail`, so a new column is not dropped unseen.",
        "add it to the contract, or set extra_columns: ignore in the format of this source.",
    )


def _shown(name: str) -> str:
    """A header name for a message: one line, printable, short."""
    text = "".join(letter if letter.isprintable() else "?" for letter in name.strip())
    return repr(text[:_SHOWN_LETTERS]) if text else "a column without a name"
