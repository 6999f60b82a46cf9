"""The books of a landing, without a table."""

from __future__ import annotations

import hashlib

from lepton_spark.bronze import accounting
from lepton_spark.bronze.accounting import account
from lepton_spark.config.format import Csv
from tests.bronze.landed_files import layout_of


def test_a_file_without_records_is_in_the_books_with_its_digest(landed, monkeypatch):
    empty = b"site,visit\n"
    one = accounting._Counted(records=2, read=2, sha256="sha")
    monkeypatch.setattr(accounting, "_per_file", lambda _staged: {"a.csv": one})
    files = [landed(b"site,visit\nA,1\nB,2\n"), landed(empty, "empty.csv")]

    books = account(None, files, layout_of(("site", "visit"), Csv()), 1)

    digest = hashlib.sha256(empty).hexdigest()
    assert books.records == {"a.csv": (2, "sha"), "empty.csv": (0, digest)}
