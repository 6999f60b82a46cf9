from __future__ import annotations

import gzip
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from delta.tables import DeltaTable
from pyspark.sql import functions as F

from lepton_spark.bronze import stage
from lepton_spark.bronze.landed import stored, told_by
from lepton_spark.bronze.stage import land
from lepton_spark.config.case import Case
from lepton_spark.config.contract import Column, Contract
from lepton_spark.errors import ConfigError, DataError
from lepton_spark.lake import tables
from lepton_spark.lake.catalog import location
from tests.conftest import TINY_CASE, environment_at

pytestmark = pytest.mark.spark

VISITS = tables.TableId("bronze", "clinic_visits")
SITES = tables.TableId("bronze", "clinic_sites")
CONTRACTS = {
    "visits": Contract(
        "visits",
        (Column("visit", "integer"), Column("day", "date"), Column("minutes", "integer")),
    ),
    "sites": Contract("sites", (Column("site", "string"), Column("beds", "integer"))),
}


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
                    **visits,
                },
                "sites": {"path": "sites.csv", "contract": "sites", "key": ["site"]},
            },
            "features": {"own": ["minutes"]},
        }
    )


@pytest.fixture
def landing(tmp_path):
    """A folder of raw files: `landing(path, text)` puts one there."""
    folder = tmp_path / "lake" / "landing" / "clinic"

    def put(path, content):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    put("sites.csv", "site,beds\nA,10\nB,20\n")
    put("visits/2024-02-28.csv", "visit,day,minutes\n1,2024-02-28,20\n2,2024-02-28,40\n")
    return put


@pytest.fixture
def context(context_for, landing):  # noqa: ARG001  # the files are there first
    def make(as_of="2024-02-29", case=None, **changes):
        return context_for(case or clinic(), as_of, contracts=CONTRACTS, **changes)

    return make


def rows_of(context, table=VISITS, *columns):
    return sorted(tuple(row) for row in tables.read(context, table).select(*columns).collect())


def test_each_record_is_a_row_with_its_origin(context):
    run = context()

    result = land(run)

    assert [table.rows for table in result.tables] == [2, 2]
    columns = ("visit", "day", "_file", "_row", "_records", "_problem", "_run_id")
    assert rows_of(run, VISITS, *columns) == [
        ("1", "2024-02-28", "visits/2024-02-28.csv", 2, None, None, run.run_id),
        ("2", "2024-02-28", "visits/2024-02-28.csv", 3, 2, None, run.run_id),
    ]
    arrived = tables.read(run, VISITS).select(F.unix_seconds("_arrived_at")).first()[0]
    assert arrived == datetime(2024, 2, 28, 1, tzinfo=UTC).timestamp()


def test_what_is_there_is_not_landed_again(context):
    first = land(context())

    second = land(context())

    assert [table.version for table in second.tables] == [t.version for t in first.tables]
    assert not any(table.is_new for table in second.tables)


def test_a_file_that_comes_later_is_appended(context, landing):
    land(context())
    landing("visits/2024-02-27.csv", "visit,day,minutes\n0,2024-02-27,5\n")

    result = land(context())

    assert [(table.rows, table.is_new) for table in result.tables] == [(1, True), (0, False)]
    assert rows_of(context(), VISITS, "visit") == [("0",), ("1",), ("2",)]


def test_commits_say_of_their_files_what_the_rows_say(context, landing):
    land(context())
    landing("visits/2024-02-27.csv", "visit,day,minutes\n0,2024-02-27,5\n")
    landing("visits/2024-02-26.csv", "visit,day,minutes\n")
    run = context()
    land(run)

    told = told_by(tables.marks(run, VISITS, 1))

    assert sorted(told, key=lambda f: f.path) == stored([None], lambda: tables.read(run, VISITS))
    assert [file.records for file in told] == [2, 1]


def test_a_setting_that_comes_after_the_files_is_told(context, caplog):
    land(context())
    assert "other settings" not in caplog.text

    land(context(case=clinic(csv={"trim": True})))

    assert "visits: 1 files were read by other settings" in caplog.text
    assert "sites:" not in caplog.text


