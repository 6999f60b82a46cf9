"""Hold how a source reshapes its records against the columns of its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.document import refuse
from lepton_spark.config.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lepton_spark.config.columns import Columns
    from lepton_spark.config.contract import Contract
    from lepton_spark.config.format import Format
    from lepton_spark.config.source import Source


def check_reshape(place: str, form: Format, contract: Contract) -> None:
    """See that every column that reshaping names is promised, and that it gives all that are.

    Args:
        place: Where in the files the source is.
        form: How its files are written.
        contract: Of the source.

    Raises:
        ConfigError: A column is missing, or the lines of a record are not as many as its columns.
    """
    unpivot, explode = getattr(form, "unpivot", None), getattr(form, "explode", None)
    promised = {(column.header or column.name): column for column in contract.columns}
    if unpivot is not None:
        _require_promised(place, unpivot.gives, promised)
        given = {name.casefold() for name in unpivot.gives}
        for name in promised:
            if name.casefold() not in given:
                refuse(
                    place,
                    f"the contract promises {name}, which unpivot does not give",
                    "a row has the ids, the name of a column, its cell, and perhaps the line",
                    f"add it to unpivot.ids, or drop it from the contract {contract.name}",
                    code="LS-1080",
                )
    if explode is not None:
        _require_promised(place, (*explode.columns, *explode.adds), promised)
    num_lines = getattr(form, "lines_per_record", 1)
    num_cells = len(promised) - len(explode.adds if explode else ())
    if num_lines > 1 and num_lines != num_cells:
        refuse(
            place,
            f"a record has {num_lines} lines, and the contract {num_cells} columns for them",
            "each line is a column, in the order of the contract",
            "correct lines_per_record, or the columns of the contract",
            code="LS-1081",
        )


def check_reshaped_key(place: str, source: Source, contract: Contract, columns: Columns) -> None:
    """See that the rows that one record becomes have different keys.

    Args:
        place: Where in the files the key is.
        source: Whose records are reshaped, or not.
        contract: Of the source.
        columns: Of its clean table; the key is among them.

    Raises:
        ConfigError: Nothing in the key tells them apart, so that one of them would remain.
    """
    unpivot = getattr(source.format, "unpivot", None)
    explode = getattr(source.format, "explode", None)
    if unpivot is not None:
        form, given, best, also = "unpivot", (unpivot.variable, unpivot.value), unpivot.variable, ""
    elif explode is not None:
        added = (explode.place,) if explode.place else ()
        form, given, best = "explode", (*explode.columns, *added), (*added, explode.columns[0])[0]
        also = "" if added else ", or a column that is named by explode.place"
    else:
        return
    # The line is that of the record: all of its rows have the same one.
    named = {(column.header or column.name).casefold(): column.name for column in contract.columns}
    apart = {named[name.casefold()] for name in given} | {source.origin.row}
    if any(columns[name].reads & apart for name in source.key):
        return
    key = ", ".join(source.key)
    refuse(
        place,
        f"the rows that {form} makes of one record all have the same key, [{key}]",
        "of rows with one key the last counts: all others would be dropped as older_duplicate",
        f"add {named[best.casefold()]} to the key{also}",
        code="LS-1095",
    )


def _require_promised(place: str, names: Iterable[str], promised: Iterable[str]) -> None:
    known = {name.casefold() for name in promised}
    for name in names:
        if name.casefold() not in known:
            refuse(
                place,
                f"reshaping names {name}, which is no column of the contract",
                "columns are named as in the contract's physicalName",
                nearest(name, list(promised)),
                code="LS-1080",
            )
