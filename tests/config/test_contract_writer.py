from __future__ import annotations

import pytest

from lepton_spark.config.column import Column
from lepton_spark.config.contract import SUFFIX, load_contract
from lepton_spark.config.contract_writer import contract_text

COLUMNS = (
    Column("visit", "integer", required=True, maximum=2**63 - 1),
    Column("day", "date", header="visit: day"),
    Column("no", "string", header="#"),
    Column("scan", "binary", required=True),
    Column("at", "timestamp"),
    Column("is_new", "boolean"),
)


HEADERS = ("y", "n", "Y", "tRue", "No", "08", "09", "0o7", "0x1F", "1_0", "1e3", "2E10", "1e999",
           "9" * 35, "null", "~", "=", "<<", "a: b", "- a", "#x", "'", '"', ".inf", "2024-01-01",
           "1:30", "a\u2028b", "\u00a0", "\x85a", "é")  # fmt: skip


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_that_looks_like_something_else_is_read_back(tmp_path, header):
    columns = (Column("a", "string", header=header),)
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / f"y{SUFFIX}").write_text(contract_text("y", columns))

    assert load_contract(tmp_path, "y").columns == columns


def test_a_written_contract_is_read_as_the_same_columns(tmp_path):
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / f"visits{SUFFIX}").write_text(contract_text("visits", COLUMNS))

    assert load_contract(tmp_path, "visits").columns == COLUMNS
