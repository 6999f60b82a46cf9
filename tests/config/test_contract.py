from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lepton_spark.config.contract import Column, Contract, load_contract
from lepton_spark.errors import ConfigError
from tests.config.conftest import contract_text

CONTRACTS = Path(__file__).parents[2] / "conf"


def read(tmp_path: Path, *columns: dict[str, Any]) -> Contract:
    (tmp_path / "contracts").mkdir(exist_ok=True)
    text = contract_text("rows", list(columns))
    (tmp_path / "contracts/rows.odcs.yml").write_text(text, encoding="utf-8")
    return load_contract(tmp_path, "rows")


def column(tmp_path: Path, **settings: Any) -> Column:
    return read(tmp_path, {"name": "x", **settings}).columns[0]


def options(**settings: Any) -> dict[str, Any]:
    return {"logicalTypeOptions": settings}


def test_a_column_carries_what_its_property_promises(tmp_path: Path):
    found = column(
        tmp_path,
        physicalName="The X",
        logicalType="string",
        required=True,
        classification="PII",
        **options(pattern="^[a-z]+$", maxLength=5),
    )

    assert found == Column(
        "x",
        "string",
        required=True,
        pattern="^[a-z]+$",
        max_length=5,
        classification="pii",
        header="The X",
    )
    assert found.is_personal


def test_bounds_have_the_kind_of_their_column(tmp_path: Path):
    instant = "2013-01-01T00:00:00Z"

    assert column(tmp_path, logicalType="integer", **options(minimum=1)).minimum == 1
    assert column(tmp_path, logicalType="number", **options(maximum=1.5)).maximum == 1.5
    found = column(tmp_path, logicalType="date", **options(minimum="2013-01-01"))
    assert found.minimum == date(2013, 1, 1)
    found = column(tmp_path, logicalType="timestamp", **options(minimum=instant))
    assert found.minimum == datetime(2013, 1, 1, tzinfo=UTC)


def test_a_number_with_a_decimal_type_is_a_decimal(tmp_path: Path):
    found = column(
        tmp_path, logicalType="number", physicalType="DECIMAL(10, 2)", **options(maximum=0.1)
    )

    assert (found.kind, found.precision, found.scale) == ("decimal", 10, 2)
    assert found.maximum == Decimal("0.1")


def test_valid_values_are_the_only_ones_allowed(tmp_path: Path):
    rule = {
        "type": "library",
        "metric": "invalidValues",
        "mustBe": 0,
        "arguments": {"validValues": ["a", "b"]},
    }

    assert column(tmp_path, logicalType="string", quality=[rule]).allowed == ("a", "b")


@pytest.mark.parametrize(
    ("written", "precision", "scale"),
    [
        ("decimal(18)", 18, 0), ("DECIMAL(18 ,2)", 18, 2), ("numeric ( 18, 2 )", 18, 2),
        ("Dec(5,0)", 5, 0),
    ],
)  # fmt: skip
def test_a_decimal_is_one_however_it_is_written(
    tmp_path: Path, written: str, precision: int, scale: int
):
    found = column(tmp_path, logicalType="number", physicalType=written)

    assert (found.kind, found.precision, found.scale) == ("decimal", precision, scale)


