"""Rows of sources as members of entities."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import functions as F

from lepton_spark.bronze.arrivals import ALWAYS
from lepton_spark.config.entity import Entity
from lepton_spark.entities.records import records
from tests.entities.conftest import MON, TUE, WED

pytestmark = pytest.mark.spark

ROWS = (
    "id string, name string, _file string, _row bigint, _arrived_at timestamp, _known_at timestamp"
)
ENTITY = Entity.model_validate(
    {
        "from": {"people": {}},
        "match": {"name": {"exact": True}, "id": {"exact": True}},
        "block": ["name", "id"],
        "keep": {"name": "trust"},
    }
)


def test_the_first_row_of_a_key_came_when_it_arrived_or_without_a_date_when_it_was_known(spark):
    rows = [
        ("a", "Ann", "f", 1, ALWAYS, MON),
        ("a", "Anna", "f", 2, ALWAYS, TUE),
        ("b", "Bob", "f", 3, MON, WED),
        ("c", "Cid", "f", 4, ALWAYS, TUE),
    ]
    people = spark.createDataFrame(rows, ROWS)
    moment = datetime(2024, 2, 1, tzinfo=UTC)

    found = records({"people": people}, {"people": ["id"]}, ENTITY, moment)

    told = found.select("id", "name", F.unix_seconds("_first_at")).orderBy("id").collect()
    assert [tuple(row) for row in told] == [
        ("a", "Anna", MON.timestamp()),
        ("b", "Bob", MON.timestamp()),
        ("c", "Cid", TUE.timestamp()),
    ]
