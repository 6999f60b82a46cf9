"""The rows of all sources of an entity, in columns of one name each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lepton_spark.silver.knowledge import came_at, known_at, versions

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column

    from lepton_spark.config.entity import Entity

SOURCE, MEMBER, KEY, TRUST = "_source", "_member", "_key", "_trust"
FIRST_AT = "_first_at"
ORIGIN = ("_file", "_row", "_arrived_at", "_known_at")
_DIGITS = 32  # 128 bits: no two of a billion keys share them


def records(
    sources: Mapping[str, DataFrame],
    keys: Mapping[str, Sequence[str]],
    entity: Entity,
    moment: datetime,
) -> DataFrame:
    """The newest row of each key of each source, as it was known at a moment.

    Args:
        sources: Silver rows by name of the source; one shuffle on the key of each.
        keys: Key columns by name of the source.
        entity: Its columns, and which source calls them what.
        moment: UTC; what arrived or was known later is left out.

    Returns:
        The entity's columns; `_source`, `_key` (column to text), `_member` (a digest of both),
        `_trust`, `_first_at` (when the first row of the key came), and where the row came from.
    """
    parts = [_of_source(rows, name, keys[name], entity, moment) for name, rows in sources.items()]
    return reduce(DataFrame.unionByName, parts)


def _of_source(
    rows: DataFrame, source: str, key: Sequence[str], entity: Entity, moment: datetime
) -> DataFrame:
    arrived = rows.filter(F.col("_arrived_at") <= F.lit(moment))
    first_at = F.min(came_at()).over(Window.partitionBy(*key))
    known = known_at(versions(arrived.withColumn(FIRST_AT, first_at), key), moment)
    texts = [F.col(name).cast("string") for name in key]
    named = [part for name, text in zip(key, texts, strict=True) for part in (F.lit(name), text)]
    return known.select(
        F.lit(source).alias(SOURCE),
        _digest(source, texts).alias(MEMBER),
        F.create_map(*named).alias(KEY),
        F.lit(entity.sources[source].trust).alias(TRUST),
        *(F.col(entity.column_of(source, name)).alias(name) for name in entity.columns),
        FIRST_AT,
        *ORIGIN,
    )


def _digest(source: str, texts: Sequence[Column]) -> Column:
    # As JSON, so that ("a", "bc") and ("ab", "c") differ.
    whole = F.to_json(F.array(F.lit(source), *texts))
    return F.left(F.sha2(whole, 256), F.lit(_DIGITS))
