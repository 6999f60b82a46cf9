"""A file plan holds exactly the rows of the pinned version, or says why it cannot."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from delta.tables import DeltaTable

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import file_plan, tables
from lepton_spark.lake.catalog import location
from lepton_spark.lake.tables import Publication, TableId

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


def test_a_version_that_is_not_there_is_told(context_for):
    context = context_for()
    publish(context, 0, 10)

    with pytest.raises(EnvironmentFault, match="version 77"):
        file_plan.plan(context, ROWS, 77)
