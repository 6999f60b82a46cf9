"""Files at a path or URI: whole or not at all."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path

import pytest
from pyarrow import fs

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import files
from lepton_spark.lake.catalog import TableId, join, landing_path, location, scheme_of
from tests.conftest import environment_at


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_what_is_written_is_read_and_nothing_else_is_left(tmp_path, prefix):
    path = f"{prefix}{tmp_path}/a b/c.json"

    files.write_atomically(path, "old")
    files.write_atomically(path, b"new \xc3\xa9")

    assert files.read_text(path) == "new é"
    assert [child.name for child in (tmp_path / "a b").iterdir()] == ["c.json"]


def test_of_a_large_file_each_part_that_is_written_is_told(tmp_path, monkeypatch):
    class Buffered(fs.LocalFileSystem):
        def open_output_stream(self, path, **settings):
            return super().open_output_stream(path, **settings, buffer_size=1000)

    monkeypatch.setattr(files, "_open", lambda path: (Buffered(), path))
    monkeypatch.setattr(files, "PART_BYTES", 4)
    sizes = []

    files.write_atomically(
        f"{tmp_path}/c",
        b"0123456789",
        lambda: sizes.append(next(tmp_path.glob(".c.*.tmp")).stat().st_size),
    )

    assert sizes == [4, 8]
    assert files.read_bytes(f"{tmp_path}/c") == b"0123456789"


def test_a_failed_write_leaves_the_old_content_and_no_temporary_file(tmp_path, monkeypatch):
    path = f"{tmp_path}/c.json"
    files.write_atomically(path, "old")

    class Full(fs.LocalFileSystem):
        def move(self, *_):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_open", lambda path: (Full(), path))
    with pytest.raises(OSError, match="No space"):
        files.write_atomically(path, "new")

    assert [(child.name, child.read_text()) for child in tmp_path.iterdir()] == [("c.json", "old")]


def test_files_are_listed_in_order_with_size_and_time_but_not_hidden_ones(tmp_path):
    hidden = (".hidden", "_part/x.csv", "b/.tmp", ".day=1/4.csv", "_day=1/_5.csv")
    for name in ("b/2.csv", "b/1.csv", "a.csv", "_day=1/3.csv", *hidden):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    found = files.list_files(str(tmp_path))

    assert [each.path for each in found] == ["_day=1/3.csv", "a.csv", "b/1.csv", "b/2.csv"]
    assert [files.read_text(each.uri) for each in found] == [each.path for each in found]
    assert found[1].size == len("a.csv")
    assert found[0].modified_at.tzinfo == UTC


@pytest.mark.parametrize("name", [b"caf\xe9.csv", b"caf\xe9/x.csv"])
def test_a_name_that_is_no_text_is_told(tmp_path, name):
    path = tmp_path / "in" / os.fsdecode(name)
    path.parent.mkdir(parents=True)
    path.touch()

    with pytest.raises(EnvironmentFault, match="LS-5022") as told:
        files.list_files(f"{tmp_path}/in")
    assert "caf\\xe9" in told.value.what
    with pytest.raises(EnvironmentFault, match="LS-5022"):
        files.names_in(f"{tmp_path}/in")


def test_a_hidden_name_may_be_no_text(tmp_path):
    (tmp_path / os.fsdecode(b"._caf\xe9.csv")).touch()

    assert files.list_files(str(tmp_path)) == []


def test_what_is_not_there_is_empty_and_may_be_deleted(tmp_path):
    gone = f"{tmp_path}/gone"

    assert files.list_files(gone) == []
    assert files.names_in(gone) == []
    assert not files.exists(gone)
    files.delete_tree(gone)
    with pytest.raises(FileNotFoundError):
        files.read_bytes(gone)


def test_a_tree_is_deleted_whole(tmp_path):
    files.write_atomically(f"{tmp_path}/t/deep/er/x", "x")

    files.delete_tree(f"{tmp_path}/t")

    assert not files.exists(f"{tmp_path}/t")


def test_tables_lie_below_the_lakehouse_by_layer_and_name(tmp_path):
    local = environment_at(tmp_path / "lake")
    far = environment_at("s3a://bucket/lake/", landing="s3a://raw")

    assert location(local, TableId("gold", "scores")) == f"{tmp_path}/lake/gold/scores"
    assert landing_path(local, "shop") == f"{tmp_path}/lake/landing/shop"
    assert location(far, TableId("gold", "scores")) == "s3a://bucket/lake/gold/scores"
    assert landing_path(far, "shop") == "s3a://raw/shop"
    assert str(TableId("gold", "scores")) == "gold.scores"


def test_a_relative_root_becomes_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert Path(join("lakehouse", "x")) == tmp_path / "lakehouse" / "x"
    assert (scheme_of("lakehouse"), scheme_of("hdfs://name/x")) == ("file", "hdfs")
