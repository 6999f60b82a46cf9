"""Formats that say which columns there are, and contracts that promise others."""

from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.format import Files, Idx
from lepton_spark.errors import ConfigError
from tests.config.conftest import Configuration

SCAN = {"name": "scan", "logicalType": "string", "required": True}


def check(conf: Configuration, form: dict[str, Any], *columns: dict[str, Any]) -> None:
    extra = {"path": "scans/*", "contract": "scans", "key": ["scan"], **form}
    conf.write_contract("scans", list(columns))
    conf.write_case(lambda case: case["sources"].update(scans=extra))
    load_all(conf.folder, "shop", "local")


@pytest.mark.parametrize(
    ("form", "header", "told"),
    [
        ({"fixed_width": {"columns": {"Scan": [1, 4]}}}, "scan", "fixed_width.columns"),
        ({"idx": {}}, "index", "index, value, height, width"),
        ({"files": {"content": "text"}}, "path", "name, folder, path, num_bytes, content."),
    ],
)
def test_a_column_that_no_file_has_is_told_before_a_file_is_read(
    conf: Configuration, form: dict[str, Any], header: str, told: str
):
    scan = {**SCAN, "physicalName": header}
    check(conf, form, scan)

    with pytest.raises(ConfigError) as caught:
        check(conf, form, scan, {"name": "channels", "logicalType": "integer"})

    assert caught.value.code == "LS-1093"
    assert "cases/shop.yml:" in caught.value.what
    assert "promises channels" in caught.value.what
    assert told in f"{caught.value.why}. {caught.value.fix}"


def test_an_image_has_a_size_and_csv_is_known_from_its_files_only(conf: Configuration):
    channels = {"name": "channels", "logicalType": "integer"}
    scan = {**SCAN, "physicalName": "path"}

    check(conf, {"files": {"content": "image"}}, scan, channels)
    check(conf, {}, scan, channels)


def test_what_is_offered_is_what_is_read():
    texts = ("name", "folder", "path", "num_bytes", "content")

    assert Idx().offered == ("index", "value", "height", "width")
    assert Files(content="text").offered == texts
    assert Files(content="image").offered == (*texts, "width", "height", "channels")
