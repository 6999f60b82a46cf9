"""Blocks: who is compared with whom, and which are too large."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.entity import Entity
from lepton_spark.entities.blocks import Skew, sizes, skew, told, with_blocks, without_large

pytestmark = pytest.mark.spark

ENTITY = Entity.model_validate(
    {
        "from": {"people": {}},
        "match": {"name": {"exact": True}, "town": {"exact": True}},
        "block": ["town", "left(name, 1)"],
        "keep": {"name": "trust"},
    }
)


@pytest.fixture
def skewed(spark):
    """Ninety of a hundred people are from one town."""
    rows = spark.range(100).select(
        F.when(F.col("id") < 90, "Graz").when(F.col("id") < 98, "Linz").alias("town"),
        F.chr(F.lit(97) + F.col("id") % 20).alias("name"),
        F.when(F.col("id") % 4 == 0, "shop").otherwise("desk").alias("_source"),
    )
    return with_blocks(rows, ENTITY).persist()


def test_a_block_that_holds_nearly_all_rows_is_left_out_and_told(skewed):
    counted = sizes(skewed, 2)
    reports = sorted((Skew(*row) for row in skew(counted, 50).collect()), key=lambda r: r.rule)
    large = counted.filter("rows > 50")

    kept = without_large(skewed, large, reports)

    town, letter = reports
    assert (town.blocks, town.rows, town.pairs) == (2, 98, 8 * 7 // 2)
    assert (town.blocks_over, town.rows_over, town.top_share) == (1, 90, round(90 / 98, 4))
    assert (letter.blocks, letter.pairs, letter.blocks_over) == (20, 20 * 10, 0)
    assert sizes(kept, 2).agg(F.max("rows")).first()[0] == 8
    assert kept.count() == 100
    assert "Graz" not in str(told(reports, ENTITY.block))


def test_pairs_within_a_source_are_none_where_only_two_sources_are_linked(skewed):
    across = sizes(skewed, 1, across=True).filter("rows = 8")
    within_one = sizes(skewed.filter("_source = 'desk'"), 2, across=True)

    assert across.first()["pairs"] == 2 * 6
    assert within_one.agg(F.max("pairs")).first()[0] == 0


def test_a_missing_value_is_no_block(skewed):
    assert skewed.filter("town is null").select("block_0").distinct().collect() == [(None,)]
