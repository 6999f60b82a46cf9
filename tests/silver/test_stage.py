"""Refining: each file once, no row lost, whatever happens in between."""

from __future__ import annotations

import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from delta.tables import DeltaTable

from lepton_spark import faults
from lepton_spark.bronze.arrivals import LandedFile
from lepton_spark.bronze.landed import as_fact
from lepton_spark.config.case import Case
from lepton_spark.config.contract import Column, Contract
from lepton_spark.config.table_rules import Relationship, TableRules, Unique
from lepton_spark.errors import DataError, InternalError
from lepton_spark.lake import tables
from lepton_spark.lake.catalog import location
from lepton_spark.lake.tables import Publication, TableId
from lepton_spark.silver import stage
from lepton_spark.silver.stage import QUARANTINE, refine
from tests.conftest import TINY_CASE

pytestmark = pytest.mark.spark

VISITS, SITES = TableId("silver", "clinic_visits"), TableId("silver", "clinic_sites")
CONTRACTS = {
    "visits": Contract(
        "visits",
        (
            Column("visit", "integer", required=True),
            Column("site", "string", required=True),
            Column("day", "date"),
            Column("minutes", "integer", maximum=60),
        ),
    ),
    "sites": Contract("sites", (Column("site", "string"), Column("beds", "integer"))),
}
BRONZE = (
    "_problem string, _file string, _row bigint, _records bigint, _sha256 string,"
    " _arrived_at timestamp, _run_id string"
)


def clinic(**visits):
    return Case.model_validate(
        {
            **TINY_CASE,
            "case": "clinic",
            "sources": {
                "visits": {
                    "path": "visits/{date}.csv",
                    "contract": "visits",
                    "key": ["visit"],
                    "arrives": {"days": 0, "time": "01:00", "zone": "UTC"},
                    "lookup": [{"from": "sites", "on": {"site": "site"}, "take": {"beds": "beds"}}],
                    "max_refused": 0.5,
                    **visits,
                },
                "sites": {"path": "sites.csv", "contract": "sites", "key": ["site"]},
            },
            "features": {"own": ["minutes"]},
        }
    )


@pytest.fixture
def lake(context_for, request):
    """A lake with one site landed; `lake.context(as_of)`, `lake.land(file, lines)`."""
    return Lake(context_for, is_told=getattr(request, "param", True))


told_and_asked = pytest.mark.parametrize(
    "lake", [True, False], ids=["told by the log", "asked of the tables"], indirect=True
)


class Lake:
    def __init__(self, context_for, *, is_told):
        self.make, self.is_told = context_for, is_told
        self.land_sites("A,10", "B,20")

    def context(self, as_of="2024-02-29", case=None, **changes):
        return self.make(case or clinic(), as_of, **{"contracts": CONTRACTS, **changes})

    def land_sites(self, *lines):
        self.put("sites", {"sites.csv": lines}, datetime(1970, 1, 1, tzinfo=UTC))

    def land(self, *lines, day="2024-02-28", name=None):
        arrived_at = datetime.fromisoformat(f"{day}T01:00:00+00:00")
        self.put("visits", {name or f"visits/{day}.csv": lines}, arrived_at)

    def put(self, source, files, arrived_at):
        context = self.context()
        names = [column.name for column in CONTRACTS[source].columns]
        rows = []
        for path, lines in files.items():
            for number, line in enumerate(lines, start=2):
                cells = (
                    line.split(",") if line.count(",") == len(names) - 1 else [None] * len(names)
                )
                problem = None if cells[0] is not None else "short_row"
                count = len(lines) if number == len(lines) + 1 else None
                origin = (problem, path, number, count, "sha", arrived_at, context.run_id)
                rows.append((*cells, *origin))
        schema = ", ".join([*(f"{name} string" for name in names), BRONZE])
        key = hashlib.sha256(repr(rows).encode()).hexdigest()
        table = TableId("bronze", f"clinic_{source}")
        frame = context.spark.createDataFrame(rows, schema)
        landed = [LandedFile(path, "", 0, arrived_at, arrived_at) for path in files]
        counts = {path: (len(lines), "sha") for path, lines in files.items() if lines}
        facts = as_fact(landed, counts) if self.is_told else {}
        tables.publish(context, frame, Publication(table, "land", key, key, facts=facts))

    def silver(self, table=VISITS):
        rows = tables.read(self.context(), table)
        return sorted(tuple(row) for row in rows.select(*rows.columns[:5], "_row").collect())

    def quarantine(self):
        if not tables.exists(self.context(), QUARANTINE):
            return []
        rows = tables.read(self.context(), QUARANTINE)
        return sorted(
            (row["file"], row["row"], row["severity"], *row["reasons"]) for row in rows.collect()
        )

    def version(self, table):
        return tables.current_version(self.context(), table)


