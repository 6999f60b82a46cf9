from __future__ import annotations

import pytest

from lepton_spark.bronze.plan import refuse_tables
from lepton_spark.errors import DataError
from lepton_spark.lake.files import names_in


def test_a_parquet_file_within_a_delta_table_is_refused_with_the_folder(landed, tmp_path):
    plain = landed(b"", "sales/2024/part-0.parquet")
    refuse_tables([plain], names_in)

    (tmp_path / "sales" / "_delta_log").mkdir()

    with pytest.raises(DataError, match="sales in the landing folder is a Delta table") as raised:
        refuse_tables([plain], names_in)
    assert raised.value.code == "LS-2153"
    refuse_tables([landed(b"", "exports/part-0.parquet")], names_in)
