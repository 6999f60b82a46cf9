from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lepton_spark.errors import TryAgainError
from lepton_spark.models.weights import MAX_ARRAYS
from lepton_spark.train.checkpoint import Checkpoints, read_history, write_durably


def state(epoch):
    return SimpleNamespace(
        epoch=epoch,
        best_epoch=1,
        best_loss=0.1 + epoch,
        steps=0,
        loss=0.0,
        rows=0,
        history=[{"epoch": n} for n in range(1, epoch + 1)],
        current={
            "logit/kernel": np.full(3, epoch, np.float32),
            "adamw/iterations": np.int64(epoch),
        },
        best={"logit/kernel": np.ones(3, np.float32)},
    )


@pytest.fixture
def checkpoints(tmp_path):
    kept = Checkpoints(str(tmp_path / "checkpoint"), "f" * 64)
    for epoch in (1, 2, 3):
        kept.save(state(epoch))
    return kept


def test_the_newest_state_comes_back_exactly(checkpoints):
    fields = checkpoints.load()

    assert (fields["epoch"], fields["best_epoch"], fields["best_loss"]) == (3, 1, 3.1)
    assert fields["history"] == [{"epoch": 1}, {"epoch": 2}, {"epoch": 3}]
    np.testing.assert_array_equal(fields["current"]["logit/kernel"], [3, 3, 3])
    assert fields["current"]["adamw/iterations"].dtype == np.int64
    np.testing.assert_array_equal(fields["best"]["logit/kernel"], [1, 1, 1])


def test_an_epoch_that_a_kill_kept_from_those_who_watch_is_told_on_resume(checkpoints, tmp_path):
    (tmp_path / "checkpoint" / "history.json").write_text('[{"epoch": 1}]')

    checkpoints.load()

    assert [entry["epoch"] for entry in read_history(checkpoints.folder)] == [1, 2, 3]


def test_two_states_are_kept(checkpoints, tmp_path):
    names = sorted(path.name for path in (tmp_path / "checkpoint").iterdir())

    assert names == ["epoch-00002-00000000.npz", "epoch-00003-00000000.npz", "history.json"]
    assert [entry["epoch"] for entry in read_history(checkpoints.folder)] == [1, 2, 3]


@pytest.mark.parametrize("damage", ["cut", "empty", "flip"])
def test_of_a_damaged_state_the_one_before_is_taken_with_a_warning(
    checkpoints, tmp_path, damage, caplog
):
    newest = tmp_path / "checkpoint" / "epoch-00003-00000000.npz"
    content = bytearray(newest.read_bytes())
    place = content.index(np.full(3, 3, np.float32).tobytes())
    content[place] ^= damage == "flip"
    newest.write_bytes({"cut": content[:-200], "empty": b"", "flip": bytes(content)}[damage])

    assert checkpoints.load()["epoch"] == 2
    assert "epoch-00003-00000000.npz is not usable" in caplog.text


def test_a_state_of_another_job_is_not_taken(checkpoints):
    assert Checkpoints(checkpoints.folder, "other").load() is None


def test_a_job_that_finds_states_of_another_one_only_keeps_its_own(checkpoints):
    other = Checkpoints(checkpoints.folder, "other")

    assert other.load() is None
    assert read_history(other.folder) == []
    other.save(state(1))

    assert other.load()["epoch"] == 1
    assert read_history(other.folder) == [{"epoch": 1}]


def test_states_that_cannot_be_read_for_a_moment_stay(checkpoints, monkeypatch):
    def no_store(_path):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("lepton_spark.lake.files.read_bytes", no_store)
        with pytest.raises(TryAgainError, match="LS-7526"):
            checkpoints.load()

    assert checkpoints.load()["epoch"] == 3


def test_without_states_there_is_nothing(tmp_path):
    assert Checkpoints(str(tmp_path / "none"), "f").load() is None
    assert read_history(str(tmp_path / "none")) == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "file"
    write_durably(str(target), b"old")

    def no_disk(_descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", no_disk)
    with pytest.raises(OSError, match="Input/output"):
        write_durably(str(target), b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_of_a_large_state_each_part_that_is_on_the_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("lepton_spark.lake.files.PART_BYTES", 100)
    sizes = []

    Checkpoints(str(tmp_path), "f" * 64).save(
        state(1), lambda: sizes.append(next(tmp_path.glob(".*.tmp")).stat().st_size)
    )

    whole = (tmp_path / "epoch-00001-00000000.npz").stat().st_size
    assert sizes == [*range(100, whole, 100)]


def test_a_state_of_more_arrays_than_a_model_may_have_is_read_again(tmp_path):
    kept = Checkpoints(str(tmp_path / "checkpoint"), "f" * 64)
    large = state(1)
    large.current = {f"layer_{n}/kernel": np.zeros(1, np.float32) for n in range(MAX_ARRAYS + 1)}

    kept.save(large)

    assert kept.load()["current"].keys() == large.current.keys()


def test_a_state_within_an_epoch_is_newer_than_the_one_before_it(checkpoints):
    begun = state(3)
    begun.steps, begun.loss, begun.rows = 128, 7.5, 4096

    checkpoints.save(begun)

    fields = checkpoints.load()
    assert (fields["epoch"], fields["steps"]) == (3, 128)
    assert (fields["loss"], fields["rows"]) == (7.5, 4096)
