from __future__ import annotations

import json

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.searched import with_settings
from lepton_spark.errors import ConfigError

GOOD = {
    "train.learning_rate": {"low": 1e-4, "high": 1, "log": True},
    "train.batch_size": {"low": 64, "high": 1024, "step": 64},
    "model.hidden": {"choices": [[64], [64, 32]]},
    "transform.text.store.max_terms": {"low": 10, "high": 100},
}


def load(conf, space, **others):
    def change(case):
        case["search"] = {"space": space, **others}
        case["transform"] = {"text": {"store": {}}}

    conf.write_case(change)
    return load_all(conf.folder, "shop", "local").case


def test_a_space_of_real_settings_is_accepted(conf):
    assert set(load(conf, GOOD).search.space) == set(GOOD)


@pytest.mark.parametrize(
    ("name", "values", "code", "told"),
    [
        ("train.learning_rat", {"low": 0.1, "high": 1}, "LS-1130", "did you mean learning_rate?"),
        ("gate.at_least", {"low": 0.1, "high": 1}, "LS-1130", "choose from model., train."),
        ("train", {"choices": [{}, {"epochs": 3}]}, "LS-1130", "train."),
        ("transform.target_encoding.smoothing", {"low": 1, "high": 2}, "LS-1130", "leads to no"),
        ("transform.text.amount.max_terms", {"low": 1, "high": 2}, "LS-1130", "leads to no"),
        ("model.hidden.0", {"low": 1, "high": 2}, "LS-1130", "a list as a whole"),
        ("train.seed", {"low": 1, "high": 9}, "LS-1131", "on some rows is not on others"),
        ("train.launcher", {"choices": ["local", "barrier"]}, "LS-1131", "not how good"),
        ("train.workers", {"low": 1, "high": 2}, "LS-1131", "not how good"),
        ("train.loss.gamma", {"low": 1.0, "high": 2.0}, "LS-1131", "cannot be compared"),
        ("transform.outliers", {"choices": [{}, {"*": None}]}, "LS-1131", "may refuse rows"),
        ("train.epochs", {"low": 1.5, "high": 3}, "LS-1006", "valid integer"),
        ("train.epochs", {"low": 1, "high": 9, "step": 0.5}, "LS-1132", "no whole number"),
        ("train.learning_rate", {"low": 0, "high": 1}, "LS-1007", "above 0"),
        ("train.optimizer", {"low": 0, "high": 1}, "LS-1006", "'adamw', 'sgd'"),
        ("train.optimizer", {"choices": ["adamw", "adam"]}, "LS-1006", "'adamw', 'sgd'"),
        ("model.kind", {"choices": ["table_mlp", "table"]}, "LS-1006", "'table_mlp', 'gru'"),
        ("model.flip", {"choices": [True, "no"]}, "LS-1006", "boolean"),
        ("model.leave_out", {"choices": [[], ["stores"]]}, "LS-1090", "did you mean store?"),
    ],
)  # fmt: skip
def test_what_is_no_setting_or_cannot_be_is_refused_where_it_stands(conf, name, values, code, told):
    with pytest.raises(ConfigError, match=r"shop\.yml:\d+:\d+: ") as error:
        load(conf, {name: values})

    assert error.value.code == code
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "give low and high, or choices"),
        ({"low": 1}, "give low and high, or choices"),
        ({"low": 2, "high": 1}, "low must be below high"),
        ({"low": 0, "high": 1, "log": True}, "log needs low above 0"),
        ({"low": 1, "high": 2, "choices": [1, 2]}, "not a mix"),
        ({"choices": [1, 1]}, "a choice is there twice"),
        ({"low": "1", "high": 2}, "low"),
        ({"lowest": 1}, "did you mean low?"),
    ],
)
def test_values_are_a_range_or_a_list(conf, values, told):
    with pytest.raises(ConfigError, match=r"shop\.yml:\d+:\d+: ") as error:
        load(conf, {"train.epochs": values})

    assert told in str(error.value)


@pytest.mark.parametrize(
    ("folds", "told"),
    [
        ({"kind": "grouped"}, "by belongs to grouped"),
        ({"kind": "stratified", "by": "store"}, "by belongs to grouped"),
        ({"kind": "time_ordered", "count": 2, "nested": True}, "count of 3 at least"),
    ],
)
def test_folds_say_what_they_need(conf, folds, told):
    with pytest.raises(ConfigError, match=told):
        load(conf, GOOD, folds=folds)


def test_settings_are_changed_in_a_copy(conf):
    case = load(conf, GOOD)

    changed = with_settings(case, {"model.hidden": [8], "train.loss.gamma": 1.0, "train.epochs": 3})

    assert changed.model.hidden == (8,)
    assert (changed.train.loss.gamma, changed.train.epochs) == (1.0, 3)
    assert case.train.epochs == 20
    assert json.loads(changed.model_dump_json())["transform"] == json.loads(case.model_dump_json())[
        "transform"
    ]  # fmt: skip


def test_amounts_are_not_dealt_in_equal_shares(conf):
    def load_with(kind):
        def change(case):
            case["predict"]["label"] = {"name": "kept", "from": "returns", "value": "days_kept"}
            case["features"] = {"own": ["amount"]}
            case["gate"] = {"at_most": 9.0}
            space = {"train.epochs": {"low": 1, "high": 9}}
            case["search"] = {"space": space, "folds": {"kind": kind}}

        conf.write_case(change)
        return load_all(conf.folder, "shop", "local").case

    assert load_with("time_ordered").search.folds.count == 5
    with pytest.raises(ConfigError, match="kept, which is an amount"):
        load_with("stratified")