GOOD = "1,A,2024-02-28,20"
BAD = "x,A,2024-02-28,20"


def test_good_rows_go_to_silver_and_the_others_to_quarantine(lake):
    lake.land(GOOD, BAD, "2,X,2024-02-28,30", "2,X,2024-02-28,30", "3,B", "4,B,2024-02-28,61")

    result = refine(lake.context())

    day = datetime(2024, 2, 28, tzinfo=UTC).date()
    assert lake.silver() == [(1, "A", day, 20, 10, 2), (2, "X", day, 30, None, 5)]
    assert lake.quarantine() == [
        ("visits/2024-02-28.csv", 3, "refused", "not_int:visit"),
        ("visits/2024-02-28.csv", 4, "duplicate", "exact_duplicate"),
        ("visits/2024-02-28.csv", 6, "refused", "short_row"),
        ("visits/2024-02-28.csv", 7, "refused", "out_of_range:minutes"),
    ]
    facts = result.facts["sources"]["visits"]
    assert {name: facts[name] for name in ("files", "rows", "good", "refused", "duplicates")} == {
        "files": 1, "rows": 6, "good": 2, "refused": 3, "duplicates": 1,
    }  # fmt: skip
    assert facts["unmatched"] == {"sites by site": 1}
    assert {each.table for each in result.tables} == {str(VISITS), str(SITES), str(QUARANTINE)}


def test_nothing_is_published_where_too_many_rows_find_no_match(lake):
    lake.land(GOOD, "2,X,2024-02-28,30")
    lookup = {"from": "sites", "on": {"site": "site"}, "take": {"beds": "beds"}}

    with pytest.raises(DataError, match=r"1 of 2 good new rows find nothing in sites by site"):
        refine(lake.context(case=clinic(lookup=[{**lookup, "max_unmatched": 0.4}])))

    assert lake.version(VISITS) < 0


@told_and_asked
def test_a_second_run_does_nothing_and_a_later_file_is_refined_alone(lake):
    lake.land(GOOD, BAD)
    refine(lake.context())
    versions = {table: lake.version(table) for table in (VISITS, SITES, QUARANTINE)}

    assert refine(lake.context()).tables == ()
    assert {table: lake.version(table) for table in versions} == versions

    lake.land("2,B,2024-02-29,5", day="2024-02-29")
    result = refine(lake.context())

    assert [(each.table, each.rows) for each in result.tables] == [(str(VISITS), 1)]
    assert [row[0] for row in lake.silver()] == [1, 2]
    assert len(lake.quarantine()) == 1


@told_and_asked
def test_a_file_yet_to_arrive_waits_and_is_not_forgotten(lake):
    lake.land(GOOD)
    lake.land("2,B,2024-03-05,5", day="2024-03-05")

    refine(lake.context("2024-02-29"))
    assert [row[0] for row in lake.silver()] == [1]
    refine(lake.context("2024-03-05"))
    assert [row[0] for row in lake.silver()] == [1, 2]
    assert refine(lake.context("2024-03-05")).tables == ()


@told_and_asked
@pytest.mark.parametrize("point", ["after_quarantine", "before_commit"])
def test_a_run_that_died_anywhere_is_healed_by_the_next(lake, monkeypatch, point):
    lake.land(GOOD, BAD, "2,B,2024-02-28,30", "2,B,2024-02-28,31")
    refine(lake.context())
    lake.land("5,A,2024-02-29,20", "x,A,2024-02-29,1", day="2024-02-29")
    reached = Counter()

    def die(name):
        reached[name] += 1
        if name == point:
            raise RuntimeError(name)

    with monkeypatch.context() as patched:
        patched.setattr(faults, "reach", die)
        with pytest.raises(RuntimeError):
            refine(lake.context())
    assert reached[point]
    refine(lake.context())

    assert [row[0] for row in lake.silver()] == [1, 2, 5]
    assert [row[:2] for row in lake.quarantine()] == [
        ("visits/2024-02-28.csv", 3),
        ("visits/2024-02-28.csv", 4),
        ("visits/2024-02-29.csv", 3),
    ]
    assert refine(lake.context()).tables == ()


