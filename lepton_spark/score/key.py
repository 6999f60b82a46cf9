"""The key of a row, as a person writes it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.types import StructType


def parse_key(text: str, key: Sequence[str]) -> dict[str, str]:
    """Read `column=value,...`, or all values in the order of the key; quotes keep a comma.

    Args:
        text: As given on the command line. Named columns may be some of the key's.
        key: Columns that identify a row.

    Returns:
        Text by column, stripped; at least one column, in the order that was given.

    Raises:
        UsageError: It is neither.
    """
    cells = _cells(text)
    pairs = [(name.strip(), sign, value.strip()) for name, sign, value in map(_named, cells)]
    names = [name for name, sign, _ in pairs if sign and name in key]
    if len(set(names)) == len(cells) > 0:
        return {name: value for name, _, value in pairs}
    if not names and len(cells) == len(key):
        return dict(zip(key, (cell.strip() for cell in cells), strict=True))
    raise UsageError(
        "LS-0220",
        "the key cannot be read.",
        f"rows are identified by {', '.join(key)}.",
        "write " + ",".join(f"{name}=VALUE" for name in key) + ".",
    )


def _cells(text: str) -> list[str]:
    """The cells of a line; none where it is not one."""
    try:
        return next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:
        return []


def _named(cell: str) -> tuple[str, str, str]:
    return cell.partition("=")


def matches(named: Mapping[str, str], schema: StructType) -> Column:
    """A condition that is true for rows with these values; false where one is not of the type."""
    is_same = F.lit(col=True)
    for name, text in named.items():
        value = F.lit(text).try_cast(schema[name].dataType)
        is_same = is_same & F.coalesce(F.col(name) == value, F.lit(col=False))
    return is_same
