"""What a case promises of its lookups, held against what they found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.errors import DataError
from lepton_spark.silver.deduplicate import SEVERITY
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


def require_one_to_one(name: str, source: Source, judged: DataFrame, state: str) -> None:
    """See that no two keys of a batch found the same row of a reference that is one to one.

    Args:
        name: Of the source, for the error.
        source: Its key and lookups; without one that is one to one this costs nothing.
        judged: Rows as `judge` gives them; each such lookup costs a shuffle and collects one row.
        state: What is true of the table now, for the error.

    Raises:
        DataError: With the lookup and the numbers of rows, never a value.
    """
    for lookup in source.lookup:
        if lookup.cardinality == "many_to_one":
            continue
        num_shared, num_keys = _shared(judged, list(lookup.on), source.key, name_of(lookup))
        if num_shared:
            raise DataError(
                "LS-2151",
                f"{name}: {num_keys} keys find {num_shared} rows of {name_of(lookup)}.",
                "the lookup is one_to_one, so each row of the reference belongs to one key.",
                "remove what is there twice, or declare cardinality: many_to_one.",
                state,
            )


def _shared(
    judged: DataFrame, on: Sequence[str], key: Sequence[str], lookup: str
) -> tuple[int, int]:
    """How many rows of the reference more than one key found, and how many keys did."""
    is_found = F.col(SEVERITY).isNull() & ~F.array_contains(UNMATCHED, lookup)
    for column in on:
        is_found &= F.col(column).isNotNull()
    # Versions of one row may all find the same: a key counts once.
    found = judged.filter(is_found).select(
        F.struct(*on).alias("_on"), F.struct(*key).alias("_entity")
    )
    keys = found.distinct().groupBy("_on").agg(F.count("*").alias("_keys"))
    counted = keys.filter(F.col("_keys") > 1).agg(F.count("*"), F.sum("_keys"))
    num_shared, num_keys = counted.collect()[0]
    return num_shared, num_keys or 0
