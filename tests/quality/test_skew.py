from __future__ import annotations

from lepton_spark.quality.skew import LargestGroup, largest, skewed, warn_of_skew


def test_the_largest_group_is_found_whatever_the_order():
    assert largest([(3, 7), None, (90, -1), (4, 2)]) == LargestGroup(90, -1)
    assert largest([None]) is None


def test_a_key_with_most_rows_is_told_by_its_hash_and_share(caplog):
    group = LargestGroup(180, -1)

    assert skewed(group, 200) == {"largest_key": {"rows": 180, "share": 0.9, "key_hash": "f" * 16}}
    warn_of_skew("visits", group, 200)
    assert "visits: 180 of 200 rows, 90.0%, have one key (hash ffffffffffffffff)" in caplog.text


def test_few_rows_or_half_of_them_are_no_skew(caplog):
    for group, num_rows in ((LargestGroup(99, 1), 99), (LargestGroup(100, 1), 200), (None, 900)):
        assert skewed(group, num_rows) == {}
        warn_of_skew("visits", group, num_rows)
    assert caplog.text == ""
