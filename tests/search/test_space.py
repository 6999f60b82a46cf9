from __future__ import annotations

import optuna
import pytest

from lepton_spark.config.loader import load_case
from lepton_spark.config.searched import with_settings
from lepton_spark.search.space import as_overrides, settings_of, suggest
from tests.config.conftest import Configuration

SPACE = {
    "train.learning_rate": {"low": 1e-7, "high": 1e-5, "log": True},
    "train.epochs": {"low": 2, "high": 20, "step": 3},
    "model.dropout": {"low": 0, "high": 0.75, "step": 0.25},
    "train.batch_size": {"low": 16, "high": 4096, "log": True},
    "train.optimizer": {"choices": ["adamw", "sgd"]},
    "train.clip_norm": {"choices": [None, 1.5]},
    "model.hidden": {"choices": [[8], [8, 4]]},
    "transform.text": {"choices": [{}, {"store": {"max_terms": 10}}]},
}


@pytest.mark.parametrize("number", range(8))
def test_what_is_tried_is_what_the_printed_overrides_train(tmp_path, number):
    folder = tmp_path / "conf"
    folder.mkdir()
    conf = Configuration(folder)
    conf.write_case(lambda case: case.update(search={"space": SPACE}))
    case = load_case(folder, "shop")
    space = case.search.space
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=number))

    values = suggest(study.ask(), case, space)

    assert list(values) == list(SPACE)
    tried = with_settings(case, values)
    assert load_case(folder, "shop", as_overrides(values)) == tried
    assert tried.train.epochs in range(2, 21, 3)
    assert tried.model.dropout in (0, 0.25, 0.5, 0.75)
    assert 16 <= tried.train.batch_size <= 4096
    assert settings_of(study.trials[0].params, space) == values
