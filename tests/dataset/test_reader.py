from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lepton_spark.dataset.reader import read_piece, read_table
from lepton_spark.dataset.shards import Piece, whole
from lepton_spark.errors import DataError, EnvironmentFault


@pytest.fixture
def path(tmp_path):
    rows = pa.table({"x": range(10), "wide": ["w" * 100] * 10})
    target = tmp_path / "rows of a day.parquet"
    pq.write_table(rows, target, row_group_size=6, write_page_checksum=True)
    return str(target)


def test_a_row_group_gives_the_columns_asked_for(path):
    rows = read_table(path, 1, ["x"])

    assert rows.to_pydict() == {"x": [6, 7, 8, 9]}


def test_a_piece_is_some_of_the_rows(path):
    assert read_piece(Piece(path, 0, 1, 2, 6), ["x"]).to_pydict() == {"x": [1, 2]}


def test_a_uri_is_read_as_well(path):
    assert read_table(Path(path).as_uri(), 0, ["x"]).num_rows == 6


def test_a_row_group_with_other_rows_than_planned_is_refused(path):
    with pytest.raises(DataError, match=r"LS-2061.*has 6 rows, planned were 4"):
        read_piece(whole(path, 0, 4), ["x"])


def test_a_missing_column_is_named(path):
    with pytest.raises(DataError, match=r"LS-2062.*\['y'\]"):
        read_table(path, 0, ["x", "y"])


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(EnvironmentFault, match=r"LS-5031.*nowhere\.parquet is gone"):
        read_table(str(tmp_path / "nowhere.parquet"), 0, ["x"])


def test_a_flipped_bit_is_found(tmp_path):
    rows = pa.table({"x": pa.array(range(1000), pa.int64())})
    target = tmp_path / "flipped.parquet"
    pq.write_table(rows, target, use_dictionary=False, compression="none", write_page_checksum=True)
    content = bytearray(target.read_bytes())
    content[content.index((500).to_bytes(8, "little"))] ^= 1
    target.write_bytes(content)

    with pytest.raises(EnvironmentFault, match="LS-5032"):
        read_table(str(target), 0, ["x"])


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    target = tmp_path / "fake.parquet"
    target.write_text("a,b\n1,2\n")

    with pytest.raises(EnvironmentFault, match="LS-5032"):
        read_table(str(target), 0, ["x"])


@pytest.mark.parametrize("error", [pa.ArrowMemoryError("full"), OSError(24, "Too many open files")])
def test_a_fault_of_the_machine_is_not_told_as_a_damaged_file(path, monkeypatch, error):
    def fail(*_args, **_named):
        raise error

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", fail)
    with pytest.raises(type(error)):
        read_table(path, 0, ["x"])
