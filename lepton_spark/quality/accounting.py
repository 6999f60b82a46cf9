"""No row is lost: what came in is good, refused or a duplicate, file by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.errors import DataError, InternalError
from lepton_spark.quality.hints import hint_of
from lepton_spark.quality.measurement import measure, metrics_of
from lepton_spark.quality.quarantine import Locator
from lepton_spark.quality.skew import GROUP, LargestGroup, largest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.quality.measurement import Plan
    from lepton_spark.quality.metrics import Metric

_NUM_TOLD = 3
_MILLISECONDS = "looks_like_milliseconds"
_MOST_MILLISECONDS = 0.01


@dataclass(frozen=True)
class FileState:
    """How far one raw file is on its way.

    Args:
        file: Path relative to the landing folder of the case.
        sha256: Of the file.
        landed: Rows in bronze.
        good: Rows in silver.
        quarantined: Rows in quarantine, duplicates included.
    """

    file: str
    sha256: str
    landed: int
    good: int
    quarantined: int

    @property
    def is_refined(self) -> bool:
        """Whether every row of bronze is in silver or in quarantine."""
        return self.landed == self.good + self.quarantined


@dataclass(frozen=True)
class Tally:
    """What became of the rows of some files.

    Args:
        good: Rows a file.
        refused: Rows in all.
        duplicates: Rows in all.
        reasons: Rows by reason code, of refused rows and duplicates.
        unmatched: Good rows by lookup that found nothing.
        settled: Rows of these files that were in silver before, and are not judged again.
        largest_key: The key that most rows of one arrival have; None where it was not looked for.
        samples: Reason code to the first of its rows, by file and row.
        measured: Of each day of arrival, where the contract wants it.
    """

    good: Mapping[str, int]
    bad: Mapping[str, int]
    refused: int
    duplicates: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    unmatched: Mapping[str, int] = field(default_factory=dict)
    settled: int = 0
    largest_key: LargestGroup | None = None
    samples: Mapping[str, Locator] = field(default_factory=dict)
    measured: tuple[Metric, ...] = ()

    @property
    def num_good(self) -> int:
        """Good rows of all files that were judged."""
        return sum(self.good.values())

    @property
    def num_rows(self) -> int:
        """Rows of all files."""
        return self.num_good + self.refused + self.duplicates + self.settled


def tally(judged: DataFrame, lookups: Sequence[str], plan: Plan | None = None) -> Tally:
    """Count judged rows, and measure the good ones, in one job. Collects a few rows a file.

    Args:
        judged: Rows with `_file`, `_row`, `_severity`, `_reasons`, `_unmatched` and, where rows
            were grouped by key, `_group`.
        lookups: Names that `_unmatched` may hold.
        plan: What else is measured, a few hundred rows a day.
    """
    missed = [
        F.count_if(F.array_contains("_unmatched", name)).alias(f"_missed_{index}")
        for index, name in enumerate(lookups)
    ]
    groups = [F.max(GROUP).alias(GROUP)] if GROUP in judged.columns else []
    counts = judged.groupBy("_file", "_severity").agg(F.count("*").alias("_rows"), *missed, *groups)
    if plan is not None:
        measures = measure(judged.filter(F.col("_severity").isNull()), plan)
        counts = counts.unionByName(measures, allowMissingColumns=True)
    found = counts.collect()
    good: dict[str, int] = {}
    bad: dict[str, int] = {}
    of = {"refused": 0, "duplicate": 0}
    unmatched = dict.fromkeys(lookups, 0)
    for row in found:
        if row["_file"] is None:
            continue
        if row["_severity"] is not None:
            of[row["_severity"]] += row["_rows"]
            bad[row["_file"]] = bad.get(row["_file"], 0) + row["_rows"]
            continue
        good[row["_file"]] = row["_rows"]
        for index, name in enumerate(lookups):
            unmatched[name] += row[f"_missed_{index}"]
    reasons, samples = _reasons(judged) if bad else ({}, {})
    measured: tuple[Metric, ...] = ()
    if plan is not None:
        measured = metrics_of((row for row in found if row["_file"] is None), plan)
    of_key = largest(row[GROUP] for row in found if row["_file"] is not None) if groups else None
    return Tally(
        good=good,
        bad=bad,
        refused=of["refused"],
        duplicates=of["duplicate"],
        reasons=reasons,
        unmatched=unmatched,
        largest_key=of_key,
        samples=samples,
        measured=measured,
    )


def _reasons(judged: DataFrame) -> tuple[dict[str, int], dict[str, Locator]]:
    """Rows by reason, most frequent first, and where the first of each is."""
    reasons = judged.select(F.explode("_reasons").alias("reason"), "_file", "_row")
    first = F.min(F.struct("_file", "_row")).alias("first")
    found = reasons.groupBy("reason").agg(F.count("*").alias("rows"), first).collect()
    ordered = sorted(found, key=lambda row: (-row["rows"], row["reason"]))
    counts = {row["reason"]: row["rows"] for row in ordered}
    return counts, {row["reason"]: Locator(*row["first"]) for row in ordered}


def require_balance(table: str, files: Sequence[FileState], counted: Tally) -> None:
    """See that every row that landed is in silver or was judged, file by file.

    Raises:
        InternalError: Rows are missing or too many; numbers and one file are named.
    """
    for state in files:
        judged = counted.good.get(state.file, 0) + counted.bad.get(state.file, 0)
        if judged + state.good != state.landed:
            raise InternalError(
                "LS-7020",
                f"{table}: {state.file} has {state.landed} rows in bronze, {judged} were judged"
                f"{f' and {state.good} are in silver' if state.good else ''}.",
                "every row that came in is good, refused or a counted duplicate.",
                "run the command again; if it stays, report it with this message.",
            )


def require_staged(table: str, counted: Mapping[str, int], staged: DataFrame) -> None:
    """See that the rows about to be published are those that were found good.

    Args:
        table: Where they go.
        counted: New good rows a file.
        staged: As written; with `_file`, `_arrived_at` and `_known_at`.

    Raises:
        InternalError: A file has other rows, or a row was known before it arrived.
    """
    is_timely = F.col("_known_at") >= F.col("_arrived_at")
    counts = {"rows": F.count("*"), "timely": F.count_if(is_timely)}
    found = staged.groupBy("_file").agg(*(count.alias(name) for name, count in counts.items()))
    rows = found.collect()
    wanted = {file: number for file, number in counted.items() if number}
    num_early = sum(row["rows"] - row["timely"] for row in rows)
    if {row["_file"]: row["rows"] for row in rows} == wanted and not num_early:
        return
    raise InternalError(
        "LS-7021",
        f"{table}: {sum(row['rows'] for row in rows)} rows of {len(rows)} files are staged,"
        f" {num_early} of them known before they arrived; {sum(wanted.values())} rows of"
        f" {len(wanted)} files were found good.",
        "what is published is what was counted, and nothing is known before it is there.",
        "run the command again; if it stays, report it with this message.",
    )


def require_number(table: str, number: int, staged: DataFrame) -> None:
    """See that as many rows are about to be published as were counted.

    Raises:
        InternalError: There are more or fewer.
    """
    num_staged = staged.count()
    if num_staged != number:
        raise InternalError(
            "LS-7022",
            f"{table}: {num_staged} rows are staged and {number} were counted.",
            "what is published is what was counted.",
            "run the command again; if it stays, report it with this message.",
        )


def require_few_refused(source: str, counted: Tally, max_refused: float, state: str) -> None:
    """See that not more rows are refused than the case allows.

    Args:
        source: Name of the source, for the error.
        counted: What became of its new rows.
        max_refused: Share of them.
        state: What is true of the table now, for the error.

    Raises:
        DataError: With the share and the most frequent reasons.
    """
    if not counted.num_rows:
        return
    share = counted.refused / counted.num_rows
    told = told_reasons(counted)
    num_scaled = sum(n for reason, n in counted.reasons.items() if reason.startswith(_MILLISECONDS))
    if num_scaled > _MOST_MILLISECONDS * counted.num_rows:
        raise DataError(
            "LS-2042",
            f"{source}: {num_scaled} of {counted.num_rows} new rows have an instant tens of"
            f" thousands of years ahead ({told}).",
            "it looks like milliseconds since 1970 that were read as seconds.",
            "use timestamp_millis, or divide by 1000, in `derive` of the case.",
            state,
        )
    if share > max_refused:
        raise DataError(
            "LS-2041",
            f"{source}: {counted.refused} of {counted.num_rows} new rows are refused,"
            f" {share:.1%} ({told}){_samples(counted)}.",
            f"more than max_refused, {max_refused:.1%}, points to a changed or damaged file.",
            f"{told_hint(counted)}; or raise sources.{source}.max_refused.",
            state,
        )


def told_hint(counted: Tally) -> str:
    """What mends the most frequent reason."""
    refused = _refused(counted)
    return f"of {refused[0][0]}: {hint_of(refused[0][0])}" if refused else "correct the files"


def told_reasons(counted: Tally) -> str:
    """The most frequent reasons with their counts."""
    return ", ".join(f"{reason} {n}" for reason, n in _refused(counted)[:_NUM_TOLD])


def _samples(counted: Tally) -> str:
    """Where a row of each of those reasons is."""
    told = [reason for reason, _ in _refused(counted)[:_NUM_TOLD]]
    places = [str(counted.samples[reason]) for reason in told if reason in counted.samples]
    return f", such as {', '.join(places)}" if places else ""


def _refused(counted: Tally) -> list[tuple[str, int]]:
    """Reasons of refused rows, most frequent first."""
    told = counted.reasons.items()
    return [(reason, n) for reason, n in told if "_duplicate" not in reason.split(":")[0]]
