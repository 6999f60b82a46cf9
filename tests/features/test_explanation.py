"""What is said of each feature; nothing is started for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.feature_name import feature_names
from lepton_spark.config.loader import list_cases
from lepton_spark.features.explanation import explain
from tests.config.conftest import Configuration

ROOT = Path(__file__).parents[2]
PUBLIC = ROOT / "tests" / "cases" / "conf"
FOLDERS = [(ROOT / "conf", "flight_delay"), *((PUBLIC, name) for name in list_cases(PUBLIC))]


@pytest.fixture(scope="module")
def delay():
    loaded = load_all(ROOT / "conf", "flight_delay", "local")
    return explain(loaded.case, loaded.contracts)


@pytest.mark.parametrize(("conf", "name"), FOLDERS, ids=lambda part: str(part)[-20:])
def test_every_feature_of_every_case_is_explained(conf, name):
    loaded = load_all(conf, name, "local")

    told = explain(loaded.case, loaded.contracts)

    assert tuple(told) == feature_names(loaded.case)
    raw = {
        f"{source}.{column.name}"
        for source, settings in loaded.case.sources.items()
        for column in loaded.contracts[settings.contract].columns
    }
    places = {f"{source} ({part})" for source in loaded.case.sources for part in ("file", "row")}
    assert all({*each.reads} <= raw | places for each in told.values())


def test_a_window_says_its_source_key_length_and_when_its_rows_count(delay):
    told = delay["outcomes_by_origin_hour_7d_age"]

    assert told.measure == "mean of aircraft_age"
    assert told.type == "float"
    assert told.key == ("origin", "hour")
    assert told.window == "the last 7 days"
    assert told.null == "no value in the last 7 days"
    assert told.known.startswith("from recorded_at, not before its file: the same day at 03:00")
    assert told.reads == (
        "outcomes.flight_date", "outcomes.origin", "outcomes.sched_dep_time", "outcomes.tailnum",
        "planes.year",
    )  # fmt: skip


def test_a_count_is_never_null(delay):
    told = delay["outcomes_by_carrier_24h_flights"]

    assert (told.measure, told.type) == ("count of rows", "integer")
    assert told.null.startswith("never")


def test_the_last_row_and_its_age_say_how_old_they_may_be(delay):
    temp, age = delay["weather_temp"], delay["weather_age_hours"]

    assert (temp.type, age.type) == ("number", "float")
    assert "12 hours" in temp.window
    assert temp.reads == ("weather.origin", "weather.temp")
    assert age.reads == ("weather.observed_at", "weather.origin")


def test_a_feature_of_the_row_is_followed_to_its_references(delay):
    told = delay["dest_lat"]

    assert told.reads == ("airports.lat", "schedule.dest")
    assert told.window == "the row itself"
    assert "-1 days at 20:00" in told.known


def test_it_is_said_what_numbers_are_taken_to_before_they_are_summed(delay):
    told = delay["outcomes_by_origin_hour_7d_age"]

    assert told.nearest.startswith("2**-48")
    assert "  nearest   2**-48" in str(told)
    assert delay["outcomes_by_carrier_24h_flights"].nearest == ""


def _shop(tmp_path, features):
    conf = Configuration(tmp_path)

    def change(case):
        case["features"] = {"own": [], **features}
        del case["predict"]["label"], case["predict"]["split"], case["gate"]

    conf.write_case(change)
    loaded = load_all(conf.folder, "shop", "local")
    return explain(loaded.case, loaded.contracts)


def test_a_count_of_a_step_is_never_null_and_a_mean_of_it_may_be(tmp_path):
    measures = {"rows": {"count": "*"}, "kept": {"mean": "days_kept"}}
    settings = {"by": ["store"], "every": "1 day", "steps": 7, "measures": measures}

    told = _shop(tmp_path, {"windows": {"returns": settings}})

    assert told["returns_7x24h_rows"].null == "never: 0 where there are none"
    assert told["returns_7x24h_rows_gap"].null == "never"
    assert told["returns_7x24h_kept"].null == "an item: no value in its step"
    assert told["returns_7x24h_kept"].nearest.startswith("2**-48")
    assert told["returns_7x24h_kept_mask"].nearest == ""


def test_a_slope_is_null_too_where_all_values_are_of_one_instant(tmp_path):
    measures = {"trend": {"slope": "days_kept"}, "spread": {"deviation": "days_kept"}}
    settings = {"by": [["store"]], "over": ["7 days"], "measures": measures}

    told = _shop(tmp_path, {"history": {"returns": settings}})

    assert told["returns_by_store_7d_trend"].null.endswith("or all of the same millisecond")
    assert told["returns_by_store_7d_spread"].null == "fewer than two values in the last 7 days"
    assert told["returns_by_store_7d_trend"].nearest.startswith("2**-40")


def test_the_text_has_a_line_for_each_fact(delay):
    lines = str(delay["weather_temp"]).splitlines()

    assert lines[0] == "weather_temp"
    assert [line.split("  ")[1] for line in lines[1:]] == [
        "what", "from", "by", "window", "counts", "null", "asked by",
    ]  # fmt: skip
