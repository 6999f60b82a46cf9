"""Columns of a reference, as known when a row arrived."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from lepton_spark.bronze.arrivals import ALWAYS
from lepton_spark.config.contract import Column, Contract
from lepton_spark.config.source import Lookup, Source
from lepton_spark.errors import DataError, InternalError
from lepton_spark.quality.accounting import FileState, require_balance, tally
from lepton_spark.silver.judgement import judge
from lepton_spark.silver.knowledge import versions
from lepton_spark.silver.lookup import Reference, look_up, name_of

MON, TUE, WED = (datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3))
SHOPS = "shop string, town string, beds int, _file string, _row bigint, _arrived_at timestamp"
BY_TOWN = Lookup.model_validate(
    {
        "from": "shops",
        "on": {"place": "shop"},
        "take": {"place_town": "town", "beds": "beds"},
        "otherwise": {"place_town": "nowhere"},
    }
)


def looked_up(spark, shops, visits, lookup=BY_TOWN):
    known = spark.createDataFrame(shops, SHOPS)
    known = known.withColumn("_known_at", known["_arrived_at"])
    reference = Reference(versions(known, ["shop"]), ("shop",))
    schema = "visit int, place string, _arrived_at timestamp, _unmatched array<string>"
    rows = spark.createDataFrame(visits, schema)
    found = look_up(rows, reference, lookup).orderBy("visit")
    return [
        (row["visit"], row["place_town"], row["beds"], row["_unmatched"]) for row in found.collect()
    ]


@pytest.mark.spark
def test_a_match_gives_its_values_and_no_match_what_the_case_says(spark):
    shops = [("A", "Graz", 3, "s", 1, MON), ("B", None, 4, "s", 2, MON)]
    visits = [(1, "A", MON, []), (2, "X", MON, ["earlier"]), (3, None, MON, []), (4, "B", MON, [])]

    assert looked_up(spark, shops, visits) == [
        (1, "Graz", 3, []),
        (2, "nowhere", None, ["earlier", "shops by place"]),
        (3, "nowhere", None, []),
        (4, None, 4, []),
    ]


@pytest.mark.spark
def test_a_reference_may_call_its_columns_as_it_likes(spark):
    schema = "shop string, until int, same int, _file string, _row bigint, _arrived_at timestamp"
    shops = spark.createDataFrame([("A", 20, 7, "s", 1, MON)], schema)
    shops = shops.withColumn("_known_at", F.col("_arrived_at"))
    lookup = Lookup.model_validate(
        {"from": "shops", "on": {"place": "shop"}, "take": {"open_until": "until", "as": "same"}}
    )
    rows = spark.createDataFrame([("A", MON)], "place string, _arrived_at timestamp")
    rows = rows.withColumn("_unmatched", F.array().cast("array<string>"))

    found = look_up(rows, Reference(versions(shops, ["shop"]), ("shop",)), lookup).collect()[0]

    assert (found["open_until"], found["as"]) == (20, 7)


@pytest.mark.spark
def test_the_version_is_taken_that_was_known_when_the_row_arrived(spark):
    shops = [
        ("A", "old", 1, "a", 1, MON),
        ("A", "twice, first", 2, "b", 1, TUE),
        ("A", "twice, last", 3, "b", 2, TUE),
        ("B", "late", 4, "c", 1, WED),
    ]
    visits = [(1, "A", MON, []), (2, "A", TUE, []), (3, "A", WED, []), (4, "B", TUE, [])]

    assert looked_up(spark, shops, visits) == [
        (1, "old", 1, []),
        (2, "twice, last", 3, []),
        (3, "twice, last", 3, []),
        (4, "nowhere", None, ["shops by place"]),
    ]


@pytest.mark.spark
def test_a_lookup_on_less_than_the_key_is_refused(spark):
    rows = spark.createDataFrame([("A",)], "place string")

    with pytest.raises(DataError, match="on less than the key one row could become several"):
        look_up(rows, Reference(rows, ("shop", "year")), BY_TOWN)


def test_a_lookup_is_named_for_its_source_and_columns():
    assert name_of(BY_TOWN) == "shops by place"


@pytest.mark.spark
def test_a_reference_that_makes_more_rows_of_one_is_found_by_the_count(spark):
    shops = [("A", "Graz", 3, "s", 1, MON), ("A", "Linz", 4, "s", 2, MON)]
    known = spark.createDataFrame(shops, SHOPS).withColumn("_known_at", F.col("_arrived_at"))
    broken = known.withColumn("_superseded_at", F.lit(None).cast("timestamp"))
    lookups = [BY_TOWN.model_dump(by_alias=True)]
    source = Source.model_validate(
        {"path": "v.csv", "contract": "v", "key": ["visit"], "lookup": lookups}
    )
    contract = Contract("v", (Column("visit", "integer"), Column("place", "string")))
    schema = "visit string, place string, _problem string, _file string, _row bigint"
    rows = spark.createDataFrame([("1", "A", None, "v.csv", 2)], schema)
    rows = rows.withColumn("_arrived_at", F.lit(TUE))

    def counted(versions_of_shops):
        reference = {"shops": Reference(versions_of_shops, ("shop",))}
        return tally(judge(rows, source, contract, reference), [])

    state = [FileState("v.csv", "", 1, 0, 0)]
    require_balance("silver.v", state, counted(versions(known, ["shop"])))
    with pytest.raises(InternalError, match="1 rows in bronze, 2 were judged"):
        require_balance("silver.v", state, counted(broken))


SKEW = {
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "-1",
    "spark.sql.shuffle.partitions": "8",
    # A key is hot from a thousandth of its usual size on.
    "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes": "256k",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "64k",
    "spark.sql.adaptive.skewJoin.skewedPartitionFactor": "2",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
}


@pytest.fixture
def unbroadcast(spark):
    """A session in which nothing is broadcast and little is much."""
    before = {name: spark.conf.get(name, None) for name in SKEW}
    for name, setting in SKEW.items():
        spark.conf.set(name, setting)
    yield spark
    for name, setting in before.items():
        spark.conf.unset(name) if setting is None else spark.conf.set(name, setting)


def rows_a_task(rows):
    """How many rows each task gives, and how many of them found something."""

    def count(batches):
        given = list(batches)
        found = sum(batch.num_rows - batch.column("beds").null_count for batch in given)
        number = sum(batch.num_rows for batch in given)
        yield pa.RecordBatch.from_pydict({"rows": [number], "found": [found]})

    return rows.mapInArrow(count, "rows bigint, found bigint").collect()


@pytest.mark.spark
def test_the_rows_of_a_hot_key_are_spread_where_the_reference_is_too_large_to_send(unbroadcast):
    ids = unbroadcast.range(0, 20_000, 1, 8)
    instant = F.timestamp_seconds(F.pmod("id", F.lit(1)))
    shops = ids.filter("id < 500").select(
        F.col("id").cast("string").alias("shop"), F.col("id").alias("beds"),
        F.lit("town").alias("town"), F.lit("s").alias("_file"), F.col("id").alias("_row"),
        instant.alias("_arrived_at"), instant.alias("_known_at"),
    )  # fmt: skip
    known = versions(shops, ["shop"]).persist()
    place = F.when(F.col("id") % 10 < 3, "7").otherwise(F.pmod("id", F.lit(500)).cast("string"))
    rows = ids.select(
        "id", place.alias("place"), instant.alias("_arrived_at"),
        F.sha2(F.col("id").cast("string"), 256).alias("note"),
        F.array().cast("array<string>").alias("_unmatched"),
    )  # fmt: skip

    joined = look_up(rows, Reference(known, ("shop",)), BY_TOWN)
    tasks = rows_a_task(joined.select("id", "place", "beds", "note"))
    known.unpersist()

    assert sum(task["rows"] for task in tasks) == sum(task["found"] for task in tasks) == 20_000
    # Without spreading, the task of the key has its 6,000 rows and those of its neighbours.
    assert max(task["rows"] for task in tasks) < 4_000


@pytest.mark.spark
def test_a_row_of_a_file_without_a_date_finds_what_was_known_when_it_was(spark):
    shops = [("A", "old", 1, "s", 1, MON), ("A", "new", 2, "s", 2, TUE)]
    known = spark.createDataFrame(shops, SHOPS).withColumn("_known_at", F.col("_arrived_at"))
    source = Source.model_validate(
        {
            "path": "v.csv",
            "contract": "v",
            "key": ["visit"],
            "lookup": [BY_TOWN.model_dump(by_alias=True)],
            "times": {"seen_at": {"text": "seen", "formats": ["yyyy-MM-dd HH:mm"], "zone": "UTC"}},
            "derive": {"told_at": "seen_at + interval 1 hour", "size": "beds * 2"},
            "known_at": "told_at",
        }
    )
    columns = (Column("visit", "integer"), Column("place", "string"), Column("seen", "string"))
    visits = [("1", "A", "2024-01-01 23:30"), ("2", "A", "2024-01-01 22:30"),
              ("3", "A", "2023-12-31 00:00"), ("4", "A", "soon")]  # fmt: skip
    rows = spark.createDataFrame(visits, "visit string, place string, seen string").withColumns(
        {
            "_problem": F.lit(None).cast("string"),
            "_file": F.lit("v.csv"),
            "_row": F.col("visit").cast("bigint"),
            "_arrived_at": F.lit(ALWAYS),
        }
    )
    reference = Reference(versions(known, ["shop"]), ("shop",))

    judged = judge(rows, source, Contract("v", columns), {"shops": reference}).orderBy("_row")

    found = [(row["place_town"], row["size"], row["_reasons"]) for row in judged.collect()]
    assert found[:3] == [("new", 4, []), ("old", 2, []), ("nowhere", None, [])]
    assert found[3][2] == ["bad_time:seen_at"]
    assert not {name for name in judged.columns if "asked" in name or "before" in name}
