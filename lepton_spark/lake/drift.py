"""Rows that no longer have the columns of the table they go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.errors import DataError
from lepton_spark.lake.publication import EVERYTHING

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

    from lepton_spark.lake.publication import Publication


def refuse_drift(publication: Publication, rows: StructType, table: StructType) -> None:
    """Compare columns by name, whatever their order, and by type.

    Args:
        publication: Says which columns may be added, or that the whole table is replaced.
        rows: Columns to publish.
        table: Columns of the table as it is.

    Raises:
        DataError: A column is new, missing or of another type.
    """
    if publication.replace == EVERYTHING:
        return
    new, old = _types(rows), _types(table)
    changed = [
        f"{name} was {old[name]} and is {new[name]}"
        for name in sorted(new.keys() & old.keys())
        if new[name] != old[name]
    ]
    welcome = {name.lower() for name in publication.add_columns}
    added = sorted(new.keys() - old.keys() - welcome)
    changed += [f"{name} ({new[name]}) is new" for name in added]
    changed += [f"{name} ({old[name]}) is missing" for name in sorted(old.keys() - new.keys())]
    if changed:
        raise DataError(
            "LS-2019",
            f"the columns for {publication.table} changed: {'; '.join(changed)}.",
            "a published table keeps its columns, so that whoever reads it is not surprised.",
            "bring the case back to the old columns; features of all days are replaced by"
            " `lepton features` with --revision, other tables are moved away and published anew.",
            f"{publication.table} is unchanged",
        )


def has_drifted(rows: StructType, table: StructType) -> bool:
    """Whether rows have other columns than a table: by name, whatever their order, and by type."""
    return _types(rows) != _types(table)


def _types(schema: StructType) -> dict[str, str]:
    return {field.name.lower(): field.dataType.simpleString() for field in schema}
