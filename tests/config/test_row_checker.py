"""What a case may ask of a row itself, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.feature_name import feature_names
from lepton_spark.config.row_feature import categories_of
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS, Change, Configuration


def features(**settings: Any) -> Change:
    return lambda case: case["features"].update(settings)


def crossing(**settings: Any) -> Change:
    return features(interactions=settings)


def refusal(conf: Configuration, change: Change) -> ConfigError:
    conf.write_case(change)
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")
    return caught.value


def test_features_of_the_row_come_after_its_own_columns(conf: Configuration):
    def ask(case):
        case["features"] |= {
            "own": ["amount"],
            "calendar": {"day": {"parts": ["month"], "holidays": "AT"}},
            "fourier": {"ordered_at": {"zone": "Europe/Vienna", "periods": {"day": 1}}},
            "text": {"store": {"measures": ["num_chars"], "ngrams": {"of": "words", "buckets": 2}}},
            "interactions": {
                "products": {"spent": ["amount", "hour"]},
                "ratios": {"an_hour": ["amount", "hour"]},
                "crosses": {"where": {"of": ["store", "is_big"]}},
            },
            "hash": {"store": {"buckets": 10}},
            "latest": {},
            "history": {},
        }

    conf.write_case(ask)

    case = load_all(conf.folder, "shop", "local").case
    assert feature_names(case) == (
        "amount",
        "day_month",
        "day_is_holiday",
        "day_days_to_holiday",
        "day_days_since_holiday",
        "ordered_at_day_sin_1",
        "ordered_at_day_cos_1",
        "store_num_chars",
        "store_ngram_0",
        "store_ngram_1",
        "spent",
        "an_hour",
        "where",
        "store_hash",
    )
    assert categories_of(case.features) == ("store_hash",)


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (features(calendar={"dya": {"parts": ["month"]}}), "LS-1018", "did you mean day?"),
        (features(calendar={"store": {"parts": ["month"]}}), "LS-1033", "is a string"),
        (features(calendar={"day": {}}), "LS-1006", "give parts, holidays or both"),
        (features(calendar={"day": {"parts": ["hour"]}}), "LS-1087", "no hour or minute"),
        (features(calendar={"ordered_at": {"parts": ["month"]}}), "LS-1087", "zone is not set"),
        (
            features(calendar={"day": {"parts": ["month"], "zone": "Europe/Vienna"}}),
            "LS-1087",
            "zone is Europe/Vienna",
        ),
        (features(calendar={"day": {"holidays": "QQ"}}), "LS-1088", "no holidays are known of QQ"),
        (features(calendar={"day": {"holidays": "GB-EGN"}}), "LS-1088", "did you mean ENG?"),
        (features(fourier={"day": {"periods": {"day": 1}}}), "LS-1087", "always midnight"),
        (features(text={"amount": {"measures": ["num_chars"]}}), "LS-1033", "is a number"),
        (features(text={"email": {"measures": ["num_chars"]}}), "LS-1041", "personal"),
        (
            features(text={"store": {"ngrams": {"of": "words", "buckets": 513}}}),
            "LS-1007",
            "correct buckets",
        ),
        (
            features(text={"store": {"ngrams": {"of": "words", "from": 3, "to": 2, "buckets": 2}}}),
            "LS-1006",
            "from must not be above to",
        ),
        (features(hash={"email": {"buckets": 9}}), "LS-1041", "personal"),
        (features(hash={"amount": {"buckets": 9}}), "LS-1033", "is a number"),
        (crossing(products={"x": ["amount"]}), "LS-1006", "two columns or more"),
        (crossing(products={"x": ["amount", "store"]}), "LS-1033", "is a string"),
        (crossing(ratios={"x": ["amount", "is_big"]}), "LS-1033", "is a boolean"),
        (crossing(crosses={"x": {"of": ["store", "email"]}}), "LS-1041", "personal"),
        (crossing(crosses={"x": {"of": ["store", "amount"]}}), "LS-1033", "is a number"),
        (crossing(ratios={"Clock": ["amount", "hour"]}), "LS-1042", "name of a column of orders"),
        (crossing(ratios={"store_hash": ["amount", "hour"]}), None, ""),
    ],
)
def test_what_cannot_be_or_may_not_be_is_told_with_its_place(conf, change, code, told):
    if code is None:
        conf.write_case(change)
        load_all(conf.folder, "shop", "local")
        return
    error = refusal(conf, change)

    assert error.code == code, error
    assert told in str(error)
    assert "shop.yml:" in error.what


def test_two_features_of_the_row_may_not_share_a_name(conf: Configuration):
    def ask(case):
        case["features"]["hash"] = {"store": {"buckets": 9}}
        case["features"]["interactions"] = {"ratios": {"store_hash": ["amount", "hour"]}}

    assert refusal(conf, ask).code == "LS-1042"


def test_no_part_of_a_feature_of_the_row_tells_the_label(conf: Configuration):
    def ask(case):
        case["predict"]["label"] = {"name": "is_dear", "from": "orders", "is": "amount > 50"}
        case["features"] |= {
            "own": ["store"],
            "interactions": {"ratios": {"x": ["clock", "amount"]}},
        }

    error = refusal(conf, ask)

    assert error.code == "LS-1040"
    assert "features.interactions" in error.fix


def test_the_fixture_has_a_personal_column():
    assert any("classification" in column for column in COLUMNS["orders"])
