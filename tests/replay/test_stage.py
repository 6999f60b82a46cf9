"""Judging quarantined rows again: those that are good now enter silver once, none is lost."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace

import pytest

from lepton_spark import faults
from lepton_spark.bronze.stage import land
from lepton_spark.config.contract import Column, Contract
from lepton_spark.errors import DataError
from lepton_spark.lake import tables
from lepton_spark.replay.selection import Selection
from lepton_spark.replay.stage import overview, replay
from lepton_spark.silver.stage import refine
from tests.small_lake import QUARANTINE, SmallLake

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
CONTRACTS = {
    "visits": Contract(
        "visits",
        (
            Column("visit", "integer"),
            Column("day", "date", required=True),
            Column("weight", "number"),
        ),
    )
}
FILE = "visits/2024-02-28.csv"
LINES = """visit,day,weight
1,2024-02-28,70
2,2024-02-28,"70,5"
3,2024-02-30,80
1,2024-02-28,"71,5"
4,2024-02-28,90
4,2024-02-28,"60,5"
5,2024-02-28
5,2024-02-28,"50,5"
5,2024-02-28,"50,5"
"""
OTHER = "visits/2024-02-29.csv"
OTHER_LINES = 'visit,day,weight\n1,2024-02-29,72\n6,2024-02-29,"61,5"\n'
# Decimal commas are read now; what is left is a day of no calendar and a short line.
MENDED = {"visits": {"clean": {"weight": {"number": {"decimal": ","}}}}}
AFTER = [
    (FILE, 4, "refused", "bad_date:day"),
    (FILE, 5, "duplicate", "late_duplicate"),
    (FILE, 7, "duplicate", "late_duplicate"),
    (FILE, 8, "refused", "short_row"),
    (FILE, 9, "duplicate", "exact_duplicate"),
]
GOOD = [(1, 70.0, 2), (1, 72.0, 2), (2, 70.5, 3), (4, 90.0, 6), (5, 50.5, 10), (6, 61.5, 3)]


@pytest.fixture(scope="module")
def refined_folder(spark, tmp_path_factory):
    """Folder of a lake whose raw files are refined: made once, copied by tests."""
    made = SmallLake(spark, tmp_path_factory.mktemp("refined") / "lake", CASE, CONTRACTS)
    made.put(FILE, LINES)
    made.put(OTHER, OTHER_LINES)
    made.ingest()
    return made.folder


@pytest.fixture
def lake(refined_folder, spark, tmp_path):
    """A refined lake of this test alone."""
    shutil.copytree(refined_folder, tmp_path / "lake")
    return SmallLake(spark, tmp_path / "lake", CASE, CONTRACTS)


def silver(lake):
    return lake.rows("visits", "visit", "weight", "_row")


def version(lake, table):
    return tables.current_version(lake.context(), table)


def again(lake, selection=Selection(), **changes):  # noqa: B008  # frozen
    """As the command does it: refine first."""
    context = lake.context(sources=MENDED, **changes)
    refine(context)
    return replay(context, selection)


def test_rows_that_are_good_after_a_fix_enter_silver_once(lake):
    assert [row[0] for row in silver(lake)] == [1, 1, 4]
    before = silver(lake)
    assert all(reason for *_, reason in lake.quarantined())

    first = again(lake)
    versions = [version(lake, table) for table in (QUARANTINE, lake.table("silver", "visits"))]
    second = again(lake)

    assert silver(lake) == GOOD
    assert set(before) <= set(GOOD)
    assert lake.quarantined() == AFTER
    facts = first.facts["sources"]["visits"]
    assert {name: facts[name] for name in ("replayed", "good", "refused", "duplicates")} == {
        "replayed": 8, "good": 3, "refused": 2, "duplicates": 3,
    }  # fmt: skip
    assert [(table.table, table.is_new) for table in first.tables] == [
        ("ops.quarantine", True),
        ("silver.ward_visits", True),
    ]
    assert [(table.table, table.is_new) for table in second.tables] == [("ops.quarantine", False)]
    assert versions == [
        version(lake, table) for table in (QUARANTINE, lake.table("silver", "visits"))
    ]
    assert refine(lake.context(sources=MENDED)).tables == ()


# Between the two commits, and when the rows for silver are staged already.
@pytest.mark.parametrize("fault", ["after_quarantine:raise(x)", "before_commit:raise(x)@2"])
def test_a_replay_that_dies_between_its_commits_is_finished_by_the_next(lake, monkeypatch, fault):
    with monkeypatch.context() as patched:
        patched.setattr(faults, "_reached", Counter())
        patched.setenv("LEPTON_ALLOW_FAULTS", "1")
        patched.setenv("LEPTON_FAULT", fault)
        with pytest.raises(RuntimeError, match="fault at"):
            replay(lake.context(sources=MENDED))
    assert len(silver(lake)) == 3
    assert [row[:2] for row in lake.quarantined()] == [row[:2] for row in AFTER]

    again(lake)
    assert not any(table.is_new for table in again(lake).tables)

    assert silver(lake) == GOOD
    assert lake.quarantined() == AFTER


def test_only_chosen_rows_are_judged_and_the_others_stay_as_they_are(lake):
    result = again(lake, Selection("visits", "short_row"))
    assert not any(table.is_new for table in result.tables)
    assert len(silver(lake)) == 3
    held = lake.quarantined()

    again(lake, Selection(reason="not_number"), as_of="2024-02-28")

    assert [row[0] for row in silver(lake)] == [1, 1, 2, 4, 5]
    left = [row for row in lake.quarantined() if row in held]
    assert left == [
        (FILE, 4, "refused", "bad_date:day"),
        (FILE, 8, "refused", "short_row"),
        (OTHER, 3, "refused", "not_number:weight"),
    ]


def test_nothing_is_published_where_too_many_stay_refused_or_columns_changed(lake):
    before = lake.state()
    strict = {"visits": {**MENDED["visits"], "max_refused": 0.1}}
    visit, day, weight = CONTRACTS["visits"].columns
    wide = Contract("visits", (visit, day, replace(weight, kind="string")))

    with pytest.raises(DataError, match=r"2 of all 11 rows would stay refused, 18\.2%") as few:
        replay(lake.context(sources=strict))
    with pytest.raises(DataError, match="weight was double and is string") as drift:
        replay(lake.context(contracts={"visits": wide}))

    assert (few.value.code, drift.value.code) == ("LS-2125", "LS-2019")
    assert "bad_date:day 1, short_row 1" in str(few.value)
    assert "--set sources.visits.max_refused=0.19" in few.value.fix
    assert "70,5" not in str(few.value)
    assert lake.state() == before


def test_a_file_that_is_not_refined_comes_first(lake):
    lake.put("visits/2024-02-27.csv", "visit,day,weight\n9,2024-02-27,1\n")
    land(lake.context())

    with pytest.raises(DataError, match="1 files are not refined, such as visits/2024-02-27"):
        replay(lake.context(sources=MENDED))


def test_the_overview_counts_by_source_and_reason_with_locators_and_hints(lake):
    found = overview(lake.context(), Selection()).facts["reasons"]

    assert [(each["source"], each["reason"], each["rows"], each["files"]) for each in found] == [
        ("visits", "not_number:weight", 6, 2),
        ("visits", "bad_date:day", 1, 1),
        ("visits", "short_row", 1, 1),
    ]
    first = found[0]
    assert first["examples"] == [f"{FILE}:3", f"{FILE}:5", f"{FILE}:7"]
    assert (first["first_arrived_at"], first["last_arrived_at"]) == (
        "2024-02-28 01:00:00",
        "2024-02-29 01:00:00",
    )
    assert "decimal" in first["hint"]
    by_file = overview(
        lake.context(as_of="2024-02-28"), Selection(reason="not_number"), by_file=True
    )
    assert [(each["file"], each["rows"]) for each in by_file.facts["reasons"]] == [(FILE, 5)]
