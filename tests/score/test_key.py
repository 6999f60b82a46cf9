from __future__ import annotations

import pytest

from lepton_spark.errors import UsageError
from lepton_spark.score.key import parse_key

KEY = ("site", "visit")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("site=A,visit=1", {"site": "A", "visit": "1"}),
        ("visit=1", {"visit": "1"}),
        ("A, 1", {"site": "A", "visit": "1"}),
        ('"A, B",1', {"site": "A, B", "visit": "1"}),
        ("site=a=b", {"site": "a=b"}),
    ],
)
def test_a_key_is_read_by_name_or_in_order(text, named):
    assert parse_key(text, KEY) == named


@pytest.mark.parametrize("text", ["", "A", "A,1,2", "town=A", "site=A,site=B", "site=A,1"])
def test_what_is_no_key_is_refused_without_repeating_it(text):
    with pytest.raises(UsageError) as raised:
        parse_key(text, KEY)
    assert "write site=VALUE,visit=VALUE" in str(raised.value)


@pytest.mark.parametrize("text", ["A,1\n2", "A,1\r2"])
def test_what_no_csv_reader_takes_is_refused_as_a_key(text):
    with pytest.raises(UsageError, match="LS-0220"):
        parse_key(text, KEY)
