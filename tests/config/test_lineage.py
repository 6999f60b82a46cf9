"""Columns back to the raw ones that they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.lineage import Lineage

if TYPE_CHECKING:
    from tests.config.conftest import Configuration


@pytest.fixture
def lineage(conf: Configuration) -> Lineage:
    def add(case):
        orders = case["sources"]["orders"]
        orders["origin"] = {"file": "from_file", "row": "line"}
        orders["derive"]["late_hour"] = "case when hour > 20 then hour(ordered_at) end"

    conf.write_case(add)
    loaded = load_all(conf.folder, "shop", "local")
    return Lineage(loaded.case, loaded.contracts)


@pytest.mark.parametrize(
    ("column", "raw"),
    [
        ("amount", {"orders.amount"}),
        ("from_file", {"orders (file)"}),
        ("line", {"orders (row)"}),
        ("store_zone", {"stores.zone", "orders.store"}),
        ("ordered_at", {"orders.day", "orders.clock", "stores.zone", "orders.store"}),
        ("hour", {"orders.clock"}),
        ("late_hour", {"orders.day", "orders.clock", "stores.zone", "orders.store"}),
    ],
)
def test_a_column_is_followed_through_lookup_time_and_expression(lineage, column, raw):
    assert lineage.raw("orders", column) == raw


def test_an_expression_is_made_of_what_its_columns_are_made_of(lineage):
    assert lineage.raw_of("orders", "hour + amount") == {"orders.clock", "orders.amount"}
    assert lineage.raw_of("returns", "*") == set()
