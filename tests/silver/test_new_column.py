"""A contract that names one column more: the tables gain it, older rows have none of it."""

from __future__ import annotations

import pytest

from lepton_spark.config.contract import Column, Contract
from lepton_spark.errors import DataError
from lepton_spark.lake import tables
from lepton_spark.replay.stage import replay
from tests.small_lake import SmallLake

pytestmark = pytest.mark.spark

CASE = {
    "case": "ward",
    "sources": {
        "visits": {
            "path": "visits/{date}.csv",
            "contract": "visits",
            "key": ["visit"],
            "arrives": {"days": 0, "time": "01:00", "zone": "UTC"},
            "max_refused": 0.9,
        },
    },
    "features": {"own": ["weight"]},
}
COLUMNS = (Column("visit", "integer"), Column("day", "date"), Column("weight", "number"))
BEFORE = {"visits": Contract("visits", COLUMNS)}
AFTER = {"visits": Contract("visits", (*COLUMNS, Column("ward", "string")))}
OLD, NEW = "visits/2024-02-28.csv", "visits/2024-02-29.csv"


@pytest.fixture
def lake(spark, tmp_path):
    made = SmallLake(spark, tmp_path, CASE, BEFORE)
    made.put(OLD, 'visit,day,weight\n1,2024-02-28,70\n2,2024-02-28,"7,5"\n')
    made.ingest()
    return made


def weights(lake):
    found = tables.read(lake.context(), lake.table("silver", "visits")).select(
        "visit", "weight", "ward"
    )
    return sorted(tuple(row) for row in found.collect())


def test_rows_of_later_files_have_it_and_earlier_ones_do_not(lake):
    lake.put(NEW, "visit,day,weight,ward\n3,2024-02-29,80,B\n")
    with pytest.raises(DataError, match="'ward'"):
        lake.ingest()

    lake.ingest(contracts=AFTER)

    assert weights(lake) == [(1, 70.0, None), (3, 80.0, "B")]
    bronze = tables.read(lake.context(), lake.table("bronze", "visits"))
    assert sorted(row["ward"] or "" for row in bronze.select("ward").collect()) == ["", "", "B"]


def test_a_file_that_came_before_it_is_judged_again_without_it(lake):
    mended = {"visits": {"clean": {"weight": {"number": {"decimal": ","}}}}}

    replay(lake.context(contracts=AFTER, sources=mended))

    assert weights(lake) == [(1, 70.0, None), (2, 7.5, None)]


def test_a_column_that_the_contract_drops_is_refused(lake):
    lake.put(NEW, "visit,day\n3,2024-02-29\n")
    narrow = {"visits": Contract("visits", COLUMNS[:2])}

    with pytest.raises(DataError, match=r"weight \(string\) is missing") as error:
        lake.ingest(contracts=narrow, sources={"visits": {"csv": {"extra_columns": "ignore"}}})

    assert error.value.code == "LS-2019"
