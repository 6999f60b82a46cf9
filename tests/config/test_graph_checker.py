"""What a case may ask of graphs, and who may read them."""

from __future__ import annotations

from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.feature_name import feature_names
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS, Configuration

TEXTS = [{"name": name, "logicalType": "string"} for name in ("starts", "ends", "charge")]
RING: dict[str, Any] = {
    "edges_from": "starts", "edges_to": "ends", "nodes": ["charge"], "max_nodes": 8, "max_edges": 9,
}  # fmt: skip


def write(conf: Configuration, kind: str, **changed: Any) -> None:
    def change(case: dict[str, Any]) -> None:
        case["features"]["graphs"] = {"ring": {**RING, **changed.pop("ring", {})}}
        case["model"] = {"kind": kind, **changed.pop("model", {})}
        for section, settings in changed.items():
            case[section] = {**case.get(section, {}), **settings}

    conf.write_contract("orders", [*COLUMNS["orders"], *TEXTS])
    conf.write_case(change)


@pytest.mark.parametrize("kind", ["graph", "multimodal"])
def test_the_columns_of_a_graph_are_features(conf: Configuration, kind: str):
    write(conf, kind)

    names = feature_names(load_all(conf.folder, "shop", "local").case)

    assert {"starts", "ends", "charge"} <= {*names}


@pytest.mark.parametrize(
    ("kind", "changed", "code", "told"),
    [
        ("table_mlp", {}, "LS-1082", "graph"),
        ("cnn", {}, "LS-1082", "multimodal"),
        ("graph", {"ring": {"nodes": ["amount"]}}, None, "amount"),
        ("graph", {"ring": {"nodes": ["chrage"]}}, None, "charge"),
        ("graph", {"ring": {"nodes": ["starts"]}}, "LS-1042", "another feature"),
        ("graph", {"ring": {"nodes": []}}, None, "nodes"),
        ("graph", {"ring": {"max_nodes": 0}}, None, "at least 1"),
        ("graph", {"model": {"leave_out": ["char*"]}}, "LS-1115", "whose graph refuses rows"),
        ("graph", {"transform": {"text": {"charge": {}}}}, "LS-1090", "charge"),
    ],
)
def test_what_cannot_be_read_is_told(
    conf: Configuration, kind: str, changed: dict[str, Any], code: str | None, told: str
):
    write(conf, kind, **changed)

    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")

    assert told in str(caught.value)
    assert code in (None, caught.value.code)
