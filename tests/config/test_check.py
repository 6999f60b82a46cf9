from pathlib import Path
from time import process_time
from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.columns import SilverColumns
from lepton_spark.config.feature_name import feature_names
from lepton_spark.config.loader import list_cases
from lepton_spark.errors import ConfigError
from tests.config.conftest import COLUMNS, Change, Configuration

SHIPPED = Path(__file__).parents[2] / "conf"


def refusal(conf: Configuration, change: Change) -> str:
    conf.write_case(change)
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")
    return str(caught.value)


def orders(**settings: Any) -> Change:
    return lambda case: case["sources"]["orders"].update(settings)


def features(**settings: Any) -> Change:
    return lambda case: case["features"].update(settings)


def history(**settings: Any) -> Change:
    return lambda case: case["features"]["history"]["returns"].update(settings)


def split(**settings: Any) -> Change:
    return lambda case: case["predict"]["split"].update(settings)


def by_shares(**settings: Any) -> Change:
    shares = {"validate_share": 0.2, "test_share": 0.2, **settings}
    return lambda case: case["predict"].update(split=shares)


@pytest.mark.parametrize("name", list_cases(SHIPPED))
def test_every_case_that_is_shipped_fits_its_contracts(name: str):
    load_all(SHIPPED, name, "local")


def test_a_second_check_takes_a_small_part_of_a_second():
    load_all(SHIPPED, "flight_delay", "local")
    start = process_time()

    load_all(SHIPPED, "flight_delay", "local")

    assert process_time() - start < 0.5


def test_silver_has_contract_lookup_times_and_derived_columns_in_order(conf: Configuration):
    loaded = load_all(conf.folder, "shop", "local")

    columns = SilverColumns(loaded.case, loaded.contracts).of("orders")

    assert {name: column.kind for name, column in columns.items()} == {
        "order_no": "integer",
        "store": "string",
        "day": "date",
        "clock": "integer",
        "amount": "number",
        "email": "string",
        "store_zone": "string",
        "ordered_at": "timestamp",
        "hour": "integer",
        "is_big": "boolean",
    }


