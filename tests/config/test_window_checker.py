from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.feature_name import feature_names
from lepton_spark.errors import ConfigError
from tests.config.conftest import Configuration

WINDOWS: dict[str, Any] = {
    "by": ["store"],
    "every": "1 day",
    "steps": 7,
    "happened_at": "returned_at",
    "for_each": {"store": ["north", "south"]},
    "measures": {"kept": {"mean": "days_kept"}},
}


def write(
    conf: Configuration, *, aim: bool = False, kind: str | None = None, **changed: Any
) -> None:
    def change(case: dict[str, Any]) -> None:
        case["features"]["windows"] = {"returns": {**WINDOWS, **changed}}
        case["model"] = {"kind": kind} if kind else {}
        if not aim:
            del case["predict"]["label"], case["predict"]["split"], case["gate"]

    conf.write_case(change)


def test_each_value_and_measure_gives_values_a_mask_and_gaps(conf: Configuration):
    write(conf)

    names = feature_names(load_all(conf.folder, "shop", "local").case)

    assert names[-6:] == (
        "returns_7x24h_north_kept", "returns_7x24h_north_kept_mask",
        "returns_7x24h_north_kept_gap", "returns_7x24h_south_kept",
        "returns_7x24h_south_kept_mask", "returns_7x24h_south_kept_gap",
    )  # fmt: skip


def refusal(conf: Configuration) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")
    return caught.value


def test_windows_of_a_case_with_an_aim_need_a_model_that_reads_them(conf: Configuration):
    write(conf, aim=True)

    error = refusal(conf)

    assert error.code == "LS-1082"
    assert "shop.yml:" in error.what
    assert "set model.kind to gru" in error.fix
    write(conf, aim=True, kind="gru")
    assert load_all(conf.folder, "shop", "local").case.model.series_units == 64


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"by": ["stor"]}, "did you mean store?"),
        ({"happened_at": "days_kept"}, "is a integer"),
        ({"for_each": {"days_kept": ["a"]}}, "is a integer"),
        ({"for_each": {"store": ["a", "A"]}}, "each once"),
        ({"measures": {"kept": {"mean": "store"}}}, "is a string"),
        ({"steps": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_cut_into_steps_is_told(
    conf: Configuration, changed: dict[str, Any], told: str
):
    write(conf, **changed)

    assert told in str(refusal(conf))
