"""The books of a landing: every file, every record, before anything is published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from lepton_spark.bronze.reader import REFUSED_FILE, count_records, refusal_of
from lepton_spark.errors import DataError, InternalError, LeptonError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.bronze.arrivals import LandedFile
    from lepton_spark.bronze.layout import Layout


@dataclass
class _Counted:
    """What is staged of one file; `read` is what its last row says."""

    records: int = 0
    read: int | None = None
    sha256: str = ""
    refusal: str | None = None
    problems: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Books:
    """What a landing holds.

    Args:
        told: `files`, `records` and `problems` by reason.
        records: Of each file, how many it has, and its SHA-256.
    """

    told: Mapping[str, Any]
    records: Mapping[str, tuple[int, str]]


def account(staged: DataFrame, files: Sequence[LandedFile], layout: Layout, min_rows: int) -> Books:
    """Count the staged rows of each file against what was read from it.

    Args:
        staged: Rows as they will be published; one shuffle; a row a file and problem is collected.
        files: The files of the landing.
        layout: How they are written.
        min_rows: Fewest rows in a landing.

    Returns:
        The books, where they balance.

    Raises:
        DataError: A file was refused, or there are too few rows.
        InternalError: A record was lost or doubled on the way.
    """
    counts = _per_file(staged)
    _raise_refusals(files, counts)
    records = {file.path: _checked(file, counts.get(file.path), layout) for file in files}
    total = sum(counted.records for counted in counts.values())
    if total < min_rows:
        raise DataError(
            "LS-2021",
            f"{len(files)} new files hold {total} records: {total} < {min_rows}.",
            f"min_rows of the source is {min_rows}.",
            "deliver the missing rows, or lower min_rows.",
        )
    told = {"files": len(files), "records": total, "problems": _problems(counts.values())}
    return Books(told, records)


def _per_file(staged: DataFrame) -> dict[str, _Counted]:
    groups = staged.groupBy("_file", "_problem").agg(
        F.count("*").alias("records"),
        F.max("_records").alias("read"),
        F.max("_sha256").alias("sha256"),
        F.max(F.when(F.col("_problem") == REFUSED_FILE, F.col("_raw"))).alias("refusal"),
    )
    counts: dict[str, _Counted] = {}
    for file, problem, records, read, sha256, refusal in groups.collect():
        counted = counts.setdefault(file, _Counted())
        counted.records += records
        counted.read = read if counted.read is None else counted.read
        counted.sha256 = sha256
        counted.refusal = refusal or counted.refusal
        if problem is not None:
            counted.problems[problem] += records
    return counts


def _raise_refusals(files: Sequence[LandedFile], counts: Mapping[str, _Counted]) -> None:
    refused = [file.path for file in files if file.path in counts and counts[file.path].refusal]
    if not refused:
        return
    error: LeptonError = refusal_of(counts[refused[0]].refusal or "")
    if len(refused) > 1:
        what = f"{error.what} {len(refused) - 1} more files are refused."
        error = type(error)(error.code, what, error.why, error.fix)
    raise error


def _checked(file: LandedFile, counted: _Counted | None, layout: Layout) -> tuple[int, str]:
    """A file's records, which its staged rows are as many as, and its SHA-256."""
    num_read: int | None
    if counted is None:
        # Only a file without records leaves no row; it is small, so it is read here.
        num_read, sha256 = count_records(file, layout)
        num_staged = 0
    else:
        num_read, num_staged, sha256 = counted.read, counted.records, counted.sha256
    if num_read != num_staged:
        raise InternalError(
            "LS-7010",
            f"{file.path}: {num_read} records were read, {num_staged} rows are staged.",
            "every record of a landed file is a row of bronze.",
            "run again; if it happens again, report it with this message.",
        )
    return num_staged, sha256


def _problems(counts: Iterable[_Counted]) -> dict[str, int]:
    totals = sum((counted.problems for counted in counts), Counter[str]())
    return dict(sorted(totals.items()))
