"""What the log of a Delta table says, without a JVM."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lepton_spark.bronze.delta_table import as_version, find_table, last_landed, newest_file
from lepton_spark.errors import DataError
from lepton_spark.lake.marker import Marker


@pytest.fixture
def committed(tmp_path):
    """A table of one file whose log has these partition values."""

    def commit(values):
        log = tmp_path / "erp" / "_delta_log"
        log.mkdir(parents=True)
        (tmp_path / "erp" / "a.parquet").write_bytes(b"PAR1")
        add = {"path": "a.parquet", "size": 4, "partitionValues": values, "dataChange": True}
        lines = [{"metaData": {"configuration": {}}}, {"add": add}]
        (log / f"{0:020}.json").write_text("\n".join(map(json.dumps, lines)))
        return find_table("erp", str(tmp_path / "erp"))

    return commit


def test_an_empty_partition_value_is_null(committed):
    table = committed({"day": "2024-02-28", "shop": "", "city": None})

    partition = (("day", "2024-02-28"), ("shop", None), ("city", None))
    assert newest_file(table).partition == partition


def test_a_file_may_have_no_partition_values(committed):
    assert newest_file(committed(None)).partition == ()


@pytest.fixture
def table(committed):
    return replace(committed({}), version=2, id="first")


def marks_of(**facts):
    """A commit of bronze, after one by somebody else."""
    return [None, Marker(1, "r-1", "land", "k", "f", 0, 1, "0.1.0", facts)]


def test_what_was_landed_last_is_found_again(table):
    assert last_landed(marks_of(**as_version(table)), table, ["a"]) == 2
    assert last_landed(marks_of(**as_version(table)), replace(table, version=5), ["a"]) == 2


@pytest.mark.parametrize("version", [1, 2, 9])
def test_a_table_that_was_written_anew_is_another_one(table, version):
    anew = replace(table, version=version, id="second")

    with pytest.raises(DataError, match="LS-2157") as told:
        last_landed(marks_of(**as_version(table)), anew, ["a"])

    assert "another id" in told.value.what


def test_without_an_id_a_table_of_fewer_versions_is_another_one(table):
    landed = as_version(replace(table, id=None))

    assert last_landed(marks_of(**landed), replace(table, id="second"), ["a"]) == 2
    with pytest.raises(DataError, match="LS-2157"):
        last_landed(marks_of(**landed), replace(table, version=1), ["a"])
