"""What is predicted decides which losses, metrics and baselines fit, and which are the defaults."""

from __future__ import annotations

from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.errors import ConfigError

KEPT = {"name": "kept", "from": "returns", "value": "days_kept"}
STORE = {"name": "place", "from": "returns", "class": "store", "classes": ["a", "b", "c"]}
WELL = {"at_most": 9.0}


def loaded(conf, label, gate, train=None, **parts):
    def change(case: dict[str, Any]) -> None:
        case["predict"]["label"] = label
        case["features"] = {"own": ["amount", "hour"]}
        case.update(gate=gate, train=train or {}, **parts)

    conf.write_case(change)
    return load_all(conf.folder, "shop", "local").case


def refusal(conf, label, gate, train=None, **parts):
    with pytest.raises(ConfigError) as caught:
        loaded(conf, label, gate, train, **parts)
    return str(caught.value)


def test_an_amount_has_its_own_defaults(conf):
    case = loaded(conf, KEPT, WELL)

    assert (case.task.kind, case.task.outputs) == ("amount", ("expected",))
    assert (case.train.loss.kind, case.gate.metric) == ("squared", "rmse")
    assert (case.train.baselines, case.gate.better_than) == (
        ("mean", "linear", "boosted_trees"),
        "mean",
    )


def test_quantiles_are_outputs_with_the_median_as_the_score(conf):
    loss = {"kind": "quantile", "quantiles": [0.025, 0.5, 0.975]}
    case = loaded(conf, KEPT, {"metric": "pinball", "at_most": 3}, {"loss": loss})

    assert case.task.outputs == ("q2_5", "q50", "q97_5")
    assert case.task.main == 1
    assert case.train.baselines == ("mean", "boosted_trees")


def test_classes_are_outputs_in_the_order_of_the_case(conf):
    case = loaded(conf, STORE, {"at_least": 0.5})

    assert (case.task.kind, case.task.outputs) == ("classes", ("a", "b", "c"))
    assert (case.train.loss.kind, case.gate.metric) == ("cross_entropy", "accuracy")


def test_two_classes_are_as_they_were(conf):
    case = loaded(
        conf, {"name": "back", "from": "returns", "is": "days_kept < 30"}, {"at_least": 0.6}
    )

    assert (case.task.outputs, case.gate.metric, case.gate.better_than) == (
        ("score",),
        "auc",
        "majority",
    )


@pytest.mark.parametrize(
    ("label", "gate", "train", "told"),
    [
        ({**KEPT, "value": "store"}, WELL, {}, "is a string"),
        ({**KEPT, "value": "days_kept > 3"}, WELL, {}, "is a boolean"),
        ({**STORE, "class": "returned_at"}, {"at_least": 0.5}, {}, "is a timestamp"),
        (KEPT, {"metric": "auc", "at_least": 0.6}, {}, "auc does not fit predict.label.value"),
        (KEPT, WELL, {"loss": {"kind": "focal"}}, "focal does not fit predict.label.value"),
        (KEPT, WELL, {"baselines": ["majority"]}, "majority does not fit"),
        (KEPT, {"metric": "pinball", "at_most": 3}, {}, "pinball does not fit"),
        (KEPT, WELL, {"loss": {"kind": "quantile"}, "baselines": ["mean", "linear"]}, "linear"),
        (STORE, {"at_least": 0.5}, {"loss": {"kind": "asymmetric"}}, "asymmetric does not fit"),
        ({**STORE, "classes": ["a"]}, {"at_least": 0.5}, {}, "at least two"),
        ({**STORE, "classes": ["a", "a"]}, {"at_least": 0.5}, {}, "different"),
        ({**STORE, "value": "days_kept"}, {"at_least": 0.5}, {}, "one of is, class and value"),
        ({**KEPT, "classes": ["a", "b"]}, WELL, {}, "given together"),
        (KEPT, {"at_least": 0.5}, {}, "give at_most"),
        (STORE, {"at_most": 0.5}, {}, "give at_least"),
        (KEPT, {"at_most": 3, "suspicious_below": 4}, {}, "no model could pass"),
        (KEPT, WELL, {"loss": {"kind": "quantile", "quantiles": [0.1, 0.9]}}, "0.5"),
        (KEPT, {**WELL, "better_than": "linear"}, {"baselines": ["linear"]}, "that of mean"),
    ],
)
def test_what_does_not_fit_the_label_is_refused(conf, label, gate, train, told):
    assert told in refusal(conf, label, gate, train)


def test_without_a_constant_a_case_says_which_error_is_too_good(conf):
    gate = {**WELL, "better_than": "linear", "suspicious_below": 0.5}

    case = loaded(conf, KEPT, gate, {"baselines": ["linear"]})

    assert case.gate.bounds == (0.5, 9.0)


def test_only_positives_have_shares_to_encode_by(conf):
    encoding = {"target_encoding": {"columns": ["hour"]}}

    assert "has no positives" in refusal(conf, KEPT, WELL, transform=encoding)


def test_the_label_is_no_feature_whatever_its_kind(conf):
    label = {**KEPT, "from": "orders", "value": "amount"}

    assert "amount tells the label kept" in refusal(conf, label, WELL)
