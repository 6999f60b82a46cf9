from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lepton_spark.bronze.landed import as_fact, empty_by, told_by
from lepton_spark.bronze.plan import new_files, refuse_links, refuse_other_case, refuse_tables
from lepton_spark.errors import ConfigError, DataError
from lepton_spark.lake.catalog import TableId
from lepton_spark.lake.files import names_in
from lepton_spark.lake.marker import Marker


def test_a_parquet_file_within_a_delta_table_is_refused_with_the_folder(landed, tmp_path):
    plain = landed(b"", "sales/2024/part-0.parquet")
    refuse_tables([plain], names_in)

    (tmp_path / "sales" / "_delta_log").mkdir()

    with pytest.raises(DataError, match="sales in the landing folder is a Delta table") as raised:
        refuse_tables([plain], names_in)
    assert raised.value.code == "LS-2153"
    refuse_tables([landed(b"", "exports/part-0.parquet")], names_in)


def test_a_table_that_another_case_landed_is_refused():
    table = TableId("bronze", "sales_eu_orders")

    def marks(**facts):
        return [None, Marker(1, "r-1", "land", "key", "print", 0, 1, "0.1.0", facts)]

    refuse_other_case(marks(source="orders"), table, "sales_eu")
    refuse_other_case(marks(source="orders", case="sales_eu"), table, "sales_eu")
    with pytest.raises(DataError, match="LS-2158") as told:
        refuse_other_case(marks(source="eu_orders", case="sales"), table, "sales_eu")
    assert "holds what the case sales landed" in told.value.what


def test_a_file_that_a_link_brings_from_elsewhere_is_refused(landed, tmp_path):
    inside, outside = landed(b"", "in/landing/x/[1].csv"), landed(b"", "secret.csv")
    landing = tmp_path / "in" / "landing"
    (landing / "x" / "2.csv").symlink_to(inside.uri)
    (landing / "y").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(landing)

    def refuse(*paths, landing=str(landing)):
        refuse_links([replace(inside, path=path) for path in paths], landing)

    refuse("x/[1].csv", "x/2.csv")
    refuse("x/[1].csv", landing=str(tmp_path / "link"))
    with pytest.raises(ConfigError, match="LS-1013") as told:
        refuse("x/2.csv", "y/secret.csv")
    assert told.value.what == f"y/secret.csv: the path leads to {outside.uri}"
    refuse("y/secret.csv", landing="s3://raw/shop")


def known_after(files, records):
    """What the next landing knows of files that one has landed."""
    mark = Marker(0, "r-1", "land", "key", "print", 0, 1, "0.1.0", as_fact(files, records))
    return empty_by([mark]) | {file.path: file for file in told_by([mark])}


def no_digests(_files):
    raise AssertionError


def touched(file, **changed):
    return replace(file, modified_at=file.modified_at + timedelta(days=1), **changed)


@pytest.fixture
def delivered(landed):
    """A file with records and one without."""
    return landed(b"id\n1\n", "a.csv"), landed(b"id\n", "empty.csv")


RECORDS = {"a.csv": (1, "sha"), "empty.csv": (0, "none")}


def test_a_file_without_records_is_not_new_again(delivered):
    known = known_after(delivered, RECORDS)
    again = touched(delivered[1])

    assert new_files(delivered, known, no_digests) == ()
    assert new_files([again], known, lambda _files: {"empty.csv": "none"}) == ()


def test_a_file_without_records_is_new_when_it_gets_some(delivered):
    known = known_after(delivered, RECORDS)
    filled = touched(delivered[1], size=99)
    rewritten = touched(delivered[1])

    assert new_files([filled], known, no_digests) == (filled,)
    assert new_files([rewritten], known, lambda _files: {"empty.csv": "other"}) == (rewritten,)


def test_a_file_with_records_that_is_not_what_it_was_is_refused(delivered):
    known = known_after(delivered, RECORDS)

    for changed, digest in ((touched(delivered[0]), "other"), (touched(delivered[0], size=9), "")):
        with pytest.raises(DataError) as raised:
            new_files([changed], known, lambda _files, digest=digest: {"a.csv": digest})
        assert raised.value.code == "LS-2011"
