"""Values that must be found in another clean table."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.quality.reasons import add_by, is_accepted
from lepton_spark.silver.knowledge import came_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from lepton_spark.config.table_rules import Relationship

_SINCE = "_since"


def known_values(rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """Each value that some columns of a clean table ever held, and since when it is known.

    Args:
        rows: Silver rows, with `_known_at`; superseded ones count too.
        columns: Those that a relationship names. Costs one shuffle on them.
    """
    return rows.groupBy(*columns).agg(F.min("_known_at").alias(_SINCE))


def check_reference(rows: DataFrame, known: DataFrame, promise: Relationship) -> DataFrame:
    """Refuse, or mark, rows whose value is not found; null is no value.

    Args:
        rows: Hold `_reasons`, `_arrived_at` and `_known_at`. What became known after a row came is
            not found, so that it does not matter when the row is refined.
        known: As `known_values` gives them; broadcast where Spark finds it small.
        promise: Which columns, and how grave it is.

    Returns:
        The same rows, as many, with the reason `no_reference:` and the columns.
    """
    names = {name: f"_found_{index}" for index, name in enumerate(promise.found_in)}
    found = known.select(*(F.col(name).alias(alias) for name, alias in names.items()), _SINCE)
    pairs = zip(promise.columns, promise.found_in, strict=True)
    is_match = reduce(and_, (F.col(mine) == F.col(names[theirs]) for mine, theirs in pairs))
    joined = rows.join(found, is_match & (F.col(_SINCE) <= came_at()), how="left")
    has_value = reduce(and_, (F.col(name).isNotNull() for name in promise.columns))
    is_lost = F.col(_SINCE).isNull() & has_value & is_accepted()
    checked = add_by(joined, F.when(is_lost, F.lit(promise.code)), promise.severity)
    return checked.drop(_SINCE, *names.values())
