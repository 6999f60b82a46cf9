"""What a case promises of its lookups, held against what they found."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.errors import DataError
from lepton_spark.silver.deduplicate import SEVERITY
from lepton_spark.silver.knowledge import came_at
from lepton_spark.silver.lookup import UNMATCHED, name_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.source import Source
    from lepton_spark.quality.accounting import Tally


def require_matches(name: str, source: Source, counted: Tally, state: str) -> None:
    """See that no lookup of a source left more rows unmatched than it may.

    Args:
        name: Of the source, for the error.
        source: Its lookups.
        counted: What became of its new rows.
        state: What is true of the table now, for the error.

    Raises:
        DataError: With the lookup, the numbers of rows and the share.
    """
    for index, lookup in enumerate(source.lookup):
        most, missed = lookup.max_unmatched, counted.unmatched.get(name_of(lookup), 0)
        if most is None or missed <= most * counted.num_good:
            continue
        raise DataError(
            "LS-2150",
            f"{name}: {missed} of {counted.num_good} good new rows find nothing in"
            f" {name_of(lookup)}, {missed / counted.num_good:.1%}.",
            f"more than max_unmatched, {most:.1%}, points to a reference that is late or damaged.",
            f"deliver {lookup.source}, or raise sources.{name}.lookup.{index}.max_unmatched.",
            state,
        )


def require_one_to_one(
    name: str, source: Source, judged: DataFrame, silver: DataFrame | None, state: str
) -> None:
    """See that no two keys find the same row of a reference that is one to one.

    Args:
        name: Of the source, for the error.
        source: Its key and lookups; without one that is one to one this costs nothing.
        judged: Rows as `judge` gives them; each such lookup costs two shuffles of these and of
            silver, and collects one row.
        silver: The published rows of the source; None where there are none.
        state: What is true of the table now, for the error.

    Raises:
        DataError: With the lookup and the numbers of rows, never a value.
    """
    for lookup in source.lookup:
        if lookup.cardinality == "many_to_one":
            continue
        on = list(lookup.on)
        rows = _found(judged.filter(F.col(SEVERITY).isNull()), on, source.key, name_of(lookup))
        if silver is not None:
            rows = rows.unionByName(_found(silver, on, source.key))
        num_shared, num_keys = _shared(rows)
        if num_shared:
            raise DataError(
                "LS-2151",
                f"{name}: {num_keys} keys find {num_shared} rows of {name_of(lookup)}.",
                "the lookup is one_to_one, so each row of the reference belongs to one key.",
                "remove what is there twice, or declare cardinality: many_to_one.",
                state,
            )


def _found(
    rows: DataFrame, on: Sequence[str], key: Sequence[str], lookup: str | None = None
) -> DataFrame:
    """Key, place in time and what was looked up, null where nothing was found.

    Args:
        rows: Good rows of the batch, or of silver, which does not say what was found.
        on: Columns that the lookup joins on.
        key: Columns that identify a row.
        lookup: Its name where rows say in `_unmatched` what was not found.
    """
    is_found = reduce(and_, (F.col(column).isNotNull() for column in on))
    if lookup is not None:
        is_found &= ~F.array_contains(UNMATCHED, lookup)
    return rows.select(
        F.struct(*key).alias("_entity"),
        F.struct(came_at().alias("at"), "_file", "_row").alias("_place"),
        F.when(is_found, F.struct(*on)).alias("_on"),
        F.lit(lookup is not None).alias("_is_new"),
    )


def _shared(rows: DataFrame) -> tuple[int, int]:
    """How many rows of the reference more than one key finds now, one of them new; and the keys."""
    # An earlier version of a key no longer finds what it found.
    newest = {name: F.max_by(name, "_place").alias(name) for name in ("_on", "_is_new")}
    current = rows.groupBy("_entity").agg(*newest.values()).filter(F.col("_on").isNotNull())
    keys = current.groupBy("_on").agg(F.count("*").alias("keys"), F.max("_is_new").alias("is_new"))
    counted = keys.filter("keys > 1 AND is_new").agg(F.count("*"), F.sum("keys"))
    num_shared, num_keys = counted.collect()[0]
    return num_shared, num_keys or 0
