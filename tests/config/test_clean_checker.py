from __future__ import annotations

import pytest

from lepton_spark.config.clean import Clean
from lepton_spark.config.clean_checker import check_clean
from lepton_spark.config.column import Column
from lepton_spark.errors import ConfigError


@pytest.mark.parametrize(
    ("column", "clean"),
    [
        (Column("c", "date"), {"number": {}}),
        (Column("c", "string"), {"formats": ("yyyy",)}),
        (Column("c", "integer"), {"case": "lower"}),
        (Column("c", "binary"), {"blanks": "trim"}),
        (Column("c", "string"), {"nearest": 1}),
        (Column("c", "date", format="yyyy"), {"formats": ("yyyy",)}),
    ],
)
def test_a_setting_that_means_nothing_for_a_column_is_refused(column, clean):
    with pytest.raises(ConfigError) as raised:
        check_clean("case.yaml:3", column, Clean(**clean))
    assert raised.value.code == "LS-1033"
    assert "case.yaml:3" in str(raised.value)


@pytest.mark.parametrize(
    ("column", "clean"),
    [
        (Column("c", "number"), {"number": {"units": {"kg": 1}}, "nulls": ("-1",)}),
        (Column("c", "string", allowed=("a",)), {"nearest": 1, "case": "lower"}),
        (Column("c", "date"), {"formats": ("dd.MM.yyyy",), "blanks": "trim"}),
    ],
)
def test_a_setting_that_means_something_is_let_through(column, clean):
    check_clean("case.yaml:3", column, Clean(**clean))
