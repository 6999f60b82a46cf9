from __future__ import annotations

import json
from pathlib import Path

from lepton_spark.cli import main
from lepton_spark.cli.search import show_search

CONF = str(Path(__file__).parents[2] / "conf")
DONE = {
    "trial": 1, "end": "done", "stopped": "", "code": "", "loss": 0.43217, "losses": [0.4, 0.5],
    "spread": 0.0707, "epochs": [12, 9], "seconds": 8.13,
    "settings": {"train.learning_rate": 0.0123456789, "model.hidden": [64, 32]},
}  # fmt: skip
OTHER = {**DONE, "trial": 2, "end": "stopped", "stopped": "median", "loss": None, "spread": None,
         "epochs": [3]}  # fmt: skip
FAILED = {**OTHER, "trial": 3, "end": "failed", "code": "LS-6013", "epochs": []}
FACTS = {
    "trials": [DONE, OTHER, FAILED],
    "best": {**DONE, "set": ["train.learning_rate=0.0123456789", "model.hidden=[64,32]"]},
    "estimate": {
        "loss": 0.451,
        "spread": 0.012,
        "folds": [{}, {}],
        "missing": 1,
        "failed": [{"loss": None, "code": "LS-6011"}],
    },
    "used_minutes": 1.26,
    "budget_minutes": 60.0,
}


def test_trials_are_a_line_each_and_the_best_is_a_command_to_paste():
    lines = show_search(FACTS, "lepton run shop --as-of 2024-01-31").splitlines()

    assert lines[0].split() == [
        "trial", "loss", "spread", "epochs", "seconds", "end", "train.learning_rate", "model.hidden"
    ]  # fmt: skip
    assert lines[1].split()[:6] == ["1", "0.4322", "0.0707", "12+9", "8.1", "done"]
    assert "above median" in lines[2]
    assert "LS-6013" in lines[3]
    assert lines[-3] == (
        "best      trial 1, validation loss 0.4322 (folds +- 0.0707), 1.3 of 60 minutes"
    )
    assert lines[-2].startswith("estimate  loss 0.4510 (folds +- 0.0120) on 2 outer folds, 1 not")
    assert "1 not measured (LS-6011), which chose nothing" in lines[-2]
    assert lines[-1] == (
        "next      lepton run shop --as-of 2024-01-31 --set train.learning_rate=0.0123456789"
        " --set 'model.hidden=[64,32]'"
    )


def test_a_space_that_cannot_be_is_told_before_spark_starts(capsys, monkeypatch):
    monkeypatch.setattr("lepton_spark.lake.session.start", None)
    space = "search={space: {train.seed: {low: 1, high: 2}}}"

    code = main(["search", "flight_delay", "--as-of", "2014-01-02", "--conf-dir", CONF,
                 "--set", space])  # fmt: skip

    captured = capsys.readouterr()
    assert code == 10
    assert json.loads(captured.out.splitlines()[-1])["code"] == "LS-1131"
    assert "train.seed is not searched" in captured.err
