from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from lepton_spark.dataset.reader import read_table
from lepton_spark.lake import files
from lepton_spark.lake.copied import copied, copied_by

pytestmark = pytest.mark.spark


def numbers(spark, count):
    return spark.range(count).selectExpr("id", "id * 2 AS twice").repartition(2, "id")


def test_a_copy_holds_each_row_once_in_small_row_groups(context_for, tmp_path):
    context = context_for()

    slices = copied(context, numbers(context.spark, 1000), str(tmp_path / "c"), row_group_rows=100)

    rows = [read_table(each.path, each.row_group, ["id", "twice"]) for each in slices]
    assert sorted(n for table in rows for n in table["id"].to_pylist()) == list(range(1000))
    assert [each.rows for each in slices] == [table.num_rows for table in rows]
    assert max(each.rows for each in slices) <= 200


def test_a_copy_that_is_whole_is_used_again_and_one_that_is_not_is_made_anew(context_for, tmp_path):
    context, folder = context_for(), str(tmp_path / "c")
    first = copied(context, numbers(context.spark, 100), folder, row_group_rows=1000)

    again = copied(context, numbers(context.spark, 50), folder, row_group_rows=1000)
    files.delete_tree(f"{folder}/_SUCCESS")
    anew = copied(context, numbers(context.spark, 50), folder, row_group_rows=1000)

    assert again == first
    assert sum(each.rows for each in anew) == 50
    assert sum(pq.read_metadata(path).num_rows for path in {each.path for each in anew}) == 50


def test_a_copy_by_a_column_has_the_rows_of_each_value_in_files_of_their_own(context_for, tmp_path):
    context = context_for()
    rows = numbers(context.spark, 300).selectExpr("*", "id % 3 AS _part")

    found = copied_by(context, rows, str(tmp_path / "c"), "_part", row_group_rows=50)

    assert sorted(found) == ["0", "1", "2"]
    for value, slices in found.items():
        ids = [n for s in slices for n in read_table(s.path, s.row_group, ["id"])["id"].to_pylist()]
        assert sorted(ids) == list(range(int(value), 300, 3))
        assert len(slices) > 1
