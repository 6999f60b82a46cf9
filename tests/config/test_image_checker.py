"""What a case may ask of images and of the words of a text, and who may read them."""

from __future__ import annotations

from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.feature_name import feature_names
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS, Configuration

SHOT = {"name": "shot", "logicalType": "string", "physicalType": "binary"}
NOTE = {"name": "note", "logicalType": "string"}
IMAGES: dict[str, Any] = {"shot": {"height": 28, "width": 28}}


def write(conf: Configuration, kind: str = "table_mlp", **changed: Any) -> None:
    def change(case: dict[str, Any]) -> None:
        case["features"] |= {"own": [*case["features"]["own"], "note"]}
        case["model"] = {"kind": kind}
        for section, settings in changed.items():
            case[section] = {**case.get(section, {}), **settings}

    conf.write_contract("orders", [*COLUMNS["orders"], SHOT, NOTE])
    conf.write_case(change)


def refusal(conf: Configuration) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")
    return caught.value


@pytest.mark.parametrize("kind", ["cnn", "multimodal"])
def test_an_image_is_a_feature_under_its_own_name(conf: Configuration, kind: str):
    write(conf, kind, features={"images": IMAGES})

    assert "shot" in feature_names(load_all(conf.folder, "shop", "local").case)


@pytest.mark.parametrize(
    ("kind", "changed", "code", "told"),
    [
        ("table_mlp", {"features": {"images": IMAGES}}, "LS-1082", "cnn"),
        ("gru", {"features": {"images": IMAGES}}, "LS-1082", "multimodal"),
        ("cnn", {"features": {"images": {"note": IMAGES["shot"]}}}, None, "is a string"),
        ("cnn", {"features": {"images": {"shoot": IMAGES["shot"]}}}, None, "shot"),
        ("cnn", {"features": {"images": {"shot": {"height": 0, "width": 1}}}}, None, "at least 1"),
        ("table_mlp", {"transform": {"tokens": {"note": {"length": 9}}}}, "LS-1082", "gru"),
        ("cnn", {"transform": {"tokens": {"note": {"length": 9}}}}, "LS-1082", "multimodal"),
        ("gru", {"transform": {"tokens": {"amount": {"length": 9}}}}, "LS-1090", "note"),
        (
            "gru",
            {"transform": {"tokens": {"note": {"length": 9}}, "text": {"note": {}}}},
            "LS-1091",
            "remove note",
        ),
    ],
)
def test_what_cannot_be_read_is_told(
    conf: Configuration, kind: str, changed: dict[str, Any], code: str | None, told: str
):
    write(conf, kind, **changed)

    error = refusal(conf)

    assert told in str(error)
    assert code in (None, error.code)


def test_bytes_are_no_feature_by_themselves(conf: Configuration):
    write(conf, "cnn", features={"own": ["shot"]})

    assert "binary" in refusal(conf).what
