"""A damaged table is told with its file and a way out; it never gives wrong rows."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lepton_spark.context import RunContext
from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import file_plan, tables
from lepton_spark.lake.tables import Publication, TableId
from lepton_spark.lake.troubles import told_as
from tests.conftest import environment_at

pytestmark = [pytest.mark.spark, pytest.mark.fault]

ROWS = TableId("gold", "rows")


def context_at(spark, lake):
    day, now = date(2024, 2, 29), datetime.now(UTC)
    return RunContext(spark, None, environment_at(lake), None, "r-1", day, now)


@pytest.fixture(scope="module")
def healthy(spark, tmp_path_factory):
    """A lake with one table of three versions; tests damage copies."""
    lake = tmp_path_factory.mktemp("healthy")
    context = context_at(spark, lake)
    for number in range(3):
        rows = spark.range(number * 10, number * 10 + 10, 1, 1).selectExpr("id", "id / 3D as x")
        tables.publish(context, rows, Publication(ROWS, "build", str(number), "f"))
    return lake


@pytest.fixture
def damaged(spark, healthy, tmp_path):
    lake = tmp_path / "lake"
    shutil.copytree(healthy, lake)
    return context_at(spark, lake), lake / "gold" / "rows"


def read_all(context):
    with told_as(ROWS):
        return tables.read(context, ROWS).selectExpr("sum(id)", "sum(x)").first()


def without_side_files(folder):
    """Hadoop keeps a checksum beside each file; other writers do not."""
    for path in folder.rglob("*.crc"):
        path.unlink()


def data_file(folder):
    return sorted(folder.glob("*.parquet"))[0]


def log_file(folder, version):
    return folder / "_delta_log" / f"{version:020d}.json"


def test_a_log_that_is_cut_off_is_told(damaged):
    context, folder = damaged
    without_side_files(folder)
    path = log_file(folder, 2)
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(EnvironmentFault, match="LS-5013") as told:
        read_all(context)

    assert path.name in told.value.what


def test_a_gap_in_the_log_is_told(damaged):
    context, folder = damaged
    without_side_files(folder)
    log_file(folder, 1).unlink()

    with pytest.raises(EnvironmentFault, match=r"LS-5014(?s:.*)\(0, 2\)"):
        read_all(context)


@pytest.mark.parametrize("read", [read_all, lambda context: file_plan.plan(context, ROWS, 2)])
def test_a_data_file_that_is_gone_is_told(damaged, read):
    context, folder = damaged
    gone = data_file(folder)
    gone.unlink()

    with pytest.raises(EnvironmentFault, match="LS-5016") as told:
        read(context)

    assert gone.name in told.value.what


def test_no_flipped_bit_in_the_pages_gives_a_wrong_sum(damaged):
    context, folder = damaged
    expected = read_all(context)
    without_side_files(folder)
    path = data_file(folder)
    whole = path.read_bytes()
    for position in (10, 40, 80, 150):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        try:
            assert read_all(context) == expected
        except EnvironmentFault as told:
            assert told.code == "LS-5021"
            assert path.name in told.what


def test_a_cut_off_data_file_is_told(damaged):
    context, folder = damaged
    without_side_files(folder)
    path = data_file(folder)
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(EnvironmentFault, match="LS-5021"):
        read_all(context)


def test_a_feature_of_a_newer_delta_is_named(damaged):
    context, folder = damaged
    without_side_files(folder)
    path = log_file(folder, 0)
    newer = (
        '"protocol":{"minReaderVersion":3,"minWriterVersion":7,'
        '"readerFeatures":["timeMachine"],"writerFeatures":["timeMachine"]}'
    )
    path.write_text(re.sub(r'"protocol":\{[^}]*\}', newer, path.read_text()))

    with pytest.raises(EnvironmentFault, match=r"LS-5017(?s:.*)timeMachine"):
        read_all(context)


def test_a_plain_parquet_folder_is_no_table(spark, tmp_path):
    context = context_at(spark, tmp_path)
    Path(tmp_path, "gold").mkdir()
    spark.range(3).write.parquet(f"{tmp_path}/gold/rows")

    for act in (
        lambda: tables.read(context, ROWS),
        lambda: tables.publish(context, spark.range(3), Publication(ROWS, "j", "k", "f")),
    ):
        with pytest.raises(EnvironmentFault, match="LS-5018"):
            act()


@pytest.fixture
def read_only(damaged):
    """A table in whose folder nobody may write, not even root."""
    context, folder = damaged
    if shutil.which("chattr") is None or subprocess.call(["chattr", "+i", folder]) != 0:
        pytest.skip("no chattr here, or a file system that does not know it")
    yield context
    subprocess.check_call(["chattr", "-i", folder])


def test_a_table_folder_that_may_not_be_written_is_told_and_unchanged(read_only):
    rows = read_only.spark.range(3).selectExpr("id", "id / 3D as x")

    with pytest.raises(EnvironmentFault, match="LS-5007"):
        tables.publish(read_only, rows, Publication(ROWS, "j", "k", "f"))

    assert tables.current_version(read_only, ROWS) == 2
    assert read_all(read_only)[0] == sum(range(30))
