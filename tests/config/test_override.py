from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.loader import load_case, load_environment
from lepton_spark.errors import ConfigError
from tests.config.conftest import Configuration


def test_an_override_replaces_a_value_or_adds_a_setting(conf: Configuration):
    case = load_case(
        conf.folder, "shop", ["gate.at_least=0.7", "train.epochs=3", "model.hidden=[8, 4]"]
    )

    assert case.gate.at_least == 0.7
    assert case.train.epochs == 3
    assert case.model.hidden == (8, 4)


def test_a_list_is_entered_by_number(conf: Configuration):
    case = load_case(conf.folder, "shop", ["sources.orders.key.0=store"])

    assert case.sources["orders"].key == ("store",)


def test_a_property_of_spark_is_one_key_and_always_text(conf: Configuration):
    overrides = ["spark.conf.spark.sql.shuffle.partitions=4"]

    environment = load_environment(conf.folder, "local", overrides)

    assert environment.spark.conf == {"spark.sql.shuffle.partitions": "4"}


def test_case_and_environment_each_take_their_own_overrides(conf: Configuration):
    loaded = load_all(conf.folder, "shop", "local", ["train.epochs=2", "max_workers=4"])

    assert loaded.case.train.epochs == 2
    assert loaded.environment.max_workers == 4


def test_an_equals_sign_may_be_part_of_the_value(conf: Configuration):
    case = load_case(conf.folder, "shop", ["predict.label.is=days_kept = 3"])

    assert case.predict.label.is_ == "days_kept = 3"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("train.epoch=3", "did you mean epochs?"),
        ("trian.epochs=3", "did you mean train?"),
        ("train.epochs", "--set train.epochs=3"),
        ("=3", "--set train.epochs=3"),
        ("train..epochs=3", "--set train.epochs=3"),
        ("case=other", "choose from"),
        ("version=1", "choose from"),
        ("sources.orders.key.7=x", "number of an item"),
        ("predict.day.x=1", "number of an item"),
        (f"sources.orders.key.{'7' * 5000}=x", "number of an item"),
        (f"train.{'7' * 5000}=1", "is not a setting"),
        ("sources.orders.key.\u0660=x", "number of an item"),
        ("train.epochs=!!python/name:os.system", "tag"),
        ("train.epochs=[1", "not YAML"),
        ("train.epochs=no", "quote it"),
    ],
)
def test_a_wrong_override_is_refused_with_its_own_name(
    conf: Configuration, override: str, told: str
):
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local", [override])

    assert told in str(caught.value)
    assert "--set" in str(caught.value)


def test_a_part_of_a_path_is_a_number_in_a_list_only(conf: Configuration):
    clean = "sources.orders.clean.store.spelling.007=[bond]"
    case = load_case(conf.folder, "shop", [clean, "sources.orders.key.0=day"])

    assert case.sources["orders"].clean["store"].spelling == {"007": ("bond",)}
    assert case.sources["orders"].key == ("day",)
    error = refusal_of(conf, "sources.orders.key.0=7")
    assert "--set sources.orders.key.0: sources.orders.key.0 is not accepted" in error


def refusal_of(conf: Configuration, override: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_case(conf.folder, "shop", [override])
    return str(caught.value)


def test_overrides_change_no_file_and_no_later_load(conf: Configuration):
    load_case(conf.folder, "shop", ["train.epochs=3"])

    assert load_case(conf.folder, "shop").train.epochs == 20


@pytest.mark.parametrize("value", ["#", "#!", "a #b"])
def test_on_a_command_line_nothing_is_a_comment(conf: Configuration, value: str):
    case = load_case(conf.folder, "shop", [f"description={value}"])

    assert case.description == value


def test_an_override_leaves_what_an_alias_repeats(conf: Configuration):
    def repeat(case: dict[str, Any]) -> None:
        # Written with an anchor and an alias, since it is one object.
        case["sources"]["twins"] = case["sources"]["stores"]

    path = conf.write_case(repeat)
    assert "*id001" in path.read_text()

    case = load_case(conf.folder, "shop", ["sources.stores.path=other.csv"])

    assert case.sources["stores"].path == "other.csv"
    assert case.sources["twins"].path == "stores.csv"