def test_too_many_refused_rows_publish_nothing_of_their_group(lake):
    lake.land(GOOD, BAD, BAD)

    with pytest.raises(DataError) as error:
        refine(lake.context())

    assert error.value.exit_code == 20
    assert "2 of 3 new rows are refused, 66.7% (not_int:visit 2)" in str(error.value)
    assert "silver.clinic_visits is not made yet" in str(error.value)
    assert (lake.version(VISITS), lake.version(QUARANTINE)) == (-1, -1)


@told_and_asked
def test_a_repaired_contract_replays_refused_rows_without_doubling_others(lake):
    lake.land(GOOD, "2,B,2024-02-28,61")
    refine(lake.context())
    assert [row[0] for row in lake.silver()] == [1]
    repaired = replace(
        CONTRACTS["visits"],
        columns=(*CONTRACTS["visits"].columns[:3], Column("minutes", "integer", maximum=90)),
    )
    context = lake.context(contracts={**CONTRACTS, "visits": repaired})
    place = location(context.environment, QUARANTINE)
    DeltaTable.forPath(context.spark, place).delete("file = 'visits/2024-02-28.csv'")

    refine(context)
    assert refine(context).tables == ()

    assert [row[0] for row in lake.silver()] == [1, 2]
    assert lake.quarantine() == []


def test_two_runs_at_once_refine_each_row_once(lake):
    lake.land(GOOD, BAD, "2,B,2024-02-28,30")
    patient = lake.context().environment.model_copy(update={"lock_wait_seconds": 120})
    contexts = [lake.context(environment=patient), lake.context(environment=patient)]

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(refine, contexts))

    assert sorted(len(result.tables) for result in results) == [0, 3]
    assert [row[0] for row in lake.silver()] == [1, 2]
    assert len(lake.quarantine()) == 1


def test_rows_that_get_lost_stop_the_run(lake, monkeypatch):
    lake.land(GOOD, "2,B,2024-02-28,30")
    judge = stage.judge
    monkeypatch.setattr(
        stage, "judge", lambda landed, **rest: judge(landed.filter("_row != 3"), **rest)
    )

    with pytest.raises(InternalError, match="has 2 rows in bronze, 1 were judged"):
        refine(lake.context())
    assert lake.version(VISITS) == -1


def test_a_source_whose_rows_are_all_refused_has_an_empty_table(lake):
    lake.land(BAD)
    case = clinic(max_refused=1.0)

    refine(lake.context(case=case))

    assert lake.silver() == []
    assert refine(lake.context(case=case)).tables == ()
    lake.land("2,B,2024-02-29,5", day="2024-02-29")
    refine(lake.context(case=case))
    assert [row[0] for row in lake.silver()] == [2]
    assert len(lake.quarantine()) == 1


def test_values_that_repeat_or_are_not_found_are_refused_by_their_severity(lake):
    case, unique = clinic(max_refused=1.0), (Unique(columns=("minutes",)),)
    found = Relationship(columns=("site",), table="sites", found_in=("site",))

    def context(as_of, severity):
        promised = TableRules(unique=unique, relationships=(replace(found, severity=severity),))
        visits = replace(CONTRACTS["visits"], table="visits", rules=promised)
        sites = replace(CONTRACTS["sites"], table="sites")
        return lake.context(as_of, case, contracts={"visits": visits, "sites": sites})

    lake.land("1,A,2024-02-28,20", "2,X,2024-02-28,30", "3,B,2024-02-28,20")
    refine(context("2024-02-28", "error"))
    assert [row[0] for row in lake.silver()] == [1]

    lake.land("4,A,2024-02-29,20", "5,X,2024-02-29,21", day="2024-02-29")
    before = lake.version(VISITS), lake.version(QUARANTINE)
    with pytest.raises(DataError) as error:
        refine(context("2024-02-29", "critical"))
    assert error.value.code == "LS-2108"
    assert "visits: 1 new rows have no_reference:site, such as visits/2024-02-29.csv:3 (row id" in (
        error.value.what
    )
    assert (lake.version(VISITS), lake.version(QUARANTINE)) == before

    result = refine(context("2024-02-29", "warning"))
    assert [row[0] for row in lake.silver()] == [1, 5]
    assert result.facts["sources"]["visits"]["warnings"] == [
        "LS-2109: 1 new rows have no_reference:site."
    ]
    assert [row[1:] for row in lake.quarantine()] == [
        (3, "refused", "no_reference:site"),
        (4, "refused", "not_unique:minutes"),
        (2, "refused", "not_unique:minutes"),
    ]
