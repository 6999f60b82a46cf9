"""Entities from clean rows to tables: the same ones at any number of partitions, and only once."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.case import Case
from lepton_spark.entities.stage import resolve
from lepton_spark.features.stage import build
from lepton_spark.lake import tables
from lepton_spark.lake.tables import Publication, TableId
from tests.conftest import SPARK_CONF, TINY_CASE, environment_at

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]

MON, TUE = (datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2))
FIRST = ("Anna", "Bruno", "Clara", "David", "Emma", "Felix", "Greta", "Hugo", "Ida", "Jonas")
LAST = ("Amsel", "Berger", "Czerny", "Dorn", "Eder", "Fuchs", "Gruber", "Huber", "Igler", "Jost",
        "Kern", "Lang")  # fmt: skip
COLUMNS = (
    "id string, name string, born int, town string, day date, _file string, _row bigint,"
    " _arrived_at timestamp, _known_at timestamp"
)
SOURCE = {"contract": "people", "key": ["id"]}
PEOPLE = {
    "from": {"clinic": {"trust": 1}, "registry": {"trust": 2, "columns": {"town": "place"}}},
    "match": {
        "name": {"jaro_winkler": [0.95]},
        "town": {"exact": True, "term_frequencies": True},
        "born": {"difference": [1]},
    },
    "block": ["left(name, 3)", "born", "left(town, 1)"],
    "keep": {"name": "trust", "town": "recency", "born": "completeness", "day": "recency"},
    "one_to_one": True,
    "max_block_rows": 40,
}
CASE = Case.model_validate(
    {
        **TINY_CASE,
        "case": "health",
        "sources": {
            "clinic": {**SOURCE, "path": "clinic.csv"},
            "registry": {**SOURCE, "path": "registry.csv"},
        },
        "entities": {"people": PEOPLE},
        "predict": {"each": "people", "day": "day", "at": {"time": "23:00", "zone": "UTC"}},
        "features": {"own": ["born", "town"]},
        "gate": None,
    }
)
NUM_PEOPLE, NUM_SHARED = 120, 80


def person(number):
    return (
        f"{FIRST[number % 10]} {LAST[number // 10]}",
        1950 + number * 7 % 50,
        # Nine of ten are from one town: a block far too large.
        "Graz" if number % 10 else f"Town {number % 4}",
    )


def rows_of(source):
    """People of whom both have most; the clinic misspells some names."""
    at = {"clinic": TUE, "registry": MON}[source]
    numbers = range(NUM_PEOPLE) if source == "clinic" else range(NUM_SHARED)
    for number in numbers:
        name, born, town = person(number)
        if source == "clinic" and number % 5 == 0:
            name = f"{name}{name[-1]}"
        yield (f"{source[0]}{number}", name, born, town, at.date(), f"{source}.csv", number, at, at)


def publish_clean(context, partitions, key="first"):
    for source in ("clinic", "registry"):
        rows = context.spark.createDataFrame(list(rows_of(source)), COLUMNS)
        if source == "registry":
            rows = rows.withColumnRenamed("town", "place")
        rows = rows.repartition(partitions)
        table = TableId("silver", f"health_{source}")
        tables.publish(context, rows, Publication(table, "refine", key, key))


def read(context, name):
    return tables.read(context, TableId("silver", f"health_{name}"))


def test_the_same_rows_are_the_same_entities_at_any_number_of_partitions(
    context_for, tmp_path, caplog, capfd
):
    found = []
    for partitions in (2, 3):
        # Adaptive plans take longer to make than 200 rows take to compare.
        conf = {
            **SPARK_CONF,
            "spark.sql.shuffle.partitions": str(partitions),
            "spark.sql.adaptive.enabled": "false",
        }
        spark = {"master": "local[2]", "conf": conf}
        lake = environment_at(tmp_path / f"in{partitions}", spark=spark)
        context = context_for(CASE, "2024-01-03", environment=lake)
        publish_clean(context, partitions)
        with caplog.at_level(logging.INFO):
            result = resolve(context)
        facts = {**result.facts["entities"]["people"]}
        members = read(context, "people_members").select(
            "people_id", "source", F.col("key")["id"].alias("id"), "match_probability", "kept"
        )
        rows = read(context, "people").drop("_run_id", "_file")
        found.append((facts, sorted(map(str, members.collect())), sorted(map(str, rows.collect()))))

    assert found[0] == found[1]
    check_facts(found[0][0])
    check_tables(context)
    check_rerun(context, result)
    # A name, and the words that Splink's own log and prints begin with.
    told = caplog.text + "".join(capfd.readouterr())
    assert "are too large and not compared" in told
    assert not any(word in told for word in ("Amsel", "Graz", "__splink__", "EM converged"))


def check_facts(facts):
    assert facts["rows"] == NUM_PEOPLE + NUM_SHARED
    town = facts["blocks"][2]
    assert town["blocks_over"] == 1
    assert town["rows_over"] == round(facts["rows"] * 0.9)
    assert town["top_share"] == 0.9
    assert "Graz" not in str(facts)
    assert set(facts["weights"]) == {"name", "town", "born"}
    assert facts["weights"]["name"]["equal"] > facts["weights"]["name"]["else"]


def check_tables(context):
    members = read(context, "people_members")
    people = read(context, "people")
    assert members.count() == NUM_PEOPLE + NUM_SHARED
    pairs = members.groupBy("people_id").agg(
        F.max(F.when(F.col("source") == "clinic", F.expr("substring(key['id'], 2)"))).alias("c"),
        F.max(F.when(F.col("source") == "registry", F.expr("substring(key['id'], 2)"))).alias("r"),
    )
    linked = pairs.filter("c is not null and r is not null")
    right = linked.filter("c = r").count()
    assert right >= 0.95 * NUM_SHARED
    assert linked.count() - right <= 0.02 * NUM_SHARED
    assert people.count() == people.select("people_id").distinct().count() == pairs.count()
    # The registry is trusted more, whatever its rows' order; the clinic's are the newest.
    both = members.join(linked, "people_id", how="left_semi").filter("source = 'registry'")
    assert both.filter("not array_contains(kept, 'name') or array_contains(kept, 'town')").isEmpty()
    assert both.filter("match_probability is null or match_probability < 0.9").isEmpty()
    # An entity is known when its last member is.
    assert linked.join(people, "people_id", how="inner").filter(
        F.col("_known_at") != F.lit(TUE)
    ).isEmpty()  # fmt: skip


def check_rerun(context, result):
    again = resolve(context)

    assert all(table.is_new for table in result.tables)
    assert not any(table.is_new for table in again.tables)
    assert [table.version for table in again.tables] == [table.version for table in result.tables]
    assert again.facts["entities"] == {}
    features = build(context)
    assert features.tables[0].rows == read(context, "people").count()


def test_a_case_without_entities_asks_spark_nothing(context_for):
    context = context_for(spark=None)

    result = resolve(context)

    assert result.tables == ()
    assert result.facts == {"entities": {}}
