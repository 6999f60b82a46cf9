"""From links between rows to clusters of rows that belong together.

Splink's own clustering is not used: its loop keeps the plan of every earlier step, which on Spark
took more than a gigabyte at its third.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from lepton_spark.entities.records import MEMBER, SOURCE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CLUSTER = "_cluster"
PROBABILITY = "match_probability"


@dataclass(frozen=True)
class Guard:
    """Which clusters are taken for a fault, and taken apart again.

    Args:
        max_members: Most rows that one entity may have.
        one_to_one: Whether two rows of one source are too many.
    """

    max_members: int
    one_to_one: bool


def best_links(links: DataFrame) -> DataFrame:
    """Those links that are the best of both rows among the rows of the other's source.

    Args:
        links: `left`, `right`, `left_source`, `right_source` and `match_probability`. Of equal
            ones that to the smaller digest is best. Costs two shuffles.
    """
    ranked = links
    for mine, other in (("left", "right"), ("right", "left")):
        best_first = Window.partitionBy(mine, f"{other}_source").orderBy(
            F.col(PROBABILITY).desc(), F.col(other)
        )
        ranked = ranked.withColumn(f"_rank_{mine}", F.row_number().over(best_first))
    is_best = (F.col("_rank_left") == 1) & (F.col("_rank_right") == 1)
    return ranked.filter(is_best).drop("_rank_left", "_rank_right")


def components(links: DataFrame) -> DataFrame:
    """Connected components: `_member` and `_cluster`, the smallest member that it is linked to.

    Every row hooks on to its smallest neighbour, then each group of rows counts as one row, until
    no link between two groups is left: for a chain of n rows about log n rounds of three
    shuffles and two actions.

    Args:
        links: `left` and `right`; rows without a link are not in the result.
    """
    edges = links.select("left", "right").localCheckpoint()
    found = edges.select(F.explode(F.array("left", "right")).alias(MEMBER)).distinct()
    found = found.withColumn(CLUSTER, F.col(MEMBER))
    while not edges.isEmpty():
        hooks = _hooks(edges)
        found = found.join(hooks, F.col(CLUSTER) == F.col("row"), how="left")
        found = found.select(MEMBER, F.coalesce("hook", CLUSTER).alias(CLUSTER))
        # A plan that grew with each round would soon take longer than the work.
        found, edges = found.localCheckpoint(), _contracted(edges, hooks).localCheckpoint()
    return found


def _hooks(edges: DataFrame) -> DataFrame:
    """`row` and `hook`: itself or its smallest neighbour."""
    both = edges.unionByName(
        edges.select(F.col("right").alias("left"), F.col("left").alias("right"))
    )
    smallest = both.groupBy(F.col("left").alias("row")).agg(F.min("right").alias("hook"))
    return smallest.withColumn("hook", F.least("row", "hook")).localCheckpoint()


def _contracted(edges: DataFrame, hooks: DataFrame) -> DataFrame:
    """The links between groups of rows that hang on different hooks."""
    for side in ("left", "right"):
        hook = hooks.select(F.col("row").alias(side), F.col("hook").alias(f"_{side}"))
        edges = edges.join(hook, side, how="inner")
    moved = edges.select(F.col("_left").alias("left"), F.col("_right").alias("right"))
    ends = F.least("left", "right").alias("left"), F.greatest("left", "right").alias("right")
    return moved.filter(F.col("left") != F.col("right")).select(*ends).distinct()


def clustered(records: DataFrame, found: DataFrame, guard: Guard) -> DataFrame:
    """Every record with its `_cluster` and `_is_apart`; a record without links is alone.

    Args:
        records: With `_member` and `_source`. Costs two shuffles.
        found: As `components` gives them.
        guard: A cluster that it refuses is taken apart: its records are alone, `_is_apart` true.
    """
    linked = records.join(found, MEMBER, how="left")
    linked = linked.withColumn(CLUSTER, F.coalesce(CLUSTER, MEMBER))
    sizes = linked.groupBy(CLUSTER).agg(
        F.count("*").alias("_rows"), F.countDistinct(SOURCE).alias("_sources")
    )
    is_wrong = F.col("_rows") > guard.max_members
    if guard.one_to_one:
        is_wrong |= F.col("_rows") > F.col("_sources")
    wrong = sizes.filter(is_wrong).select(CLUSTER, F.lit(1).alias("_is_wrong"))
    judged = linked.join(wrong, CLUSTER, how="left")
    is_apart = F.col("_is_wrong").isNotNull()
    alone = F.when(is_apart, F.col(MEMBER)).otherwise(F.col(CLUSTER))
    return judged.withColumns({CLUSTER: alone, "_is_apart": is_apart}).drop("_is_wrong")


def probabilities(links: DataFrame) -> DataFrame:
    """`_member` and the highest match probability of its links."""
    ends = F.explode(F.array("left", "right")).alias(MEMBER)
    return (
        links.select(ends, PROBABILITY).groupBy(MEMBER).agg(F.max(PROBABILITY).alias(PROBABILITY))
    )
