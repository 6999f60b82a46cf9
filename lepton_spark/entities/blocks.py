"""Blocks: only rows that share one are compared. One that holds too many is left out, and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lepton_spark.config.column import readable_kinds
from lepton_spark.config.entity import block_of
from lepton_spark.config.expression import parse
from lepton_spark.entities.records import SOURCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column

    from lepton_spark.config.entity import Entity


@dataclass(frozen=True)
class Skew:
    """How the rows are spread over the blocks of one rule.

    Args:
        rows: Rows that have a block.
        pairs: Pairs of rows that share a block which is not too large, and may be linked.
        top_block: Digest of the value of the largest block; the value itself is not told.
        top_share: Share of the rows that are in it.
        blocks_over: Blocks that are too large and not compared.
        rows_over: Rows in them.
    """

    rule: int
    blocks: int
    rows: int
    pairs: int
    top_block: str
    top_share: float
    blocks_over: int
    rows_over: int


def with_blocks(records: DataFrame, entity: Entity) -> DataFrame:
    """Add a column a blocking rule: a digest of its value; null where the value is.

    Raises:
        ConfigError: An expression that is not allowed.
    """
    added, found = {}, readable_kinds(records.dtypes)
    kinds = {name: found.get(name) for name in entity.columns}
    for number, text in enumerate(entity.block):
        value = F.expr(parse(text, columns=kinds, where=f"block.{number}").sql)
        added[block_of(number)] = F.when(value.isNotNull(), F.xxhash64(value))
    return records.withColumns(added)


def sizes(records: DataFrame, num_rules: int, *, across: bool = False) -> DataFrame:
    """How many rows and pairs each block has. Costs two shuffles of counts.

    Args:
        records: With a column a rule, and `_source`.
        num_rules: How many rules there are.
        across: Whether only rows of two sources are paired.

    Returns:
        `rule`, `block`, `rows` and `pairs`.
    """
    per_rule = [
        records.filter(F.col(block_of(number)).isNotNull())
        .groupBy(F.lit(number).alias("rule"), F.col(block_of(number)).alias("block"), SOURCE)
        .agg(F.count("*").alias("of_source"))
        for number in range(num_rules)
    ]
    within = F.sum(_pairs(F.col("of_source"))) if across else F.lit(0)
    rows = F.sum("of_source")
    counted = reduce(DataFrame.unionByName, per_rule).groupBy("rule", "block")
    return counted.agg(rows.alias("rows"), (_pairs(rows) - within).alias("pairs"))


def _pairs(rows: Column) -> Column:
    return (rows * (rows - 1) / 2).cast("bigint")


def skew(counted: DataFrame, max_rows: int) -> DataFrame:
    """One row a rule that has a block, as the fields of `Skew`.

    Args:
        counted: As `sizes` gives them.
        max_rows: Most rows that a block may have and be compared.
    """
    is_over, rows = F.col("rows") > max_rows, F.col("rows")
    pairs = F.when(is_over, F.lit(0)).otherwise(F.col("pairs"))
    top = F.max(F.struct("rows", "block"))
    return counted.groupBy("rule").agg(
        F.count("*").alias("blocks"),
        F.sum("rows").alias("rows"),
        F.sum(pairs).alias("pairs"),
        F.lower(F.hex(top["block"])).alias("top_block"),
        F.round(top["rows"] / F.sum("rows"), 4).alias("top_share"),
        F.count_if(is_over).alias("blocks_over"),
        F.coalesce(F.sum(F.when(is_over, rows)), F.lit(0)).alias("rows_over"),
    )


def without_large(records: DataFrame, counted: DataFrame, reports: Sequence[Skew]) -> DataFrame:
    """The same rows; where a block is too large its column is null, so that it brings no pairs.

    Args:
        records: With a column a rule.
        counted: Sizes of the blocks that are too large, and of no other.
        reports: A rule without such blocks costs nothing, any other a join with few rows.
    """
    for report in reports:
        if report.blocks_over:
            column = block_of(report.rule)
            large = counted.filter(F.col("rule") == report.rule)
            large = large.select(F.col("block").alias(column), F.lit(1).alias("_is_over"))
            records = records.join(large, column, how="left")
            kept = F.when(F.col("_is_over").isNull(), F.col(column))
            records = records.withColumn(column, kept).drop("_is_over")
    return records


def told(reports: Sequence[Skew], rules: Sequence[str]) -> list[Mapping[str, Any]]:
    """The reports, JSON-ready, each with its rule."""
    fields = ("blocks", "pairs", "top_block", "top_share", "blocks_over", "rows_over")
    return [
        {"rule": rules[report.rule], **{name: getattr(report, name) for name in fields}}
        for report in reports
    ]
