"""What a case may ask of sessions and baskets, and what it may not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.feature_name import feature_names
from lepton_spark.config.happened_at import require_happened_at
from lepton_spark.errors import ConfigError
from lepton_spark.features.explanation import explain

if TYPE_CHECKING:
    from tests.config.conftest import Change, Configuration

SESSIONS = {
    "by": [["store"]],
    "at": "returned_at",
    "gap": "30 minutes",
    "over": ["7 days"],
    "measures": ["age_hours", "number"],
}
BASKETS = {
    "by": [["store"], []],
    "basket": ["returned_at"],
    "item": "days_kept",
    "over": ["48 hours"],
    "measures": ["repeat_rate", "number"],
    "share": {"long": "days_kept > 7"},
}


def sessions(**settings: Any) -> Change:
    return lambda case: case["features"].update(sessions={"returns": {**SESSIONS, **settings}})


def baskets(**settings: Any) -> Change:
    return lambda case: case["features"].update(baskets={"returns": {**BASKETS, **settings}})


def both(case):
    sessions()(case)
    baskets()(case)


def test_episodes_come_last_and_are_named_for_source_kind_columns_window_and_measure(conf):
    conf.write_case(both)
    loaded = load_all(conf.folder, "shop", "local")

    names = feature_names(loaded.case)
    assert names[10:] == (
        "returns_sessions_by_store_7d_number",
        "returns_sessions_by_store_7d_age_hours",
        "returns_baskets_by_store_48h_number",
        "returns_baskets_by_store_48h_long",
        "returns_baskets_by_store_48h_repeat_rate",
        "returns_baskets_by_all_48h_number",
        "returns_baskets_by_all_48h_long",
        "returns_baskets_by_all_48h_repeat_rate",
    )
    told = explain(loaded.case, loaded.contracts)
    assert tuple(told) == names
    share = told["returns_baskets_by_store_48h_long"]
    assert share.measure == "share of baskets with a row where days_kept > 7"
    assert share.reads == ("returns.days_kept", "returns.returned_at", "returns.store")
    assert (share.key, share.window) == (("store",), "the last 2 days")


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (sessions(at="returned"), "LS-1018", "did you mean returned_at?"),
        (sessions(at="days_kept"), "LS-1033", "is a integer"),
        (sessions(gap="30 seconds"), "LS-1006", "gap"),
        (sessions(gap="0 minutes"), "LS-1006", "gap"),
        (sessions(by=[["clock"]]), "LS-1018", "no column of returns"),
        (sessions(measures=["mean_size"]), "LS-1006", "measures"),
        (baskets(basket=["invoice"]), "LS-1018", "no column of returns"),
        (baskets(item=None), "LS-1006", "baskets"),
        (baskets(measures=[], share={}), "LS-1006", "baskets"),
        (baskets(share={"long": "days_kept"}), "LS-1033", "is a integer"),
        (baskets(share={"number": "days_kept > 7"}), "LS-1042", "another feature"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(conf: Configuration, change, code, told):
    conf.write_case(change)
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")

    assert told in str(caught.value)
    assert caught.value.code == code, str(caught.value)


def test_a_personal_column_names_no_basket_and_is_no_item(conf: Configuration):
    def of_orders(case):
        case["features"]["baskets"] = {
            "orders": {**BASKETS, "basket": ["day"], "item": "email", "share": {}}
        }

    conf.write_case(of_orders)
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")

    assert caught.value.code == "LS-1041"


def test_a_leak_report_asks_of_each_source_when_its_facts_happened(conf: Configuration):
    case = load_all(conf.folder, "shop", "local").case
    with pytest.raises(ConfigError, match="rows of returns happened") as caught:
        require_happened_at(case)
    assert caught.value.code == "LS-1089"

    conf.write_case(lambda case: case["sources"]["returns"].update(happened_at="returned_at"))
    require_happened_at(load_all(conf.folder, "shop", "local").case)


def test_when_a_fact_happened_is_an_instant_of_its_row(conf: Configuration):
    conf.write_case(lambda case: case["sources"]["returns"].update(happened_at="days_kept"))
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")
    assert caught.value.code == "LS-1033"
