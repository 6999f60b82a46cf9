"""The trials of a search are kept in any lake; SQLite works on a copy."""

from __future__ import annotations

import stat
import tempfile

import optuna
import pytest
from pyarrow import fs

from lepton_spark.lake import files
from lepton_spark.search.database import open_database


@pytest.fixture
def far(tmp_path, monkeypatch):
    """A path of another scheme than that of files, which `lake.files` alone knows."""
    local = files._open

    def open_(path):
        if not path.startswith("far://"):
            return local(path)
        return fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), path.removeprefix(
            "far://"
        )

    monkeypatch.setattr(files, "_open", open_)
    return "far://bucket/search/study.db"


def numbers(database):
    study = optuna.create_study(storage=database.storage, study_name="all", load_if_exists=True)
    return study, [trial.number for trial in study.trials]


def test_what_was_kept_is_there_again_and_nothing_after_it(far):
    with open_database(far) as database:
        study, found = numbers(database)
        assert found == []
        study.ask()
        database.keep()
        study.ask()

    with open_database(far) as database:
        assert numbers(database)[1] == [0]
    assert files.names_in("far://bucket/search") == ["study.db"]


def test_the_copy_is_for_its_user_alone_and_gone_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with (
        pytest.raises(KeyboardInterrupt),
        open_database(str(tmp_path / "lake" / "study.db")) as database,
    ):
        database.keep()
        [folder] = tmp_path.glob("lepton-search-*")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert database.file.parent == folder
        raise KeyboardInterrupt

    assert [path.name for path in tmp_path.iterdir()] == ["lake"]
