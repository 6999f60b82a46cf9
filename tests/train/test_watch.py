from __future__ import annotations

import json
import time

import pytest

from lepton_spark.train.watch import watching


def write(folder, epochs):
    folder.mkdir(exist_ok=True)
    (folder / "history.json").write_text(json.dumps([{"epoch": n + 1} for n in range(epochs)]))


def test_each_new_epoch_is_told_once_and_the_last_ones_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("lepton_spark.train.watch.LOOK_SECONDS", 0.01)
    folder, told = tmp_path / "checkpoint", []
    write(folder, 2)

    with watching(str(folder), lambda entry: told.append(entry["epoch"])):
        write(folder, 3)
        deadline = time.monotonic() + 5
        while not told and time.monotonic() < deadline:
            time.sleep(0.01)
        write(folder, 5)

    assert told == [3, 4, 5]


def test_without_a_listener_nothing_is_watched(tmp_path):
    with watching(str(tmp_path / "nowhere"), None):
        pass


def test_an_error_of_the_listener_stops_training_and_is_raised_after_it(tmp_path, monkeypatch):
    monkeypatch.setattr("lepton_spark.train.watch.LOOK_SECONDS", 0.01)
    folder, stop = tmp_path / "checkpoint", tmp_path / "checkpoint" / "stop"
    write(folder, 0)

    def fail(_entry):
        raise ValueError("of the listener")

    with pytest.raises(ValueError, match="of the listener"), watching(str(folder), fail):
        write(folder, 1)
        deadline = time.monotonic() + 5
        while not stop.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert stop.exists()

    assert not stop.exists()  # else the next run would stop as well


def test_an_error_of_training_comes_before_one_of_the_listener(tmp_path):
    folder = tmp_path / "checkpoint"
    write(folder, 0)

    with pytest.raises(KeyError), watching(str(folder), lambda _: 1 / 0):
        write(folder, 1)
        raise KeyError


def test_epochs_of_a_job_that_began_anew_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr("lepton_spark.train.watch.LOOK_SECONDS", 0.01)
    folder, told = tmp_path / "checkpoint", []
    write(folder, 8)

    with watching(str(folder), told.append):
        (folder / "history.json").write_text(json.dumps([{"epoch": 1, "loss": 0.5}]))

    assert told == [{"epoch": 1, "loss": 0.5}]
