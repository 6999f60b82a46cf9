"""Columns taken from a reference source by its key, as known when a row came."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.errors import DataError
from lepton_spark.silver.knowledge import SUPERSEDED_AT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.source import Lookup

UNMATCHED = "_unmatched"


@dataclass(frozen=True)
class Reference:
    """A clean table that others look up.

    Args:
        versions: Its silver rows, as `knowledge.versions` gives them.
        key: Columns that identify one of its entities.
    """

    versions: DataFrame
    key: tuple[str, ...]


def name_of(lookup: Lookup) -> str:
    """How counts of unmatched rows name a lookup, such as `machines by machine`."""
    return f"{lookup.source} by {', '.join(lookup.on)}"


def look_up(
    rows: DataFrame, reference: Reference, lookup: Lookup, *, asked_at: str = "_arrived_at"
) -> DataFrame:
    """Add the columns that a lookup takes.

    Args:
        rows: Hold `_unmatched` and the instant `asked_at`. Of several versions of a reference row
            the one is taken that was known then: it does not matter when the row is refined.
        reference: The table to look in; broadcast where Spark finds it small, else shuffled with
            the rows, and where one key has very many of them they are spread over tasks.
        lookup: What joins and what is taken. Where nothing matches a new column is null, or what
            `otherwise` says.
        asked_at: Column of the rows.

    Returns:
        The same rows, as many. The lookup's name is added to the array `_unmatched` where the row
        has a value in every column of `on` and nothing matches.

    Raises:
        DataError: The lookup does not join on the whole key, so one row could become several.
    """
    _require_key(lookup, reference.key)
    names = {column: f"_taken_{column}" for column in {*lookup.on.values(), *lookup.take.values()}}
    found = _with_names(reference.versions, names)
    asked = F.col(asked_at)
    is_match = F.col("_found_from") <= asked
    is_match &= F.col("_found_until").isNull() | (F.col("_found_until") > asked)
    is_match &= _same(asked) == F.col("_found_same")
    for mine, theirs in lookup.on.items():
        is_match &= F.col(mine) == F.col(names[theirs])
    joined = rows.join(found, is_match, how="left")
    taken = {name: F.col(names[column]) for name, column in lookup.take.items()}
    for name, text in lookup.otherwise.items():
        taken[name] = F.when(F.col("_is_found").isNotNull(), taken[name]).otherwise(F.lit(text))
    kept = [name for name in rows.columns if name != UNMATCHED]
    columns = [column.alias(name) for name, column in taken.items()]
    return joined.select(*kept, *columns, _unmatched(lookup).alias(UNMATCHED))


def _with_names(known: DataFrame, names: Mapping[str, str]) -> DataFrame:
    return known.select(
        *(F.col(column).alias(name) for column, name in names.items()),
        F.col("_known_at").alias("_found_from"),
        F.col(SUPERSEDED_AT).alias("_found_until"),
        F.lit("found").alias("_is_found"),
        _same(F.col("_known_at")).alias("_found_same"),
    )


def _same(instant: Column) -> Column:
    """One more key of the join, 0 everywhere.

    Without it Spark joins in the partitions in which the reference is kept, and it splits the many
    rows of one key only where it has shuffled both sides itself.
    """
    return F.pmod(F.unix_micros(instant), F.lit(1))


def _unmatched(lookup: Lookup) -> Column:
    has_values = reduce(and_, (F.col(name).isNotNull() for name in lookup.on))
    missed = F.when(F.col("_is_found").isNull() & has_values, F.lit(name_of(lookup)))
    return F.concat(F.col(UNMATCHED), F.array_compact(F.array(missed)))


def _require_key(lookup: Lookup, key: Sequence[str]) -> None:
    if set(lookup.on.values()) == set(key):
        return
    raise DataError(
        "LS-2040",
        f"the lookup in {lookup.source} joins on {sorted(lookup.on.values())}.",
        f"its key is {sorted(key)}; on less than the key one row could become several.",
        "name every key column of the reference under `on`.",
    )