def test_features_are_named_for_source_columns_window_and_measure(conf: Configuration):
    assert feature_names(load_all(conf.folder, "shop", "local").case) == (
        "store",
        "amount",
        "hour",
        "is_big",
        "returns_days_kept",
        "returns_age_hours",
        "returns_by_store_7d_kept",
        "returns_by_store_7d_rows",
        "returns_by_all_7d_kept",
        "returns_by_all_7d_rows",
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (orders(contract="order"), "did you mean orders?"),
        (orders(key=["order_nr"]), "did you mean order_no?"),
        (orders(known_at="day"), "is a date"),
        (orders(path="orders.csv"), "has no {date}"),
        (orders(lookup=[{"from": "store", "on": {}, "take": {}}]), "at least 1 item"),
        (
            orders(lookup=[{"from": "shops", "on": {"store": "store"}, "take": {"z": "zone"}}]),
            "names shops, which is no source",
        ),
        (
            orders(lookup=[{"from": "stores", "on": {"store": "zone"}, "take": {"z": "zone"}}]),
            "not the key of stores",
        ),
        (
            orders(lookup=[{"from": "stores", "on": {"clock": "store"}, "take": {"z": "zone"}}]),
            "is a integer",
        ),
        (
            orders(lookup=[{"from": "stores", "on": {"store": "store"}, "take": {"z": "zon"}}]),
            "did you mean zone?",
        ),
        (
            orders(lookup=[{"from": "orders", "on": {"clock": "order_no"}, "take": {"z": "day"}}]),
            "circle: orders -> orders",
        ),
        (orders(times={"at": {"date": "store", "clock": "clock", "zone": "UTC"}}), "is a string"),
        (orders(times={"at": {"date": "day", "clock": "amount", "zone": "UTC"}}), "is a number"),
        (orders(times={"at": {"date": "day", "clock": "clock", "zone": "Mars"}}), "time zone"),
        (
            orders(times={"at": {"date": "day", "clock": "clock", "zone": "UTC", "after": "on"}}),
            "names on, which is no column",
        ),
        (orders(derive={"first": "second + 1", "second": "1"}), "no column second"),
        (orders(derive={"Amount": "1"}), "already a column"),
        (orders(derive={"nothing": "null"}), "not known"),
        (orders(derive={"gap": "ordered_at - ordered_at"}), "interval"),
        (lambda case: case["predict"].update(each="order"), "did you mean orders?"),
        (lambda case: case["predict"].update(day="clock"), "is a integer"),
        (lambda case: case["predict"]["label"].update({"from": "return"}), "mean returns?"),
        (lambda case: case["predict"]["label"].update({"from": "stores"}), "different keys"),
        (lambda case: case["predict"]["label"].update({"is": "days_kept"}), "boolean"),
        (lambda case: case["predict"]["label"].update(only_if="days_kept + 1"), "boolean"),
        (lambda case: case["predict"]["split"].update(test_from="2024-01-01"), "before"),
        (lambda case: case["predict"]["split"].update(test_from="2024-13-01"), "date"),
        (split(gap_days=-1), "gap_days"),
        (by_shares(gap_days=7), "gap_days belongs to validate_from and test_from"),
        (split(by=["stor"]), "did you mean store?"),
        (split(by=["store_zone"]), "is in no key, day or own feature of orders"),
        (split(by=["amount"]), "is a number"),
        (features(own=["ordered_at"]), "is a timestamp"),
        (features(own=["store", "store"]), "name of another feature"),
        (features(own=["is_returned"]), "tells the label"),
        (features(as_category=["minute"]), "no feature"),
        (
            features(latest={"returns": {"on": ["amount"], "within": "7 days", "take": ["store"]}}),
            "no column of returns",
        ),
        (
            features(latest={"stores": {"on": ["store"], "within": "7 days", "take": ["zone"]}}),
            "become known",
        ),
        (history(by=[["clock"]]), "no column of returns"),
        (history(measures={"late": {"share": "days_kept"}}), "boolean"),
        (history(measures={"late": {"mean": "store"}}), "is a string"),
        (history(measures={"late": {"mean": "days"}}), "no column days"),
        (history(over=["5 minutes"]), "hours, days or weeks"),
        (lambda case: case["evaluate"].update(slices=["region"]), "no feature"),
        (lambda case: case["gate"].update(suspicious_above=0.6), "leak"),
        (lambda case: case.update(train={"baselines": []}), "not trained"),
        (lambda case: case.update(train={"baselines": ["majority"], "average": True}), "members"),
    ],
)
def test_what_does_not_fit_is_refused(conf: Configuration, change: Change, told: str):
    def with_evaluate(case: dict[str, Any]) -> None:
        case["evaluate"] = {}
        change(case)

    assert told in refusal(conf, with_evaluate)


def test_columns_to_join_on_have_one_kind(conf: Configuration):
    columns = [dict(column) for column in COLUMNS["returns"]]
    columns[1]["logicalType"] = "integer"
    conf.write_contract("returns", columns)

    assert "store of returns is a integer" in refusal(conf, lambda _: None)


def test_an_environment_may_be_too_small_for_a_case(conf: Configuration):
    conf.write_environment(lambda environment: environment.update(max_workers=1))

    assert "holds at most 1" in refusal(conf, lambda case: case.update(train={"workers": 2}))


def test_a_key_and_the_day_may_be_features(conf: Configuration):
    conf.write_case(features(own=["order_no", "store"]))

    load_all(conf.folder, "shop", "local")


@pytest.mark.parametrize("by", [["order_no"], ["day"], ["store", "hour"]])
def test_rows_are_grouped_by_what_the_dataset_holds(conf: Configuration, by: list[str]):
    conf.write_case(split(by=by))

    assert load_all(conf.folder, "shop", "local").case.aim.split.by == tuple(by)


def test_own_features_by_a_pattern_group_rows_too(conf: Configuration):
    def change(case: dict[str, Any]) -> None:
        split(by=["store"])(case)
        features(own=["st*e", "amount", "hour", "is_big"])(case)

    conf.write_case(change)

    assert load_all(conf.folder, "shop", "local").case.aim.split.by == ("store",)


def test_a_case_may_predict_nothing(conf: Configuration):
    def no_aim(case: dict[str, Any]) -> None:
        del case["predict"]["label"], case["predict"]["split"], case["gate"]

    conf.write_case(no_aim)

    case = load_all(conf.folder, "shop", "local").case

    assert not case.has_aim
    with pytest.raises(ConfigError, match="LS-1047"):
        _ = case.aim


