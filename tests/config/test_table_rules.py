"""What a contract promises of a table: read with its place, or refused with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from lepton_spark.config.contract import Contract, load_contract
from lepton_spark.config.table_rules import (
    Compared,
    Counted,
    Filled,
    Fresh,
    Limit,
    Relationship,
    Unique,
)
from lepton_spark.errors import ConfigError

COLUMNS: list[dict[str, Any]] = [
    {"name": "order_no", "logicalType": "integer"},
    {"name": "shop", "logicalType": "string"},
    {"name": "price", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}},
    {"name": "email", "logicalType": "string", "classification": "personal"},
    {"name": "seen_at", "logicalType": "timestamp"},
    {"name": "day", "logicalType": "date"},
]
MEDIAN = {"rule": "median", "days": 28, "within": 0.5}


def read(tmp_path: Path, *, table: Any = None, contract: Any = None, **columns: Any) -> Contract:
    """A contract with changes to its columns, its table and itself."""
    properties = [{**each, **columns.get(each["name"], {})} for each in COLUMNS]
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "schema": [{"name": "orders", "properties": properties, **(table or {})}],
        **(contract or {}),
    }
    (tmp_path / "contracts").mkdir(exist_ok=True)
    path = tmp_path / "contracts/orders.odcs.yml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return load_contract(tmp_path, "orders")


def custom(severity: str = "error", **implementation: Any) -> dict[str, Any]:
    rule = {"type": "custom", "engine": "lepton", "implementation": implementation}
    return {**rule, "severity": severity}


def rules(*quality: dict[str, Any]) -> dict[str, Any]:
    return {"quality": list(quality)}


def test_a_contract_without_rules_promises_nothing_of_its_table(tmp_path: Path) -> None:
    found = read(tmp_path)

    assert found.table == "orders"
    assert found.row_severities == {}
    assert not found.rules.are_measured


def test_unique_columns_alone_and_together(tmp_path: Path) -> None:
    together = {
        "metric": "duplicateValues",
        "mustBe": 0,
        "severity": "warning",
        "arguments": {"properties": ["shop", "day"]},
    }

    found = read(tmp_path, table=rules(together), order_no={"unique": True})

    assert found.rules.unique == (
        Unique(columns=("order_no",)),
        Unique(columns=("shop", "day"), row_severity="warning", severity="warning"),
    )
    assert found.row_severities == {"not_unique:shop+day": "warning"}


def test_relationships_of_a_property_and_of_the_table(tmp_path: Path) -> None:
    grave = {"customProperties": [{"property": "severity", "value": "critical"}]}
    table = {"from": ["orders.shop", "orders.day"], "to": ["openings.shop", "openings.day"]}

    found = read(
        tmp_path,
        table={"relationships": [table]},
        shop={"relationships": [{"to": "shops.shop", **grave}]},
    )

    assert found.rules.relationships == (
        Relationship(columns=("shop",), table="shops", found_in=("shop",), severity="critical"),
        Relationship(columns=("shop", "day"), table="openings", found_in=("shop", "day")),
    )
    assert found.row_severities == {"no_reference:shop": "critical"}


def test_how_old_the_newest_value_may_be(tmp_path: Path) -> None:
    levels = [
        {"property": "latency", "value": 26, "unit": "h", "element": "orders.seen_at"},
        {"property": "freshness", "value": 2, "unit": "d", "element": "seen_at, day"},
        {"property": "endOfSupport", "value": "2032-05-12"},
    ]

    found = read(tmp_path, contract={"slaProperties": levels})

    assert found.rules.fresh == (
        Fresh(column="seen_at", at_most=timedelta(hours=26), is_date=False),
        Fresh(column="seen_at", at_most=timedelta(days=2), is_date=False),
        Fresh(column="day", at_most=timedelta(days=2), is_date=True),
    )


def test_comparisons_with_earlier_days(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        table=rules(custom(rule="volume", days=7, within=0.3, by=["shop"])),
        price=rules(custom("warning", **MEDIAN), custom(rule="not_constant")),
        email=rules(custom(rule="null_rate", days=2, within=0.05, by=["shop"], min_rows=20)),
        shop=rules(custom(rule="share", days=28, within=0.1), custom(rule="not_all_null")),
    )

    assert found.rules.compared == (
        Compared(measure="volume", days=7, within=0.3, by=("shop",)),
        Compared(measure="share", column="shop", days=28, within=0.1),
        Compared(measure="median", column="price", days=28, within=0.5, severity="warning"),
        Compared(
            measure="null_rate", column="email", days=2, within=0.05, by=("shop",), min_rows=20,
            min_days=2,
        ),
    )  # fmt: skip
    assert found.rules.filled == (
        Filled(column="shop", varies=False, min_rows=2),
        Filled(column="price", varies=True, min_rows=2),
    )
    assert found.rules.compared[0].place.endswith("orders.odcs.yml:59:5")


def test_a_rule_of_cells_has_a_severity_or_a_limit(tmp_path: Path) -> None:
    none = {"metric": "nullValues", "mustBe": 0, "severity": "warning"}
    few = {"metric": "missingValues", "mustBeLessThan": 5, "unit": "percent"}
    few["arguments"] = {"missingValues": [None, "?"]}
    known = {"metric": "invalidValues", "mustBe": 0, "severity": "critical"}
    known["arguments"] = {"validValues": ["A", "B"]}
    shaped = {"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "[A-Z]"}}
    repeated = {"metric": "duplicateValues", "mustBeLessOrEqualTo": 3}

    found = read(
        tmp_path,
        order_no=rules(none),
        price=rules(custom("warning", severity_of="out_of_range")),
        email=rules(few, repeated),
        shop=rules(known, shaped, {"type": "text", "description": "As on the map."}),
    )

    columns = {column.name: column for column in found.columns}
    assert columns["order_no"].missing == ()
    assert not columns["order_no"].required
    assert columns["email"].missing == ("?",)
    assert (columns["shop"].allowed, columns["shop"].pattern) == (("A", "B"), "[A-Z]")
    assert found.row_severities == {
        "missing:order_no": "warning",
        "not_allowed:shop": "critical",
        "out_of_range:price": "warning",
        "missing:email": "counted",
        "not_unique:email": "counted",
    }
    assert found.rules.counted == (
        Counted(counts="missing:email", limit=Limit("mustBeLessThan", 5, 5), in_percent=True),
        Counted(counts="not_unique:email", limit=Limit("mustBeLessOrEqualTo", 3, 3)),
    )


def test_rows_of_a_day_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, table=rules({"metric": "rowCount", "mustBeBetween": [10, 20]}))

    assert found.rules.counted == (Counted(counts="rows", limit=Limit("mustBeBetween", 10, 20)),)
    assert str(found.rules.counted[0].limit) == "10-20"


def test_a_limit_is_told_with_all_its_digits() -> None:
    assert str(Limit("mustBe", 1_000_001, 1_000_001)) == "1,000,001"
    assert str(Limit("mustBeBetween", 1.5, 2e6)) == "1.5-2,000,000"


NULLS = {"metric": "nullValues", "mustBe": 0}


def invalid(**arguments: Any) -> dict[str, Any]:
    return {"metric": "invalidValues", "mustBe": 0, "arguments": arguments}


def arguments(missing: Any) -> dict[str, Any]:
    return {"arguments": {"missingValues": missing}}


def properties(names: Any) -> dict[str, Any]:
    return {"arguments": {"properties": names}}


def latency(days: float) -> dict[str, Any]:
    level = {"property": "latency", "value": days, "unit": "d", "element": "seen_at"}
    return {"slaProperties": [level]}


@pytest.mark.parametrize(
    ("changes", "code", "told"),
    [
        ({"price": rules({"metric": "medain"})}, "LS-1070", "the metric medain is not executed"),
        ({"price": rules({"metric": "nullValues"})}, "LS-1070", "has 0 operators"),
        ({"price": rules({**NULLS, "mustNotBe": 1})}, "LS-1070", "has 2 operators"),
        ({"price": rules({**NULLS, "mustBe": "none"})}, "LS-1070", "mustBe is no number"),
        ({"price": rules({**NULLS, "mustBe": float("nan")})}, "LS-1070", "mustBe is no number"),
        ({"shop": rules(invalid(validValues="north"))}, "LS-1070", "validValues is no list"),
        ({"shop": rules(invalid(pattern="(?P<y>a)"))}, "LS-1070", "do not read it alike"),
        ({"price": rules(invalid(pattern="a"))}, "LS-1070", "price is no string column"),
        (
            {"shop": rules({"metric": "missingValues", "mustBe": 0, **arguments("NA")})},
            "LS-1070",
            "missingValues is no list",
        ),
        (
            {"table": rules({"metric": "duplicateValues", "mustBe": 0, **properties("day")})},
            "LS-1070",
            "properties is no list",
        ),
        ({"contract": latency(float("inf"))}, "LS-1070", "not above 0, or more than 36,500 days"),
        ({"contract": latency(float("nan"))}, "LS-1070", "not above 0, or more than 36,500 days"),
        ({"contract": latency(9_999_999_999)}, "LS-1070", "not above 0, or more than"),
        ({"price": rules({**NULLS, "mustbe": 1})}, "LS-1070", "mustbe is not executed"),
        ({"price": rules({**NULLS, "severity": "fatal"})}, "LS-1071", "the severity fatal"),
        ({"price": rules({**NULLS, "schedule": "0 20 * * *"})}, "LS-1070", "schedule is not"),
        (
            {"price": rules({"metric": "nullValues", "mustBeLessThan": 1, "unit": "metres"})},
            "LS-1070",
            "the unit metres is not known",
        ),
        ({"price": rules({"type": "sql", "query": "select 1", "mustBe": 1})}, "LS-1070", "query"),
        ({"price": rules({**custom(**MEDIAN), "engine": "soda"})}, "LS-1070", "another engine"),
        ({"price": rules(custom(rule="meddian"))}, "LS-1070", "the rule meddian is not executed"),
        ({"price": rules({**custom(), "implementation": "x"})}, "LS-1070", "is no mapping"),
        ({"price": rules(custom(**MEDIAN, whithin=1))}, "LS-1004", "did you mean within"),
        ({"price": rules(custom(rule="median", days=1, within=1))}, "LS-1007", "at least 2"),
        ({"price": rules(custom(rule="volume", days=7, within=1))}, "LS-1070", "volume is not"),
        ({"price": rules(custom(severity_of="too_long"))}, "LS-1070", "does not promise"),
        ({"price": {"required": True, **rules(NULLS)}}, "LS-1070", "missing:price is promised"),
        ({"shop": rules(custom(**MEDIAN))}, "LS-1073", "shop is a string"),
        ({"price": rules(custom(rule="share", days=7, within=1))}, "LS-1073", "a number"),
        ({"email": rules(custom(rule="share", days=7, within=1))}, "LS-1074", "personal"),
        ({"price": rules(custom(**MEDIAN, by=["email"]))}, "LS-1074", "personal"),
        ({"price": rules(custom(**MEDIAN, by=["shap"]))}, "LS-1070", "by names shap"),
        ({"table": rules({"metric": "nullValues", "mustBe": 0})}, "LS-1070", "nullValues is not"),
        (
            {"table": rules({"metric": "rowCount", "mustBe": 5, "unit": "percent"})},
            "LS-1070",
            "no share",
        ),
        (
            {
                "table": rules(
                    {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["x"]}}
                )
            },
            "LS-1070",
            "x is no column of the contract",
        ),
        *(
            (
                {"table": rules({"metric": "duplicateValues", "mustBe": 0, **properties(names)})},
                "LS-1070",
                "named by what is no text",
            )
            for names in ([1], [["day"]], [None])
        ),
        ({"table": {"qualities": []}}, "LS-1070", "qualities is not executed"),
        ({"shop": {"relationships": [{"to": "shops"}]}}, "LS-1070", "no table.column"),
        (
            {"shop": {"relationships": [{"to": "shops.shop", "from": "orders.shop"}]}},
            "LS-1070",
            "from belongs to",
        ),
        (
            {"table": {"relationships": [{"from": ["shop", "day"], "to": ["shops.shop"]}]}},
            "LS-1070",
            "do not fit",
        ),
        (
            {"contract": {"slaProperties": [{"property": "retention", "value": 3}]}},
            "LS-1070",
            "retention is not executed",
        ),
        (
            {"contract": {"slaProperties": [{"property": "latency", "value": 3, "unit": "d"}]}},
            "LS-1070",
            "nothing is no column",
        ),
        (
            {
                "contract": {
                    "slaProperties": [
                        {"property": "latency", "value": 3, "unit": "h", "element": "day"}
                    ]
                }
            },
            "LS-1073",
            "the age of day, a date",
        ),
        (
            {
                "contract": {
                    "slaProperties": [
                        {"property": "latency", "value": 0, "unit": "h", "element": "seen_at"}
                    ]
                }
            },
            "LS-1070",
            "not above 0",
        ),
        ({"contract": {"slaDefaultElement": "day"}}, "LS-1070", "deprecated"),
    ],
)
def test_a_promise_that_nobody_would_keep_is_refused_with_its_place(
    tmp_path: Path, changes: dict[str, Any], code: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **changes)

    assert caught.value.code == code
    assert told in caught.value.what
    assert "orders.odcs.yml:" in caught.value.what