def test_after_a_commit_by_somebody_else_the_rows_are_asked(context, landing):
    land(context())
    landing("visits/2024-02-27.csv", "visit,day,minutes\n0,2024-02-27,5\n")
    run = context()
    land(run)
    DeltaTable.forPath(run.spark, location(run.environment, VISITS)).optimize().executeCompaction()
    assert told_by(tables.marks(run, VISITS, 2)) is None
    landing("visits/2024-02-26.csv", "visit,day,minutes\n7,2024-02-26,5\n")

    assert [table.rows for table in land(context()).tables] == [1, 0]
    assert rows_of(run, VISITS, "visit") == [("0",), ("1",), ("2",), ("7",)]


def test_a_table_is_landed_by_one_case_alone(context, tmp_path):
    sources = clinic().sources
    with_eu = {"sources": {**sources, "eu_sites": sources["sites"]}}
    land(context(case=clinic().model_copy(update=with_eu)))
    folder = tmp_path / "lake" / "landing"
    shutil.copytree(folder / "clinic", folder / "clinic_eu")
    other = clinic().model_copy(update={"case": "clinic_eu"})

    with pytest.raises(DataError, match="LS-2158") as told:
        land(context(case=other))

    assert "clinic_eu_sites holds what the case clinic landed" in told.value.what
    assert not tables.exists(context(), tables.TableId("bronze", "clinic_eu_visits"))


def test_a_file_that_a_link_brings_from_elsewhere_is_not_landed(context, landing, tmp_path):
    (tmp_path / "hosts.csv").write_text("visit,day,minutes\n7,2024-02-29,1\n")
    link = landing("visits/2024-02-27.csv", "")
    link.unlink()
    link.symlink_to(tmp_path / "hosts.csv")

    with pytest.raises(ConfigError, match="LS-1013") as told:
        land(context())

    assert told.value.what.startswith("visits/2024-02-27.csv: the path leads to")
    assert not tables.exists(context(), VISITS)


def test_a_file_of_the_future_is_left_where_it_is(context, landing):
    landing("visits/2024-03-01.csv", "visit,day,minutes\n9,2024-03-01,5\n")

    land(context("2024-02-29"))

    assert rows_of(context(), VISITS, "visit") == [("1",), ("2",)]


def test_a_changed_file_is_refused_and_nothing_published(context, landing):
    land(context())
    landing("visits/2024-02-28.csv", "visit,day,minutes\n1,2024-02-28,20\n2,2024-02-28,41\n")
    landing("visits/2024-02-29.csv", "visit,day,minutes\n3,2024-02-29,1\n")

    with pytest.raises(DataError, match=r"2024-02-28\.csv: the landed file changed") as raised:
        land(context())

    assert raised.value.code == "LS-2011"
    assert rows_of(context(), VISITS, "visit") == [("1",), ("2",)]


def test_a_file_that_was_only_touched_is_accepted(context, landing):
    land(context())
    touched = landing(
        "visits/2024-02-28.csv", "visit,day,minutes\n1,2024-02-28,20\n2,2024-02-28,40\n"
    )
    os.utime(touched, (1_000_000_000, 1_000_000_000))

    assert not any(table.is_new for table in land(context()).tables)


def test_broken_records_are_rows_with_a_reason(context, landing):
    landing("visits/2024-02-28.csv", b'visit,day,minutes\n1\n2,a,b,c\n3,"x,1\n4,\xff,1\n5,d,6\n')

    result = land(context())

    assert rows_of(context(), VISITS, "_row", "_problem") == [
        (2, "short_row"), (3, "long_row"), (4, "unclosed_quote"), (5, "bad_encoding"), (6, None),
    ]  # fmt: skip
    assert result.facts["sources"]["visits"]["problems"] == {
        "bad_encoding": 1, "long_row": 1, "short_row": 1, "unclosed_quote": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"visit,day\n1,2\n", "LS-2014"),
        (b"visit,day,minutes,Visit\n", "LS-2012"),
        (b"visit,day,minutes,colour\n", "LS-2015"),
        (b"", "LS-2017"),
        ("visit,day,minutes\n".encode("utf-16"), "LS-2018"),
        ("visit,day,minutes\n".encode("utf-16-le"), "LS-2018"),
        (b"PAR1....", "LS-2019"),
    ],
)
def test_a_file_of_another_form_is_refused(context, landing, content, code):
    landing("visits/2024-02-29.csv", content)

    with pytest.raises(DataError) as raised:
        land(context())

    assert raised.value.code == code
    assert "visits/2024-02-29.csv" in raised.value.what
    assert not tables.exists(context(), VISITS)


