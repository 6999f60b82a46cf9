from __future__ import annotations

from lepton_spark.registry.searched import trial_of

TOLD = {
    "trial": 2, "end": "done", "stopped": "", "code": "", "loss": 0.5, "losses": [0.4, 0.6],
    "epochs": [3, 4], "seconds": 1.5, "settings": {"model.hidden": [8], "train.epochs": 4},
}  # fmt: skip


def test_a_trial_is_one_run_of_its_search_with_settings_and_losses():
    trial = trial_of(TOLD, "ab" * 32)

    assert trial.name == "search-002"
    assert trial.params == {"model.hidden": "[8]", "train.epochs": "4"}
    assert trial.metrics == {"validation_loss": 0.5, "seconds": 1.5}
    assert trial.curves == {"fold_loss": [0.4, 0.6]}
    assert len({trial.digest, trial_of(TOLD, "cd" * 32).digest}) == 2


def test_a_trial_that_was_not_trained_to_its_end_has_no_loss_to_compare():
    trial = trial_of({**TOLD, "loss": None, "end": "stopped", "losses": []}, "ab" * 32)

    assert trial.metrics == {"seconds": 1.5}
    assert trial.curves == {}
    assert trial.tags["lepton.end"] == "stopped"


def test_a_trial_that_goes_on_with_more_time_is_another_run_than_when_it_was_cut():
    cut = trial_of({**TOLD, "end": "stopped", "stopped": "time", "loss": None}, "ab" * 32)

    assert cut.digest != trial_of(TOLD, "ab" * 32).digest
    assert cut.name == trial_of(TOLD, "ab" * 32).name
