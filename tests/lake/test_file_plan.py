"""A file plan holds exactly the rows of the pinned version, or says why it cannot."""

from __future__ import annotations

import secrets
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from delta.tables import DeltaTable

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import file_plan, files, tables
from lepton_spark.lake.catalog import location, path_of
from lepton_spark.lake.readable import Part, readable
from lepton_spark.lake.tables import Publication, TableId
from tests.conftest import environment_at

pytestmark = pytest.mark.spark

ROWS = TableId("gold", "rows")


def publish(context, low, high, **changes):
    rows = context.spark.range(low, high, 1, 2).selectExpr("id", "id % 7 as day", "id / 3D as x")
    publication = Publication(ROWS, "build", f"{low}", f"{high}", **changes)
    return tables.publish(context, rows, publication)


def ids_in(plan):
    found = []
    for each in plan.slices:
        read = pq.ParquetFile(each.path).read_row_group(each.row_group, ["id"])
        assert read.num_rows == each.rows
        found += read["id"].to_pylist()
    return sorted(found)


def test_the_slices_hold_the_rows_of_the_pinned_version_and_no_later_ones(context_for):
    context = context_for()
    pinned = publish(context, 0, 500, row_group_rows=100)
    publish(context, 500, 600)

    plan = file_plan.plan(context, ROWS, pinned.version)

    assert plan.unfit is None
    assert plan.rows == 500
    assert len(plan.slices) >= 5
    assert ids_in(plan) == list(range(500))


def test_a_spark_job_reads_the_footers_of_many_files(context_for, monkeypatch):
    context = context_for()
    version = publish(context, 0, 500).version
    here = file_plan.plan(context, ROWS, version)
    monkeypatch.setattr(file_plan, "_MOST_HERE", 0)

    assert file_plan.plan(context, ROWS, version) == here


def test_a_condition_leaves_out_the_files_without_such_a_row(context_for):
    context = context_for()
    publish(context, 0, 100)
    version = publish(context, 100, 200).version

    plan = file_plan.plan(context, ROWS, version, condition="id >= 100")

    assert ids_in(plan) == list(range(100, 200))


@pytest.fixture
def version_with_deletion_vectors(context_for):
    """A context, and the version of a table in which one of 100 rows is deleted by a vector."""
    context = context_for()
    publish(context, 0, 100)
    folder = location(context.environment, ROWS)
    # Ours names no tables by path.
    other = context.spark.newSession()
    other.conf.set("spark.sql.runSQLOnFiles", "true")
    other.sql(f"ALTER TABLE delta.`{folder}` SET TBLPROPERTIES (delta.enableDeletionVectors=true)")
    DeltaTable.forPath(other, folder).delete("id = 5")
    return context, tables.current_version(context, ROWS)


def test_deletion_vectors_make_a_plan_unfit(version_with_deletion_vectors, monkeypatch):
    context, version = version_with_deletion_vectors

    assert "deletion vectors" in file_plan.plan(context, ROWS, version).unfit

    # A table whose feature was dropped since does not say so: the numbers of rows still do.
    monkeypatch.setattr(file_plan, "_why_unfit", lambda *_: None)
    assert "100 rows and the table 99" in file_plan.plan(context, ROWS, version).unfit


def test_a_version_with_deletion_vectors_stays_unfit_when_later_ones_have_none(
    version_with_deletion_vectors,
):
    context, version = version_with_deletion_vectors
    folder = location(context.environment, ROWS)
    other = context.spark.newSession()
    other.conf.set("spark.sql.runSQLOnFiles", "true")
    other.sql(f"ALTER TABLE delta.`{folder}` DROP FEATURE deletionVectors")
    newest = tables.current_version(context, ROWS)

    pinned, last = (
        file_plan.plan(context, ROWS, each, condition="id >= 0") for each in (version, newest)
    )

    assert "were changed later" in pinned.unfit
    assert last.unfit is None
    assert ids_in(last) == [number for number in range(100) if number != 5]


def test_a_partitioned_table_is_fit_for_who_does_without_that_column(context_for):
    context = context_for()
    version = publish(context, 0, 100, partition_by=("day",)).version

    whole = file_plan.plan(context, ROWS, version)
    part = file_plan.plan(context, ROWS, version, condition="day = 3", without=("day",))

    assert "partition columns day" in whole.unfit
    assert ids_in(part) == list(range(3, 100, 7))


def test_a_column_that_came_later_makes_a_plan_unfit(context_for):
    context = context_for()
    publish(context, 0, 10)
    rows = context.spark.range(10, 20).selectExpr("id", "id % 7 as day", "id / 3D as x", "1 as y")
    publication = Publication(ROWS, "build", "10", "20", add_columns=("y",))
    version = tables.publish(context, rows, publication).version

    assert "older than the columns y" in file_plan.plan(context, ROWS, version).unfit


@pytest.mark.parametrize("most_here", [256, 0], ids=["driver", "workers"])
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda path: path.unlink(), "LS-5016"),
        (lambda path: path.write_bytes(path.read_bytes()[:100]), "LS-5032"),
        (lambda path: path.write_bytes(b""), "LS-5032"),
    ],
    ids=["gone", "cut off", "empty"],
)
def test_a_lost_or_damaged_file_is_no_reason_to_read_otherwise(
    context_for, monkeypatch, most_here, damage, code
):
    context = context_for()
    version = publish(context, 0, 10).version
    damage(next(Path(location(context.environment, ROWS)).glob("*.parquet")))
    monkeypatch.setattr(file_plan, "_MOST_HERE", most_here)

    with pytest.raises(EnvironmentFault, match=code):
        file_plan.plan(context, ROWS, version)


@pytest.fixture
def far(context_for, tmp_path, monkeypatch):
    """A context whose lake Spark reaches at viewfs:, the driver as well, and its workers do not."""
    name = f"lab{secrets.token_hex(4)}"  # Delta remembers the tables of a session by their URI
    context = context_for(environment=environment_at(f"viewfs://{name}/lake"))
    hadoop = context.spark.sparkContext._jsc.hadoopConfiguration()
    hadoop.set(f"fs.viewfs.mounttable.{name}.link./lake", f"file://{tmp_path}")
    opened = files._open
    monkeypatch.setattr(
        files, "_open", lambda path: opened(path.replace(f"viewfs://{name}/lake", str(tmp_path)))
    )
    return context


def test_what_workers_cannot_read_is_read_through_spark(far):
    version = publish(far, 0, 100).version

    plan = file_plan.plan(far, ROWS, version)

    assert plan.slices == ()
    assert plan.unfit.startswith("workers cannot read viewfs: files (")
    assert tables.read(far, ROWS, version=version).count() == 100


def test_rows_to_train_on_that_no_worker_can_read_are_told(far, caplog):
    version = publish(far, 0, 100, partition_by=("day",)).version
    part = Part(version, "day", "3", path_of(far.environment, "copy"))

    with pytest.raises(EnvironmentFault, match=r"LS-5038.*workers cannot read viewfs: files"):
        readable(far, ROWS, part, row_group_rows=100)

    assert "3 of gold.rows is copied for the workers: workers cannot read viewfs:" in caplog.text


def test_a_version_that_is_not_there_is_told(context_for):
    context = context_for()
    publish(context, 0, 10)

    with pytest.raises(EnvironmentFault, match="version 77"):
        file_plan.plan(context, ROWS, 77)
