"""A small configuration folder that each test may damage."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

CASE: dict[str, Any] = {
    "version": 1,
    "case": "shop",
    "sources": {
        "stores": {"path": "stores.csv", "contract": "stores", "key": ["store"]},
        "orders": {
            "path": "orders/{date}.csv",
            "arrives": {"days": -1, "time": "20:00", "zone": "Europe/Vienna"},
            "contract": "orders",
            "key": ["order_no"],
            "lookup": [
                {"from": "stores", "on": {"store": "store"}, "take": {"store_zone": "zone"}}
            ],
            "times": {"ordered_at": {"date": "day", "clock": "clock", "zone": "store_zone"}},
            "derive": {"hour": "cast(floor(clock / 100) as int)", "is_big": "amount > 100"},
        },
        "returns": {
            "path": "returns/{date}.csv",
            "arrives": {"time": "03:00", "zone": "Europe/Vienna"},
            "contract": "returns",
            "key": ["order_no"],
            "known_at": "returned_at + interval 1 hour",
        },
    },
    "predict": {
        "each": "orders",
        "day": "day",
        "at": {"time": "03:00", "zone": "Europe/Vienna"},
        "label": {"name": "is_returned", "from": "returns", "is": "days_kept < 30"},
        "split": {"validate_from": "2024-03-01", "test_from": "2024-04-01"},
    },
    "features": {
        "own": ["store", "amount", "hour", "is_big"],
        "latest": {"returns": {"on": ["store"], "within": "7 days", "take": ["days_kept"]}},
        "history": {
            "returns": {
                "by": [["store"], []],
                "over": ["7 days"],
                "measures": {"kept": {"mean": "days_kept"}, "rows": {"count": "*"}},
            }
        },
    },
    "gate": {"metric": "auc", "at_least": 0.6, "suspicious_above": 0.95},
}
COLUMNS: dict[str, list[dict[str, Any]]] = {
    "stores": [
        {"name": "store", "logicalType": "string", "required": True},
        {"name": "zone", "logicalType": "string"},
    ],
    "orders": [
        {"name": "order_no", "logicalType": "integer", "required": True},
        {"name": "store", "logicalType": "string"},
        {"name": "day", "logicalType": "date", "required": True},
        {"name": "clock", "logicalType": "integer"},
        {"name": "amount", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}},
        {"name": "email", "logicalType": "string", "classification": "PII"},
    ],
    "returns": [
        {"name": "order_no", "logicalType": "integer", "required": True},
        {"name": "store", "logicalType": "string"},
        {"name": "returned_at", "logicalType": "timestamp", "required": True},
        {"name": "days_kept", "logicalType": "integer"},
    ],
}
ENVIRONMENT: dict[str, Any] = {
    "name": "local",
    "lakehouse": "lakehouse",
    "spark": {"master": "local[2]"},
    "mlflow": {"tracking_uri": "sqlite:///lakehouse/mlflow.db"},
}

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
Change = Callable[[dict[str, Any]], object]


def contract_text(name: str, columns: list[dict[str, Any]]) -> str:
    """A contract of one table."""
    schema = [{"name": name, "properties": columns}]
    content = {"apiVersion": "v3.1.0", "kind": "DataContract", "schema": schema}
    return _yaml(content)


def _yaml(content: dict[str, Any]) -> str:
    return str(yaml.dump(content, Dumper=_DUMPER, sort_keys=False))


class Configuration:
    """A configuration folder on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("cases", "contracts", "env"):
            (folder / name).mkdir()
        self.write_case()
        self.write_environment()
        for name, columns in COLUMNS.items():
            self.write_contract(name, columns)

    def write_case(self, change: Change | None = None) -> Path:
        return self._write("cases/shop.yml", _changed(CASE, change))

    def write_environment(self, change: Change | None = None) -> Path:
        return self._write("env/local.yml", _changed(ENVIRONMENT, change))

    def write_contract(self, name: str, columns: list[dict[str, Any]]) -> Path:
        return self.write_text(f"contracts/{name}.odcs.yml", contract_text(name, columns))

    def write_text(self, path: str, text: str) -> Path:
        (self.folder / path).write_text(text, encoding="utf-8")
        return self.folder / path

    def replace_in_case(self, old: str, new: str) -> None:
        path = self.folder / "cases/shop.yml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def _write(self, path: str, content: dict[str, Any]) -> Path:
        return self.write_text(path, _yaml(content))


def _changed(content: dict[str, Any], change: Change | None) -> dict[str, Any]:
    content = copy.deepcopy(content)
    if change is not None:
        change(content)
    return content


@pytest.fixture
def conf(tmp_path: Path) -> Configuration:
    folder = tmp_path / "conf"
    folder.mkdir()
    return Configuration(folder)
