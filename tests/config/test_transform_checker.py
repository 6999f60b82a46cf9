from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.conftest import Configuration

MAD = {"by": "mad", "then": "flag"}


def load(conf: Configuration, **transform: Any) -> Any:
    conf.write_case(lambda case: case.update(transform=transform))
    return load_all(conf.folder, "shop", "local").case.transform


def test_what_is_fitted_is_named_by_feature_and_pattern(conf: Configuration):
    found = load(
        conf,
        outliers={
            "amount": {"by": "quantile", "p_low": 0, "p_high": 0.99, "then": "clip"},
            "returns_*": {"by": "isolation_forest", "then": "refuse"},
        },
        target_encoding={"columns": ["store"], "smoothing": 10},
    )

    assert list(found.outliers) == ["amount", "returns_*"]
    assert found.target_encoding.folds == 5
    assert load(conf, text={"store": {"max_terms": 50}}).text["store"].ngrams == 1


def test_a_cross_and_a_value_of_history_are_the_kind_that_they_give(conf: Configuration):
    def change(case: dict[str, Any]) -> None:
        case["features"]["interactions"] = {"crosses": {"lane": {"of": ["store", "hour"]}}}
        case["features"]["history"]["returns"]["measures"] = {"why": {"top": "store"}}
        case["transform"] = {"target_encoding": {"columns": ["lane", "returns_by_store_7d_why"]}}

    conf.write_case(change)

    assert load_all(conf.folder, "shop", "local").case.transform.target_encoding is not None


@pytest.mark.parametrize(
    ("transform", "told"),
    [
        ({"outliers": {"amonut": MAD}}, "LS-1090.*amonut.*amount"),
        ({"outliers": {"store": MAD}}, "LS-1090"),
        ({"target_encoding": {"columns": ["stor"]}}, "LS-1090.*no feature.*store"),
        ({"target_encoding": {"columns": ["amount"]}}, "LS-1090.*amount, a number"),
        ({"text": {"amount": {}}}, "LS-1090.*amount, a number"),
        ({"text": {"store": {}}, "target_encoding": {"columns": ["store"]}}, "LS-1091"),
        ({"text": {"store": {"max_terms": 5000}}}, "LS-1007.*2000"),
        ({"outliers": {"amount": {"by": "quantile", "then": "flag"}}}, "p_low and p_high, or iqr"),
        ({"outliers": {"amount": {**MAD, "iqr": 2}}}, "iqr means nothing for mad"),
        ({"outliers": {"amount": {**MAD, "p_low": 0}}}, "p_low means nothing for mad"),
        (
            {"outliers": {"amount": {"by": "isolation_forest", "then": "clip"}}},
            "not values that could be clipped",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused_at_its_place(
    conf: Configuration, transform: dict[str, Any], told: str
):
    with pytest.raises(ConfigError, match=rf"(?s){told}"):
        load(conf, **transform)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({"model": {"leave_out": ["amonut"]}}, "LS-1090.*amonut matches no feature.*amount"),
        ({"model": {"leave_out": ["*"]}}, "LS-1115.*every feature is left out"),
        (
            {
                "model": {"leave_out": ["am*"]},
                "transform": {"outliers": {"amount": {**MAD, "then": "refuse"}}},
            },
            "LS-1115.*am. leaves out amount, whose outliers refuse rows",
        ),
        ({"features.as_category": ["amount"]}, "LS-1090.*amount, a number"),
        (
            {"features.as_category": ["returns_by_store_7d_kept"]},
            "LS-1090.*returns_by_store_7d_kept, a number",
        ),
    ],
)
def test_what_a_network_is_not_given_and_what_names_things_is_checked(
    conf: Configuration, case: dict[str, Any], told: str
):
    def change(document: dict[str, Any]) -> None:
        measures = {"kept": {"mean": "days_kept"}}
        document["features"]["history"]["returns"]["measures"] = measures
        for name, section in case.items():
            *path, last = name.split(".")
            place = document[path[0]] if path else document
            place[last] = section

    conf.write_case(change)

    with pytest.raises(ConfigError, match=rf"(?s){told}"):
        load_all(conf.folder, "shop", "local")


def test_a_count_may_name_things(conf: Configuration):
    def change(document: dict[str, Any]) -> None:
        document["features"]["history"]["returns"]["measures"] = {"number": {"count": "*"}}
        document["features"]["as_category"] = ["returns_by_store_7d_number"]

    conf.write_case(change)

    assert load_all(conf.folder, "shop", "local").case.features.as_category
