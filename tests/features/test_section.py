"""What a configuration asks for, held against the columns that its features are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.happened_at import require_happened_at, sources_over_time
from lepton_spark.errors import ConfigError
from lepton_spark.features.section import OVER_TIME, sections, sections_of_facts
from tests.config.conftest import Configuration

if TYPE_CHECKING:
    from pathlib import Path

_COLUMNS = {"place": "store", "no": "order_no"}
BUYERS = {
    "from": {"orders": {"columns": _COLUMNS}, "returns": {"columns": _COLUMNS}},
    "match": {"place": {"jaccard": [0.8]}, "no": {"exact": True}},
    "block": ["place", "no"],
    "keep": {"place": "trust", "no": "recency"},
}


@pytest.fixture
def conf(tmp_path: Path) -> Configuration:
    return Configuration(tmp_path)


def _loaded(conf: Configuration, change):
    conf.write_case(change)
    return load_all(conf.folder, "shop", "local").case


def _of_buyers(case):
    # Both have `no`, as far as the check of names goes.
    case["entities"] = {"buyers": BUYERS}
    case["sources"]["returns"]["happened_at"] = "returned_at"
    case["sources"]["orders"]["derive"]["place"] = "store"
    case["features"]["latest"]["buyers"] = {"on": ["place"], "within": "7 days", "take": ["no"]}


def test_a_leak_report_leaves_out_what_is_known_of_entities(conf):
    case = _loaded(conf, _of_buyers)

    require_happened_at(case)

    assert sources_over_time(case) == ("returns",)
    facts = [name for name, _, _ in sections_of_facts(case)]
    assert facts == ["latest.returns", "history.returns"]
    assert "latest.buyers" in [name for name, _, _ in sections(case.features, OVER_TIME)]


def test_of_entities_alone_there_is_no_leak_report(conf):
    def only_buyers(case):
        _of_buyers(case)
        del case["features"]["latest"]["returns"], case["features"]["history"]

    case = _loaded(conf, only_buyers)

    with pytest.raises(ConfigError, match="of a source") as refused:
        require_happened_at(case)

    assert refused.value.code == "LS-1089"


def test_a_feature_over_time_has_not_the_name_of_a_column_that_another_reads(conf):
    def named_alike(case):
        case["sources"]["orders"]["derive"]["returns_days_kept"] = "amount * 2"
        products = {"area": ["returns_days_kept", "amount"]}
        case["features"]["interactions"] = {"products": products}

    with pytest.raises(ConfigError, match="that another feature reads") as refused:
        _loaded(conf, named_alike)

    assert refused.value.code == "LS-1042"
    assert "returns_days_kept" in str(refused.value)


def test_a_column_may_be_a_feature_and_be_read_by_others(conf):
    def squared(case):
        case["features"]["interactions"] = {"products": {"square": ["amount", "amount"]}}

    assert "amount" in _loaded(conf, squared).features.own
