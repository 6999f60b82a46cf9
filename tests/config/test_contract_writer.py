from __future__ import annotations

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


def test_a_written_contract_is_read_as_the_same_columns(tmp_path):
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / f"visits{SUFFIX}").write_text(contract_text("visits", COLUMNS))

    assert load_contract(tmp_path, "visits").columns == COLUMNS
