import pytest

from lepton_spark.config.check import Loaded, load_all
from lepton_spark.config.feature_name import feature_names
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS, Configuration

SENSORS = [
    {"name": name, "logicalType": "number"} for name in ("sensor_2", "sensor_10", "other", "Sensor")
]


def loaded(conf: Configuration, *own: str, **changes: object) -> Loaded:
    conf.write_contract("orders", [*COLUMNS["orders"], *SENSORS])
    conf.write_case(lambda case: case["features"].update(own=[*own], **changes))
    return load_all(conf.folder, "shop", "local")


def refusal(conf: Configuration, *own: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        loaded(conf, *own)
    return caught.value


def line_of(conf: Configuration, text: str) -> int:
    lines = (conf.folder / "cases/shop.yml").read_text().split("\n")
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_a_pattern_stands_for_the_columns_it_matches_in_the_order_of_the_source(
    conf: Configuration,
):
    case = loaded(conf, "store", "sensor_*", "other").case

    assert case.features.own == ("store", "sensor_2", "sensor_10", "other")
    assert feature_names(case)[:4] == case.features.own


def test_a_column_is_taken_once_by_its_name_and_patterns(conf: Configuration):
    own = loaded(conf, "sensor_10", "sensor_*", "sen*_2").case.features.own

    assert own == ("sensor_10", "sensor_2")


def test_a_pattern_matches_derived_columns_too(conf: Configuration):
    assert loaded(conf, "is_b*").case.features.own == ("is_big",)


def test_what_a_pattern_brings_may_be_a_category(conf: Configuration):
    case = loaded(conf, "ho*r", as_category=["hour"]).case

    assert case.features.as_category == case.features.own == ("hour",)


def test_a_pattern_that_matches_nothing_is_told_with_the_nearest(conf: Configuration):
    error = refusal(conf, "store", "sonsor_*")

    assert (error.code, error.exit_code) == ("LS-1018", 10)
    assert "features.own.1 is sonsor_*" in error.what
    assert "sensor_" in error.fix


def test_what_a_pattern_brings_is_held_against_the_rules_of_features(conf: Configuration):
    assert refusal(conf, "em*l").code == "LS-1041"


def test_what_is_wrong_after_a_pattern_is_told_at_its_own_line(conf: Configuration):
    error = refusal(conf, "sensor_*", "email")

    assert f"shop.yml:{line_of(conf, '- email')}:" in error.what
