"""What dead runs left behind goes; what another run may still need stays."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from lepton_spark.lake import files, staging
from lepton_spark.lake.catalog import TableId
from lepton_spark.lake.publication import Publication

SCORES = Publication(TableId("gold", "scores"), "score", "2024-02-29", "f")


@pytest.fixture
def leftover(tmp_path):
    """Staged rows of so many days ago, by the clock of the disk."""

    def leave(name, days, **owner):
        folder = tmp_path / "lake" / "gold" / "_staging" / "scores" / name
        folder.mkdir(parents=True)
        (folder / "part-0.parquet").write_bytes(b"PAR1")
        if owner:
            (folder / "_owner.json").write_text(json.dumps(owner))
        then = (datetime.now(UTC) - timedelta(days=days)).timestamp()
        for path in (*folder.iterdir(), folder):
            os.utime(path, (then, then))
        return folder

    return leave


def test_what_was_left_before_it_had_an_owner_goes_once_it_is_old(context_for, leftover):
    old, young = leftover("old", days=8), leftover("young", days=6)

    staging.sweep(context_for(spark=None), SCORES)

    assert (old.exists(), young.exists()) == (False, True)


def test_rows_that_a_run_wrote_lately_stay_without_an_owner(context_for, leftover):
    folder = leftover("r-1", days=8)
    (folder / "part-1.parquet").touch()

    staging.sweep(context_for(spark=None), SCORES)

    assert folder.exists()


def test_what_another_host_holds_stays_until_it_is_old(context_for, leftover):
    now = datetime.now(UTC)
    owner = {"pid": 1, "host": "another", "at": now.isoformat()}
    held = leftover("held", days=8, **owner)
    dead = leftover("dead", days=0, **owner | {"at": (now - timedelta(days=8)).isoformat()})

    staging.sweep(context_for(spark=None), SCORES)

    assert (held.exists(), dead.exists()) == (True, False)


@pytest.mark.parametrize("step", ["list_files", "delete_tree"])
def test_a_folder_that_another_run_removes_meanwhile_is_no_fault(
    context_for, leftover, monkeypatch, step
):
    folders = [leftover(name, days=8) for name in ("a", "b")]
    sound = getattr(files, step)

    def gone(path):
        if path.endswith("/a"):
            raise FileNotFoundError(2, "No such file or directory")
        return sound(path)

    monkeypatch.setattr(files, step, gone)
    staging.sweep(context_for(spark=None), SCORES)

    assert [folder.exists() for folder in folders] == [True, False]
