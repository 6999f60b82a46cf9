"""Rules of tables against the sources of a case."""

from __future__ import annotations

from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.rule_checker import needs_of, sources_of
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS, Configuration


def promise(conf: Configuration, contract: str, column: str, **promised: Any) -> None:
    columns = [
        {**each, **(promised if each["name"] == column else {})} for each in COLUMNS[contract]
    ]
    conf.write_contract(contract, columns)


def refusal(conf: Configuration) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")
    return caught.value


def to(*targets: str) -> list[dict[str, str]]:
    return [{"to": target} for target in targets]


def test_a_relationship_looks_in_the_source_whose_contract_has_the_table(conf: Configuration):
    promise(conf, "returns", "order_no", relationships=to("orders.order_no"))

    loaded = load_all(conf.folder, "shop", "local")

    (rule,) = loaded.contracts["returns"].rules.relationships
    assert sources_of(loaded.case, loaded.contracts, "returns") == {rule: "orders"}
    assert needs_of(loaded.case, loaded.contracts) == {
        "stores": set(),
        "orders": {"stores"},
        "returns": {"orders"},
    }


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("order.order_no", "order is not the table of one other source"),
        ("returns.order_no", "returns is not the table of one other source"),
        ("orders.number", "orders has no column number"),
        ("orders.store", "order_no is a integer, orders.store a string"),
    ],
)
def test_a_relationship_to_what_is_not_there_is_refused_in_its_line(
    conf: Configuration, target: str, told: str
):
    promise(conf, "returns", "order_no", relationships=to(target))

    error = refusal(conf)

    assert (error.code, told in error.what) == ("LS-1072", True), error.what
    assert "returns.odcs.yml:10:" in error.what


def test_tables_that_refer_to_each_other_are_refused(conf: Configuration):
    promise(conf, "stores", "store", relationships=to("orders.store"))

    error = refusal(conf)

    assert (error.code, "orders, stores need each other" in error.what) == ("LS-1072", True)
    assert "stores.odcs.yml:10:" in error.what


def test_days_are_compared_only_where_files_say_when_they_arrive(conf: Configuration):
    volume = {
        "type": "custom",
        "engine": "lepton",
        "implementation": {"rule": "share", "days": 7, "within": 0.3},
    }
    promise(conf, "stores", "zone", quality=[volume])

    error = refusal(conf)

    assert error.code == "LS-1073"
    assert "stores does not say when its files arrive" in error.what
    assert "shop.yml:" in error.what
    assert "stores.odcs.yml:" in error.why


def test_rows_that_are_always_known_refer_to_nothing_that_came_later(conf: Configuration):
    promise(conf, "stores", "store", relationships=to("returns.store"))

    error = refusal(conf)

    assert (error.code, "stores looks in returns" in error.what) == ("LS-1107", True)
    assert "give stores arrives, or a known_at;" in error.fix


@pytest.mark.parametrize(
    ("known_at", "told"),
    [
        (None, "always known"),
        ("case when store_zone is null then ordered_at end", "reads what is looked up"),
        ("ordered_at", "reads what is looked up"),
        ("timestamp_seconds(amount)", None),
    ],
)
def test_rows_of_undated_files_look_up_by_when_they_were_known(
    conf: Configuration, known_at: str | None, told: str | None
):
    def change(case: dict[str, Any]) -> None:
        case["sources"]["stores"]["known_at"] = "timestamp '2024-01-01 00:00:00'"
        del case["sources"]["orders"]["arrives"]
        case["sources"]["orders"]["path"] = "orders.csv"
        if known_at is not None:
            case["sources"]["orders"]["known_at"] = known_at

    conf.write_case(change)

    if told is None:
        load_all(conf.folder, "shop", "local")
    else:
        error = refusal(conf)
        assert (error.code, told in error.what) == ("LS-1107", True)
        assert "a known_at that reads no looked-up column" in error.fix