@pytest.mark.parametrize("part", ["label", "split"])
def test_an_aim_is_whole(conf: Configuration, part: str):
    told = refusal(conf, lambda case: case["predict"].pop(part))

    assert "give predict.label, predict.split and gate, or none of the three" in told


@pytest.mark.parametrize("content", ["image", "binary"])
def test_the_content_of_whole_files_is_of_their_kind(conf: Configuration, content: str):
    item = {"name": "store", "physicalName": "name", "logicalType": "string", "required": True}
    told = [
        {"name": "content", "logicalType": "string"},
        {"name": "content", "logicalType": "string", "physicalType": "binary"},
    ]
    reference = {"path": "img/*", "contract": "pictures", "key": ["store"]}

    def pictures(of: str) -> Change:
        return lambda case: case["sources"].update(pictures={**reference, "files": {"content": of}})

    conf.write_contract("pictures", [item, told[0]])
    assert "content is a string in the contract pictures" in refusal(conf, pictures(content))
    conf.write_case(pictures("text"))
    load_all(conf.folder, "shop", "local")
    conf.write_contract("pictures", [item, told[1]])
    assert "content is a binary in the contract pictures" in refusal(conf, pictures("text"))
    conf.write_case(pictures(content))
    load_all(conf.folder, "shop", "local")


def test_a_predicted_row_is_never_set_aside_as_a_near_duplicate(conf: Configuration):
    def near(case: dict[str, Any]) -> None:
        case["sources"]["orders"]["near_duplicates"] = {"column": "store"}

    assert "LS-1092" in refusal(conf, near)

    def without_aim(case: dict[str, Any]) -> None:
        near(case)
        del case["predict"]["label"], case["predict"]["split"], case["gate"]

    conf.write_case(without_aim)
    load_all(conf.folder, "shop", "local")


def test_a_day_that_may_be_missing_is_no_day_to_predict_on(conf: Configuration):
    def with_day(**promised: Any) -> None:
        days = {"name": "day", "logicalType": "date", **promised}
        others = [column for column in COLUMNS["orders"] if column["name"] != "day"]
        conf.write_contract("orders", [*others, days])

    def by_day(case: dict[str, Any]) -> None:
        del case["predict"]["label"], case["predict"]["split"], case["gate"]
        case["sources"]["orders"]["key"] = ["order_no", "day"]

    with_day()
    assert "LS-1094" in refusal(conf, lambda _: None)
    conf.write_case(by_day)
    load_all(conf.folder, "shop", "local")
    with_day(quality=[{"metric": "nullValues", "mustBe": 0}])
    conf.write_case()
    load_all(conf.folder, "shop", "local")
    with_day(quality=[{"metric": "nullValues", "mustBe": 0, "severity": "warning"}])
    assert "required: true for the column" in refusal(conf, lambda _: None)


@pytest.mark.parametrize(
    "change",
    [
        orders(times={"at": {"date": "day", "clock": "hour", "zone": "UTC"}}),
        orders(times={"at": {"date": "day", "clock": "clock", "zone": "hour"}}),
        orders(clean={"hour": {"nulls": ["?"]}}),
    ],
)
def test_a_derived_column_where_none_is_yet_is_told_so(conf: Configuration, change: Change):
    told = refusal(conf, change)

    assert "LS-1018" in told
    assert "derive comes after clean, lookup and times" in told


def test_a_clock_of_another_kind_is_mended_in_the_contract(conf: Configuration):
    told = refusal(conf, orders(times={"at": {"date": "day", "clock": "amount", "zone": "UTC"}}))

    assert "declare the column as a string in the contract" in told
    assert "derive" in told
    assert "cast" not in told


def test_a_model_has_a_feature_and_a_table_of_features_need_not(conf: Configuration):
    def without_features(case: dict[str, Any]) -> None:
        case["features"] = {"own": []}

    assert "LS-1097" in refusal(conf, without_features)

    def without_aim(case: dict[str, Any]) -> None:
        without_features(case)
        del case["predict"]["label"], case["predict"]["split"], case["gate"]

    conf.write_case(without_aim)
    load_all(conf.folder, "shop", "local")
