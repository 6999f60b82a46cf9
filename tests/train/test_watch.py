from __future__ import annotations

import json
import time

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
