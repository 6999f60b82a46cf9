"""The two tables of an entity: what it is, and which rows it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.config.entity import id_of
from lepton_spark.entities.clusters import PROBABILITY
from lepton_spark.entities.records import KEY, MEMBER, ORIGIN, SOURCE
from lepton_spark.entities.survival import ENTITY, NUM_MEMBERS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def entity_rows(surviving: DataFrame, name: str, keep: Sequence[str], file: str) -> DataFrame:
    """A row an entity, in the form of any clean table.

    Args:
        surviving: As `survival.survivors` gives them.
        name: Of the entity.
        keep: Its columns.
        file: What stands for the raw file: the rows are all made together.

    Returns:
        `<name>_id`, the columns, `_num_members`; an entity arrived, and became known, when the
        last of its members was.
    """
    return surviving.select(
        F.col(ENTITY).alias(id_of(name)),
        *keep,
        NUM_MEMBERS,
        F.lit(file).alias("_file"),
        F.xxhash64(ENTITY).alias("_row"),
        "_arrived_at",
        "_known_at",
    )


def member_rows(
    members: DataFrame, surviving: DataFrame, probabilities: DataFrame, name: str
) -> DataFrame:
    """A row for each row of a source: its entity, how probable that is, and what it gave.

    Args:
        members: With `_entity`. Costs two shuffles.
        surviving: As `survival.survivors` gives them.
        probabilities: Highest match probability by `_member`.
        name: Of the entity.

    Returns:
        `<name>_id`, `source`, `key` (column to text), `match_probability` (null for a row that is
        an entity alone), `kept` (columns of the entity whose value is this row's), and where the
        row lies in bronze.
    """
    winners = [column for column in surviving.columns if column.startswith("_from_")]
    joined = members.join(surviving.select(ENTITY, *winners), ENTITY, how="inner")
    joined = joined.join(probabilities, MEMBER, how="left")
    return joined.select(
        F.col(ENTITY).alias(id_of(name)),
        F.col(SOURCE).alias("source"),
        F.col(KEY).alias("key"),
        F.when(~F.col("_is_apart"), F.col(PROBABILITY)).alias(PROBABILITY),
        _kept(winners).alias("kept"),
        *ORIGIN,
    )


def _kept(winners: Sequence[str]) -> Column:
    mine = [
        F.when(F.col(winner) == F.col(MEMBER), F.lit(winner.removeprefix("_from_")))
        for winner in winners
    ]
    return F.array_compact(F.array(*mine))
