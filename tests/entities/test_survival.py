"""Which value survives, and which row it is of."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from lepton_spark.entities.survival import identify, survivors
from tests.entities.conftest import MON, TUE, WED

pytestmark = pytest.mark.spark


def survived(members, keep):
    found = survivors(members.withColumn("_entity", F.lit("e")), keep).collect()
    assert len(found) == 1
    return found[0]


ROWS = [
    ("a", "trusted", 2, "Ann", None, MON),
    ("b", "newest", 1, "Anna", None, WED),
    ("c", "fullest", 1, "Anne", "Graz", TUE),
]


@pytest.mark.parametrize(
    ("rule", "name", "member"),
    [("trust", "Ann", "a"), ("recency", "Anna", "b"), ("completeness", "Anne", "c")],
)
def test_each_rule_lets_its_own_row_survive(members_of, rule, name, member):
    found = survived(members_of(ROWS), {"name": rule, "town": rule})

    assert (found["name"], found["_from_name"]) == (name, member)
    # A missing value never survives one that is there.
    assert (found["town"], found["_from_town"]) == ("Graz", "c")
    assert (found["_num_members"], found["_known_at"].day) == (3, WED.day)


def test_where_all_is_equal_the_same_row_survives_at_any_number_of_partitions(members_of):
    rows = [(f"m{n:02}", "one", 1, f"name {n}", None, MON) for n in range(20)]
    found = [
        survived(members_of(rows).repartition(count), {"name": "trust"})["name"] for count in (1, 7)
    ]

    assert found == ["name 19", "name 19"]


def test_what_nobody_has_stays_missing_and_is_of_nobody(members_of):
    found = survived(members_of([("a", "one", 1, "Ann", None, MON)]), {"town": "trust"})

    assert (found["town"], found["_from_town"]) == (None, None)


def test_a_column_may_be_called_as_the_number_of_members_was(members_of):
    members = members_of(ROWS).withColumnRenamed("town", "num_members")

    found = survived(members, {"num_members": "trust"})

    assert (found["num_members"], found["_num_members"]) == ("Graz", 3)


def test_a_member_that_joins_later_does_not_change_the_name_of_an_entity(members_of):
    first = members_of([("z", "one", 0, "Ann", None, MON)])
    both = first.unionByName(members_of([("a", "two", 9, "Ann", None, TUE)]))

    for members in (first, both):
        named = identify(members.withColumn("_cluster", F.lit("c")))
        assert {row["_entity"] for row in named.collect()} == {"z"}
