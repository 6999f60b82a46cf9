"""Windows and measures of a case, held against the columns of their source without Spark."""

from __future__ import annotations

from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.feature_checker import MEASURED
from lepton_spark.config.feature_name import feature_names
from lepton_spark.config.measure import Measure
from lepton_spark.config.model import LastRows, is_longer, parse_any_window, window_label
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS, Configuration


def _load(conf: Configuration, measure: dict[str, Any], over: list[str] | None = None):
    section = {"by": [["store"]], "over": over or ["7 days"], "measures": {"m": measure}}
    conf.write_case(lambda case: case["features"]["history"].update(returns=section))
    return load_all(conf.folder, "shop", "local").case


def _names(case) -> list[str]:
    return [name for name in feature_names(case) if "_by_" in name]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("24 hours", "24h"),
        ("7 days", "7d"),
        ("4 weeks", "28d"),
        ("1 row", "1r"),
        ("100 rows", "100r"),
        ("all", "all"),
    ],
)
def test_a_window_has_a_label_in_the_names_of_its_columns(conf: Configuration, text, label):
    assert _names(_load(conf, {"last": "days_kept"}, [text])) == [f"returns_by_store_{label}_m"]


@pytest.mark.parametrize("text", ["0 rows", "101 rows", "5 minutes", "All", "rows", "-1 rows"])
def test_another_window_is_refused_with_a_word_on_what_to_write(conf: Configuration, text):
    with pytest.raises(ConfigError, match="up to 100 rows, or all") as refused:
        _load(conf, {"count": "*"}, [text])
    assert "shop.yml:" in str(refused.value)


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        ({"deviation": "store"}, "is a string"),
        ({"min": "store"}, "is a string"),
        ({"max": "days_kept > 1"}, "is a boolean"),
        ({"quantile": {"value": "store"}}, "quantile.value is a string"),
        ({"quantile": {"value": "days_kept", "at": 1.0}}, "quantile.at"),
        ({"lag": {"value": "returned_at"}}, "lag.value is a timestamp"),
        ({"lag": {"value": "days_kept", "rows": 0}}, "lag.rows"),
        ({"first": "returned_at"}, "is a timestamp"),
        ({"distinct": "returned_at"}, "is a timestamp"),
        ({"top": "days_kept / 2"}, "is a number"),
        ({"entropy": "days_kept / 2"}, "is a number"),
        ({"slope": "store"}, "is a string"),
        ({"time_since": "days_kept"}, "is a integer"),
        ({"ratio": {"value": "store"}}, "ratio.value is a string"),
        ({"ratio": {"value": "days_kept", "to": "9 minutes"}}, "or all"),
        ({"lag": {"value": "days_kept", "row": 2}}, "did you mean rows?"),
        ({"median": "days_kept"}, "median is not a setting"),
        ({"last": "day_kept"}, "did you mean days_kept?"),
        ({"min": "days_kept", "max": "days_kept"}, "exactly one of count, sum"),
    ],
    ids=str,
)
def test_what_a_measure_cannot_be_of_is_refused(conf: Configuration, measure, told):
    with pytest.raises(ConfigError) as refused:
        _load(conf, measure)
    assert told in str(refused.value)
    assert "shop.yml:" in str(refused.value)


@pytest.mark.parametrize("kind", sorted(set(MEASURED) - {"lag", "quantile", "ratio"}))
def test_personal_values_reach_no_measure(conf: Configuration, kind):
    columns = [dict(column) for column in COLUMNS["returns"]]
    for column in (1, 3):
        columns[column]["classification"] = "pii"
    conf.write_contract("returns", columns)
    given = {
        "time_since": "(days_kept > 3) is true or (cast(days_kept as boolean))",
        "share": "cast(days_kept as boolean)",
    }
    with pytest.raises(ConfigError, match="personal"):
        _load(conf, {kind: given.get(kind, "days_kept")})


def test_a_ratio_compares_with_a_longer_window(conf: Configuration):
    ratio = {"ratio": {"value": "days_kept", "to": "7 days"}}
    for over in (["24 hours", "28 days"], ["7 days"], ["3 rows"], ["all"]):
        with pytest.raises(ConfigError, match="is not longer than") as refused:
            _load(conf, ratio, over)
        assert refused.value.code == "LS-1085"
        assert "ratio.to" in str(refused.value) or "shop.yml:" in str(refused.value)


def test_a_ratio_is_not_over_the_window_that_it_compares_with(conf: Configuration):
    ratio = {"ratio": {"value": "days_kept"}}

    names = _names(_load(conf, ratio, ["24 hours", "5 rows", "all"]))

    assert names == ["returns_by_store_24h_m", "returns_by_store_5r_m"]


def test_every_measure_says_what_it_can_be_of():
    assert set(MEASURED) | {"count"} == set(Measure.model_fields)


def test_longer_is_a_strict_order_of_windows_of_one_kind():
    day, week, two, five, every = (
        parse_any_window(text) for text in ("1 day", "7 days", "2 rows", "5 rows", "all")
    )
    assert two == LastRows(number=2)
    assert is_longer(week, day)
    assert is_longer(five, two)
    assert all(is_longer(every, other) for other in (day, week, two, five))
    for left, right in ((day, week), (two, five), (week, five), (five, day), (every, every)):
        assert not is_longer(left, right)
    assert [window_label(each) for each in (day, two, every)] == ["24h", "2r", "all"]