def test_a_gzip_file_is_read_by_its_ending(context, landing):
    case = clinic(path="visits/*.csv.gz")
    landing("visits/a.csv.gz", gzip.compress(b"visit,day,minutes\n7,2024-02-28,1\n"))

    land(context(case=case))

    assert rows_of(context(), VISITS, "visit") == [("7",)]


def test_a_cut_off_gzip_file_is_refused(context, landing):
    case = clinic(path="visits/*.csv.gz")
    landing("visits/a.csv.gz", gzip.compress(b"visit,day,minutes\n7,2024-02-28,1\n")[:-9])

    with pytest.raises(DataError, match="damaged or cut off"):
        land(context(case=case))


def test_a_missing_file_is_named_with_the_nearest(context, tmp_path):
    (tmp_path / "lake/landing/clinic/sites.csv").rename(tmp_path / "lake/landing/clinic/site.csv")

    with pytest.raises(DataError, match=r"sites\.csv does not exist.*site\.csv"):
        land(context())


def test_a_missing_folder_is_named_with_the_nearest(context):
    with pytest.raises(DataError, match=r"visit does not exist.*visits"):
        land(context(case=clinic(path="visit/{date}.csv")))


def test_no_file_at_all_is_refused_unless_allowed(context):
    with pytest.raises(DataError, match=r"no files for visits/\{date\}\.csv had arrived"):
        land(context("2024-01-01"))

    land(context("2024-01-01", allow_empty=True))

    assert rows_of(context(), VISITS, "visit") == []


def test_too_few_rows_are_refused(context):
    with pytest.raises(DataError, match="2 < 3"):
        land(context(case=clinic(min_rows=3)))

    assert not tables.exists(context(), VISITS)


def test_a_file_without_records_is_no_fault_and_no_new_version_each_night(context, landing):
    landing("visits/2024-02-29.csv", "visit,day,minutes\n")
    land(context())

    landing("visits/2024-02-27.csv", "visit,day,minutes\n")
    second, third = land(context()), land(context())

    assert second.tables[0].rows == 0
    assert third.tables[0].version == second.tables[0].version


def test_a_night_given_again_after_a_file_without_records_has_nothing_to_land(context, landing):
    landing("visits/2024-02-29.csv", "visit,day,minutes\n")
    case = clinic(min_rows=1)
    first = land(context(case=case))

    second = land(context(case=case))

    assert [table.version for table in second.tables] == [t.version for t in first.tables]
    assert not any(table.is_new for table in second.tables)
    assert second.facts["sources"]["visits"]["files_known"] == 2


def test_a_folder_with_the_name_of_a_file_is_no_file(context, tmp_path):
    (tmp_path / "lake/landing/clinic/visits/2024-02-29.csv").mkdir()

    land(context())

    assert rows_of(context(), VISITS, "visit") == [("1",), ("2",)]


def test_a_row_that_gets_lost_on_the_way_is_noticed(context, monkeypatch):
    whole = stage._records
    monkeypatch.setattr(stage, "_records", lambda *given: whole(*given).filter("visit <> '1'"))

    with pytest.raises(Exception, match="2 records were read, 1 rows are staged"):
        land(context())

    assert not tables.exists(context(), VISITS)


def test_two_landings_at_once_give_each_file_once(context, tmp_path):
    patient = environment_at(tmp_path / "lake", lock_wait_seconds=200)
    runs = [context(environment=patient), context(environment=patient)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(land, runs))

    assert rows_of(context(), VISITS, "visit") == [("1",), ("2",)]