def test_a_bound_of_a_decimal_keeps_all_its_digits(tmp_path: Path):
    most = "99999999999999999.99"
    settings = {"logicalType": "number", "physicalType": "decimal(19,2)"}

    assert column(tmp_path, **settings, **options(maximum=most)).maximum == Decimal(most)
    path = tmp_path / "contracts/rows.odcs.yml"
    path.write_text(path.read_text().replace(f"'{most}'", most))
    with pytest.raises(ConfigError, match="more digits than a number here can hold"):
        load_contract(tmp_path, "rows")


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [("date", "dd/MM/yyyy"), ("date", "d MMM yyyy['T'HH]"), ("timestamp", "yyyyMMdd HHmm XXX"),
     ("timestamp", "yyyy-MM-dd'T'HH:mm:ss.SSSxx VV")],
)  # fmt: skip
def test_a_format_is_what_spark_reads(tmp_path: Path, kind: str, pattern: str):
    assert column(tmp_path, logicalType=kind, **options(format=pattern)).format == pattern


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "logical type"),
        ({"logicalType": "object"}, "logical type"),
        ({"logicalType": "string", "partitioned": True}, "partitioned is not executed"),
        ({"logicalType": "string", "requird": True}, "requird"),
        ({"logicalType": "string", **options(minLength=2)}, "minLength is not executed"),
        ({"logicalType": "string", **options(pattern="[")}, "regular expression"),
        ({"logicalType": "string", **options(maxLength=0)}, "above 0"),
        ({"logicalType": "integer", **options(minimum=1.5)}, "minimum is no integer"),
        ({"logicalType": "integer", **options(minimum=3, maximum=2)}, "below the minimum"),
        ({"logicalType": "integer", **options(maximum=2**63)}, "maximum is no integer"),
        ({"logicalType": "number", **options(minimum=float("inf"))}, "minimum is no number"),
        ({"logicalType": "date", **options(minimum="2013-02-30")}, "minimum is no date"),
        (
            {"logicalType": "timestamp", **options(minimum="2013-01-01T00:00:00")},
            "minimum is no timestamp",
        ),
        ({"logicalType": "timestamp", **options(timezone=False)}, "no instant"),
        ({"logicalType": "number", "physicalType": "decimal(39,2)"}, "decimal"),
        ({"logicalType": "number", "physicalType": "decimal"}, "the decimal cannot be held"),
        ({"logicalType": "number", "physicalType": "numeric(2,3)"}, "the decimal cannot be held"),
        ({"logicalType": "date", **options(format="DD/MM/YYYY")}, "no pattern that a date"),
        ({"logicalType": "date", **options(format="dd.mm.yyyy")}, "mm is minutes, MM is months"),
        ({"logicalType": "date", **options(format=20240101)}, "it is no text"),
        ({"logicalType": "date", **options(format="qqq {bad")}, "no pattern that a date"),
        ({"logicalType": "date", **options(format="dd.MM.yyyy]")}, "no pattern that a date"),
        ({"logicalType": "date", **options(format="dd.MMMMM.yyyy")}, "no pattern that a date"),
        ({"logicalType": "date", **options(format="yyyy-MM-dd XXX")}, "no pattern that a date"),
        ({"logicalType": "timestamp", **options(format="Y-w")}, "no pattern that a timestamp"),
        ({"logicalType": "string", **options(pattern="(?P<y>[0-9]{4})")}, "do not read it alike"),
        ({"logicalType": "string", **options(pattern="([a-z]|[0-9])+")}, "too long"),
        ({"logicalType": "string", "quality": [{"metric": "rowCount"}]}, "not executed"),
        ({"logicalType": "string", "required": "yes please"}, "required"),
    ],
)
def test_a_promise_that_nobody_would_check_is_refused(
    tmp_path: Path, settings: dict[str, Any], told: str
):
    with pytest.raises(ConfigError) as caught:
        column(tmp_path, **settings)

    assert told in caught.value.what
    assert "rows.odcs.yml:" in caught.value.what


def test_two_columns_that_differ_in_case_only_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="there twice"):
        read(
            tmp_path,
            {"name": "a", "logicalType": "string"},
            {"name": "A", "logicalType": "string"},
        )


def test_a_contract_without_columns_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="no properties"):
        read(tmp_path)


def test_an_unknown_key_of_the_standard_is_told_with_the_nearest(tmp_path: Path):
    read(tmp_path, {"name": "x", "logicalType": "string"})
    path = tmp_path / "contracts/rows.odcs.yml"
    path.write_text(path.read_text() + "statsu: active\n")

    with pytest.raises(ConfigError, match="did you mean status"):
        load_contract(tmp_path, "rows")


@pytest.mark.parametrize("path", sorted(CONTRACTS.glob("contracts/*")), ids=lambda path: path.name)
def test_every_contract_that_is_shipped_can_be_read(path: Path):
    name = path.name.removesuffix(".odcs.yml")

    assert load_contract(CONTRACTS, name).name == name


def test_a_local_timestamp_is_declared_as_text_and_read_under_times(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        column(tmp_path, logicalType="timestamp", **options(timezone=False))

    assert "{text, formats: [yyyy-MM-dd'T'HH:mm:ss.SSSSSS], zone}" in caught.value.fix


@pytest.mark.parametrize("pattern", ["yyyyMMdd HHmm", "yyyy-MM-dd'XXX' HH:mm", "dd.MM.yyyy"])
def test_a_format_of_instants_without_an_offset_is_refused(tmp_path: Path, pattern: str):
    with pytest.raises(ConfigError, match="reads no offset") as caught:
        column(tmp_path, logicalType="timestamp", **options(format=pattern))

    assert "times" in caught.value.fix


def test_a_least_length_is_promised_by_a_pattern(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        column(tmp_path, logicalType="string", **options(minLength=3))

    assert "pattern: '.{3,}'" in caught.value.fix
    assert "maxLength" not in caught.value.fix
    column(tmp_path, logicalType="string", **options(pattern=".{3,}"))
