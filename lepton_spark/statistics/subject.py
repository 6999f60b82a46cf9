"""Which tables of a case have a profile, and what may be told of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lepton_spark.config.columns import SilverColumns
from lepton_spark.config.nearest import nearest
from lepton_spark.errors import ConfigError, DataError
from lepton_spark.lake.catalog import TableId
from lepton_spark.quality.profile.kind import Kind

if TYPE_CHECKING:
    from lepton_spark.config.case import Case
    from lepton_spark.config.contract import Contract

MOST_COLUMNS = 2000
# A file is read for so many columns at once; of more numbers no correlations are told.
MOST_CORRELATED = 200
ARRIVED, AS_OF = "_arrived_at", "_as_of"


def tables_of(case: Case) -> dict[TableId, str | None]:
    """The tables that a profile may be asked of, and the source of each; None for features."""
    silver = {TableId("silver", f"{case.case}_{name}"): name for name in case.sources}
    return {**silver, TableId("gold", f"{case.case}_features"): None}


def chosen(case: Case, names: Sequence[str]) -> list[TableId]:
    """The tables of some names; all clean tables where none is given.

    Args:
        case: Whose tables they are.
        names: As `silver.shop_orders`, or the name of a source.

    Raises:
        ConfigError: The case has no such table.
    """
    tables = tables_of(case)
    if not names:
        return [table for table, source in tables.items() if source is not None]
    known = {str(table): table for table in tables}
    known |= {source: table for table, source in tables.items() if source is not None}
    for name in names:
        if name not in known:
            raise ConfigError(
                "LS-1075",
                f"the case {case.case} has no table of that name to measure",
                "these are its silver tables, named by their source or in full, and its features",
                nearest(name, known),
            )
    return list(dict.fromkeys(known[name] for name in names))


def kinds_of(
    case: Case, contracts: Mapping[str, Contract], table: TableId, types: Mapping[str, str]
) -> dict[str, Kind]:
    """What to measure of each column. Columns whose names start with _ are left out.

    Args:
        case: Whose table it is.
        contracts: Say which columns are personal; what they do not know is taken to be.
        table: One of `tables_of`.
        types: Column to the simple name of its Spark type.

    Raises:
        DataError: There are too many columns.
    """
    kinds = {name: Kind.of(kind) for name, kind in types.items() if not name.startswith("_")}
    if len(kinds) > MOST_COLUMNS:
        raise DataError(
            "LS-2120",
            f"{table} has {len(kinds)} columns",
            f"a profile holds {MOST_COLUMNS} at most",
            "divide the table by what its columns are about",
        )
    source = tables_of(case)[table]
    if source is None:
        return kinds  # no personal column reaches a feature: `lepton check` sees to that
    columns = SilverColumns(case, contracts).of(source)
    is_open = {name for name, column in columns.items() if not column.is_personal}
    return {name: kind if name in is_open else Kind.GUARDED for name, kind in kinds.items()}


def correlated(kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """The columns whose pairs are correlated: all numbers, or none where they are too many."""
    numbers = tuple(name for name, kind in kinds.items() if kind is Kind.NUMBER)
    return numbers if 1 < len(numbers) <= MOST_CORRELATED else ()
