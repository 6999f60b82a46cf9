"""Columns of a reference, as known when a row arrived."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lepton_spark.config.source import Lookup
from lepton_spark.errors import DataError
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
