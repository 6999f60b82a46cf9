"""Links become clusters; what cannot be one entity is taken apart."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from pyspark.sql import functions as F

from lepton_spark.entities.clusters import (
    Guard,
    best_links,
    clustered,
    components,
    probabilities,
)

pytestmark = pytest.mark.spark

LINKS = (
    "left string, right string, left_source string, right_source string, match_probability double"
)


def links(spark, pairs):
    return spark.createDataFrame([(*pair, "l", "r", 0.9) for pair in pairs], LINKS)


def sets_of(found):
    groups = {}
    for row in found.select("_member", "_cluster").collect():
        groups.setdefault(row["_cluster"], set()).add(row["_member"])
    return groups


def test_components_are_those_of_the_graph_named_by_their_smallest_row(spark):
    seeded = random.Random(5)
    names = [f"{n:02}" for n in range(36)]
    seeded.shuffle(names)
    chain = list(pairwise(names[:12]))
    ring = [*pairwise(names[12:18]), (names[17], names[12])]
    star = [(names[18], other) for other in names[19:24]]
    pairs = [tuple(sorted(pair)) for pair in (*chain, *ring, *star, (names[30], names[31]))]

    found = [
        sets_of(components(links(spark, pairs).repartition(count).persist())) for count in (2, 7)
    ]

    wanted = [set(names[:12]), set(names[12:18]), set(names[18:24]), set(names[30:32])]
    assert found[0] == {min(group): group for group in wanted}
    assert found[1] == found[0]


def test_no_links_are_no_clusters(spark):
    assert components(links(spark, [])).collect() == []


def test_a_link_is_best_where_neither_row_has_a_better_one(spark):
    given = spark.createDataFrame(
        [
            ("a", "x", "l", "r", 0.9),
            ("a", "y", "l", "r", 0.95),
            ("b", "y", "l", "r", 0.99),
            ("c", "z", "l", "r", 0.9),
            ("c", "w", "l", "r", 0.9),
            ("c", "v", "l", "s", 0.8),  # best among the rows of another source
        ],
        LINKS,
    )
    found = [(row["left"], row["right"]) for row in best_links(given).collect()]

    # a has no link left: y prefers b, and of x and y it preferred y itself.
    assert sorted(found) == [("b", "y"), ("c", "v"), ("c", "w")]


@pytest.mark.parametrize(
    ("guard", "apart"),
    [
        (Guard(3, one_to_one=False), set()),
        (Guard(2, one_to_one=False), {"a", "b", "c"}),
        (Guard(3, one_to_one=True), {"a", "b", "c"}),
    ],
)
def test_a_cluster_that_cannot_be_one_entity_is_taken_apart_and_told(spark, guard, apart):
    records = spark.createDataFrame(
        [("a", "l"), ("b", "r"), ("c", "l"), ("d", "l"), ("e", "r"), ("f", "r")],
        "_member string, _source string",
    )
    found = clustered(
        records, components(links(spark, [("a", "b"), ("b", "c"), ("d", "e")])), guard
    )

    assert {row["_member"] for row in found.filter("_is_apart").collect()} == apart
    groups = sets_of(found)
    assert groups["d"] == {"d", "e"}
    assert groups["f"] == {"f"}
    assert groups["a"] == ({"a"} if apart else {"a", "b", "c"})


def test_a_row_is_as_probable_as_its_best_link(spark):
    given = links(spark, [("a", "b"), ("a", "c")])
    given = given.withColumn("match_probability", F.when(F.col("right") == "b", 0.7).otherwise(0.9))

    assert dict(probabilities(given).collect()) == {"a": 0.9, "b": 0.7, "c": 0.9}
