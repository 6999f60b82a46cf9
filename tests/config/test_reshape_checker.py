from typing import Any

import pytest

from lepton_spark.config.check import load_all
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
