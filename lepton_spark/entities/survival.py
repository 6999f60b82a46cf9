"""Which value of an entity survives where its rows differ."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.entities.records import FIRST_AT, MEMBER, TRUST

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from lepton_spark.config.entity import Survival

ENTITY, NUM_MEMBERS = "_entity", "_num_members"
_FILLED = "_filled"
_BEST = "_best_"
# What decides, first to last. Where all are equal the member's digest does.
_ORDERS: Mapping[Survival, tuple[str, ...]] = {
    "trust": (TRUST, "_known_at", _FILLED),
    "recency": ("_known_at", TRUST, _FILLED),
    "completeness": (_FILLED, TRUST, "_known_at"),
}


def survivors(members: DataFrame, keep: Mapping[str, Survival]) -> DataFrame:
    """One row an entity, with the value of each column that survives.

    A value that is there always beats one that is missing.

    Args:
        members: Rows of sources with `_entity`, `_member`, `_trust`, and when they arrived and
            were known. Costs one shuffle on `_entity`.
        keep: Column: whose value survives.

    Returns:
        `_entity`, the columns, `_from_<column>` with the member that a value is of (null where no
        member has one), `_num_members`, and when the last member arrived and was known.
    """
    filled = reduce(add, (F.col(name).isNotNull().cast("int") for name in keep))
    best = {name: F.max(_ranked(name, rule)).alias(f"{_BEST}{name}") for name, rule in keep.items()}
    found = (
        members.withColumn(_FILLED, filled)
        .groupBy(ENTITY)
        .agg(
            *best.values(),
            F.count("*").alias(NUM_MEMBERS),
            *(F.max(name).alias(name) for name in ("_arrived_at", "_known_at")),
        )
    )
    return found.select(
        ENTITY,
        *(F.col(f"{_BEST}{name}")["value"].alias(name) for name in keep),
        *(_winner(name) for name in keep),
        NUM_MEMBERS,
        "_arrived_at",
        "_known_at",
    )


def _ranked(name: str, rule: Survival) -> Column:
    is_there = F.col(name).isNotNull()
    value = F.col(name).alias("value")
    return F.struct(is_there.alias("is_there"), *_ORDERS[rule], MEMBER, value)


def _winner(name: str) -> Column:
    best = F.col(f"{_BEST}{name}")
    return F.when(best["is_there"], best[MEMBER]).alias(f"_from_{name}")


def identify(members: DataFrame) -> DataFrame:
    """Add `_entity`, the member that came first: later members do not change it.

    Of members that came at once it is the most trusted one, then the one with the smallest digest.
    Where neither a date of the file nor `known_at` says when rows came, all came at once: a later
    member may then change the name.

    Args:
        members: With `_cluster`, `_member`, `_trust` and `_first_at`. Costs one shuffle.
    """
    first = F.struct(F.col(FIRST_AT), -F.col(TRUST), F.col(MEMBER).alias("member"))
    named = members.groupBy("_cluster").agg(F.min(first)["member"].alias(ENTITY))
    return members.join(named, "_cluster", how="inner").drop("_cluster")
