"""Every row is in one part, the same one whenever and however it is asked."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from lepton_spark.config.case import Split
from lepton_spark.dataset.split import PARTS, assign_split

pytestmark = pytest.mark.spark

BY_DAY = Split(validate_from=date(2024, 3, 1), test_from=date(2024, 4, 1))
BY_SHARE = Split(validate_share=0.2, test_share=0.1)
SCHEMA = "shop string, visit int, day date"


def assigned(spark, rows, split=BY_DAY):
    frame = spark.createDataFrame(rows, SCHEMA)
    return assign_split(frame, split, day="day", key=["shop", "visit"])


def parts(frame):
    return {(row["shop"], row["visit"]): row["_split"] for row in frame.collect()}


def test_the_first_day_of_a_part_is_in_it(spark):
    days = ["2024-02-29", "2024-03-01", "2024-03-31", "2024-04-01"]
    rows = [("a", number, date.fromisoformat(day)) for number, day in enumerate(days)]

    found = parts(assigned(spark, rows))

    assert list(found.values()) == ["train", "validate", "validate", "test"]


def test_rows_of_the_days_before_validation_and_test_are_in_no_part(spark):
    split = BY_DAY.model_copy(update={"gap_days": 2})
    days = ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-29", "2024-03-30",
            "2024-03-31", "2024-04-01"]  # fmt: skip
    rows = [("a", number, date.fromisoformat(day)) for number, day in enumerate(days)]

    found = parts(assigned(spark, rows, split))

    gap = ["gap"] * 2
    assert list(found.values()) == ["train", *gap, "validate", "validate", *gap, "test"]


def test_shares_are_about_what_was_asked_for(spark):
    rows = spark.range(20_000).select(
        F.lit("a").alias("shop"),
        F.col("id").cast("int").alias("visit"),
        F.lit(date(2024, 1, 1)).alias("day"),
    )

    split = assign_split(rows, BY_SHARE, day="day", key=["shop", "visit"])
    counts = {row["_split"]: row["count"] for row in split.groupBy("_split").count().collect()}

    assert counts["test"] == pytest.approx(2000, rel=0.1)
    assert counts["validate"] == pytest.approx(4000, rel=0.1)
    assert sum(counts.values()) == 20_000


def test_another_seed_deals_otherwise(spark):
    rows = [("a", number, date(2024, 1, 1)) for number in range(200)]

    first = parts(assigned(spark, rows, BY_SHARE))
    second = parts(assigned(spark, rows, BY_SHARE.model_copy(update={"seed": 8})))

    assert first != second


def test_rows_of_a_group_are_in_one_part_and_shares_are_of_groups(spark):
    rows = spark.range(6_000).selectExpr(
        "concat('s', id % 1500) as shop", "cast(id as int) as visit", "date'2024-01-01' as day"
    )
    grouped = BY_SHARE.model_copy(update={"by": ("shop",)})

    split = assign_split(rows, grouped, day="day", key=["shop", "visit"])
    found = split.groupBy("shop").agg(F.collect_set("_split").alias("parts")).collect()

    assert {len(row["parts"]) for row in found} == {1}
    counts = Counter(row["parts"][0] for row in found)
    assert counts["test"] == pytest.approx(150, rel=0.2)
    assert counts["validate"] == pytest.approx(300, rel=0.2)


def test_a_split_that_neither_groups_rows_nor_leaves_some_out_has_the_fingerprint_that_it_had():
    grouped = BY_SHARE.model_copy(update={"by": ("shop",)})
    with_gap = BY_DAY.model_copy(update={"gap_days": 2})

    assert set(BY_SHARE.model_dump(mode="json")) == {*Split.model_fields} - {"by", "gap_days"}
    assert grouped.model_dump(mode="json")["by"] == ["shop"]
    assert with_gap.model_dump(mode="json")["gap_days"] == 2


KEYS = st.tuples(
    st.one_of(st.none(), st.text(max_size=3)),
    st.one_of(st.none(), st.integers(-5, 5)),
    st.dates(date(2024, 2, 1), date(2024, 5, 1)),
)


@pytest.mark.parametrize("split", [BY_DAY, BY_SHARE], ids=["day", "share"])
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(KEYS, min_size=1, max_size=40, unique_by=lambda row: row[:2]))
def test_no_row_is_in_two_parts_nor_lost_whatever_the_partitions(spark, split, rows):
    once = assigned(spark, rows, split)
    again = assigned(spark, rows[::-1], split).repartition(5)

    assert len(parts(once)) == once.count() == len(rows)
    assert parts(once) == parts(again)
    assert set(parts(once).values()) <= set(PARTS)
