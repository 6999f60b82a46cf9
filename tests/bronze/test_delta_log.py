"""What the log of a Delta table says, without a JVM."""

from __future__ import annotations

import json

import pytest

from lepton_spark.bronze.delta_table import find_table, newest_file


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
