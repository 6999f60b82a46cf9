"""What a table's log says, read as files."""

from __future__ import annotations

import json

import pytest

from lepton_spark.errors import EnvironmentFault
from lepton_spark.lake import log
from lepton_spark.lake.marker import Marker, marker_from


def marker(version=-1, key="2024-02-29", **changes):
    given = {"run_id": "r-1", "job": "score", "fingerprint": "f", "revision": 0, "rows": 3}
    given |= {"code_version": "0.1.0", "facts": {"inputs": {"a": 1}}, **changes}
    return Marker(version=version, key=key, **given)


def commit(folder, version, said):
    log_folder = folder / "_delta_log"
    log_folder.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"commitInfo": said}), json.dumps({"add": {"path": "x"}})]
    (log_folder / f"{version:020d}.json").write_text("\n".join(lines))


def publish(folder, version, key):
    commit(folder, version, {"operation": "WRITE", "userMetadata": marker(key=key).to_json()})


def test_a_marker_comes_back_from_its_text():
    assert marker_from(7, marker().to_json()) == marker(version=7)


@pytest.mark.parametrize(
    "text", [None, "", "by hand", '{"a": 1}', '{"lepton": 99}', '["lepton"]', '{"lepton": 1']
)
def test_what_others_write_into_a_commit_is_no_marker(text):
    assert marker_from(7, text) is None


def test_the_newest_version_is_the_highest_commit(tmp_path):
    assert log.newest_version(str(tmp_path / "none")) == -1
    for version in (0, 1, 10):
        publish(tmp_path, version, str(version))
    (tmp_path / "_delta_log" / "00000000000000000099.checkpoint.parquet").touch()
    (tmp_path / "_delta_log" / "_last_checkpoint").touch()

    assert log.newest_version(str(tmp_path)) == 10
    assert log.versions_of(str(tmp_path)) == [10, 1, 0]


def test_marks_come_by_version_with_a_gap_for_each_foreign_commit(tmp_path):
    for version in (0, 2):
        publish(tmp_path, version, str(version))
    commit(tmp_path, 1, {"operation": "OPTIMIZE", "operationParameters": {}})

    marks = log.marks(str(tmp_path), 3)

    assert [mark.key if mark else None for mark in marks] == ["0", None, "2", None]
    assert log.marks(str(tmp_path), -1) == []


def test_markers_come_newest_first_without_foreign_commits(tmp_path):
    for version in range(40):
        publish(tmp_path, version, str(version))
    commit(tmp_path, 40, {"operation": "OPTIMIZE", "operationParameters": {}})

    assert [each.version for each in log.markers(str(tmp_path))] == list(range(39, -1, -1))
    assert log.marker_at(str(tmp_path), 40) is None
    assert log.marker_at(str(tmp_path), 41) is None


def test_markers_that_a_restore_has_undone_do_not_count(tmp_path):
    for version in range(4):
        publish(tmp_path, version, str(version))
    commit(tmp_path, 4, {"operation": "RESTORE", "operationParameters": {"version": 1}})
    publish(tmp_path, 5, "5")

    assert [each.version for each in log.markers(str(tmp_path))] == [5, 1, 0]


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\u2029"])
def test_a_text_of_a_commit_may_hold_what_elsewhere_ends_a_line(tmp_path, mark):
    log_folder = tmp_path / "_delta_log"
    log_folder.mkdir()
    told = {"operation": f"by{mark}hand", "userMetadata": marker(key="k").to_json()}
    lines = [{"commitInfo": told}, {"add": {"path": f"city=A{mark}B/x"}}]
    text = "\n".join(json.dumps(each, ensure_ascii=False) for each in lines)
    (log_folder / f"{0:020d}.json").write_text(text + "\n", encoding="utf-8")

    assert list(log.actions(str(tmp_path), 0)) == lines
    assert log.marker_at(str(tmp_path), 0).key == "k"


def test_a_commit_that_is_cut_off_is_told_with_its_file(tmp_path):
    publish(tmp_path, 0, "0")
    path = tmp_path / "_delta_log" / f"{0:020d}.json"
    path.write_text(path.read_text()[:60])

    with pytest.raises(EnvironmentFault, match="LS-5013") as told:
        list(log.markers(str(tmp_path)))

    assert str(path) in told.value.what


def test_a_folder_of_plain_parquet_is_no_table(tmp_path):
    (tmp_path / "part-0.snappy.parquet").touch()

    with pytest.raises(EnvironmentFault, match="not a Delta table"):
        log.newest_version(str(tmp_path))


def test_a_table_that_is_made_anew_is_read_anew(tmp_path):
    publish(tmp_path, 0, "old")
    assert log.marker_at(str(tmp_path), 0).key == "old"

    publish(tmp_path, 0, "another")

    assert log.marker_at(str(tmp_path), 0).key == "another"
