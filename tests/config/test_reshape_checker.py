from typing import Any

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.column import Column
from lepton_spark.config.columns import SilverColumn
from lepton_spark.config.contract import Contract
from lepton_spark.config.reshape_checker import check_reshaped_key
from lepton_spark.config.source import Source
from lepton_spark.errors import ConfigError
from tests.config.conftest import Configuration

LONG = {"variable": "store", "value": "zone"}


def refusal(conf: Configuration, csv: dict[str, Any]) -> ConfigError:
    conf.write_case(lambda case: case["sources"]["stores"].update(csv=csv))
    with pytest.raises(ConfigError) as caught:
        load_all(conf.folder, "shop", "local")
    return caught.value


def test_columns_that_reshaping_names_are_those_of_the_contract(conf: Configuration):
    conf.write_case(lambda case: case["sources"]["stores"].update(csv={"unpivot": LONG}))

    load_all(conf.folder, "shop", "local")


@pytest.mark.parametrize(
    ("csv", "code", "told"),
    [
        ({"unpivot": {**LONG, "value": "zones"}}, "LS-1080", "did you mean zone?"),
        ({"unpivot": {**LONG, "line": "line"}}, "LS-1080", "names line"),
        ({"explode": {"columns": ["zon"]}}, "LS-1080", "did you mean zone?"),
        ({"header": False, "lines_per_record": 3}, "LS-1081", "3 lines, and the contract 2"),
    ],
)
def test_what_does_not_fit_the_contract_is_told_at_its_line(
    conf: Configuration, csv: dict[str, Any], code: str, told: str
):
    error = refusal(conf, csv)

    assert error.code == code
    assert told in str(error)
    assert "shop.yml:" in error.what


def test_a_column_that_unpivot_does_not_give_is_told(conf: Configuration):
    columns = [{"name": name, "logicalType": "string"} for name in ("store", "zone", "size")]
    conf.write_contract("stores", columns)

    assert "promises size" in refusal(conf, {"unpivot": LONG}).what


def test_unpivot_of_fixed_width_is_held_against_the_contract_too(conf: Configuration):
    def fixed(value: str) -> None:
        form = {"columns": {"VALUE1": [1, 3]}, "unpivot": {"variable": "store", "value": value}}
        conf.write_case(lambda case: case["sources"]["stores"].update(fixed_width=form))

    fixed("zone")
    load_all(conf.folder, "shop", "local")
    fixed("zones")
    with pytest.raises(ConfigError, match="LS-1080"):
        load_all(conf.folder, "shop", "local")


def key_of_a_reshaped_source(
    *key: str, origin: dict[str, str] | None = None, **csv: Any
) -> ConfigError | None:
    settings = {"path": "a.csv", "contract": "polls", "key": [*key], "csv": csv}
    source = Source.model_validate({**settings, "origin": origin or {}})
    names = {"person": None, "tool": "Tool Used", "nth": None, "line": None}
    contract = Contract("polls", tuple(Column(n, "string", header=h) for n, h in names.items()))
    columns = {
        name: SilverColumn("string", frozenset({name}), is_personal=False)
        for name in (*names, "row", "day")
    }
    columns["token"] = SilverColumn("string", frozenset({"token", "tool"}), is_personal=False)
    try:
        check_reshaped_key("x.yml:3", source, contract, columns)
    except ConfigError as error:
        return error
    return None


LISTS = {"explode": {"columns": ["Tool Used"], "place": "nth", "line": "line"}}
WIDE = {"unpivot": {"ids": ["person"], "variable": "nth", "value": "Tool Used", "line": "line"}}


@pytest.mark.parametrize("csv", [LISTS, WIDE])
@pytest.mark.parametrize("key", [["person"], ["line"], ["day", "person"]])
def test_a_key_that_all_rows_of_a_record_share_is_refused(csv: dict[str, Any], key: list[str]):
    error = key_of_a_reshaped_source(*key, **csv)

    assert error is not None
    assert error.code == "LS-1095"
    assert "add nth to the key" in error.fix


@pytest.mark.parametrize("csv", [LISTS, WIDE])
@pytest.mark.parametrize("key", [["person", "nth"], ["line", "tool"], ["person", "token"], ["row"]])
def test_a_key_that_tells_the_rows_of_a_record_apart_is_let_through(
    csv: dict[str, Any], key: list[str]
):
    assert key_of_a_reshaped_source(*key, origin={"row": "row"}, **csv) is None


def test_a_key_of_lists_without_a_place_takes_the_item_or_a_place(conf: Configuration):
    error = refusal(conf, {"explode": {"columns": ["zone"]}})

    assert error.code == "LS-1095"
    assert "shop.yml:" in error.what
    assert "add zone to the key, or a column that is named by explode.place" in error.fix
