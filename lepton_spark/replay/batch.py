"""The quarantined rows of one source that are judged again, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lepton_spark.errors import DataError
from lepton_spark.lake.marker import json_digest
from lepton_spark.lake.publication import Publication
from lepton_spark.quality.accounting import require_number, require_staged, told_hint, told_reasons
from lepton_spark.quality.quarantine import COLUMNS, condition_of, quarantined
from lepton_spark.silver.inlet import REPLAYED

if TYPE_CHECKING:
    from lepton_spark.lake.catalog import TableId
    from lepton_spark.quality.accounting import Tally
    from lepton_spark.replay.files import HeldFile
    from lepton_spark.silver.inlet import Inlet

JOB = "replay"
_REASONS_TOLD = 20


@dataclass(frozen=True)
class ReplayBatch:
    """What becomes of the chosen rows of a source.

    Args:
        inlet: The source and its tables, each at one version.
        settings: What decides over the fate of a row, besides the row; JSON-ready.
        files: All of the source that had arrived.
        judged: The chosen rows; kept in memory or on disk until they are published.
        kept: The other quarantined rows of their files.
        num_changed: Chosen rows whose fate is another than before.
        promised: Columns of the contract.
    """

    inlet: Inlet
    settings: Sequence[object]
    files: Sequence[HeldFile]
    judged: DataFrame
    kept: DataFrame
    counted: Tally
    num_changed: int
    promised: tuple[str, ...]

    @property
    def touched(self) -> list[HeldFile]:
        """The files with chosen rows."""
        return [file for file in self.files if file.chosen]

    @property
    def facts(self) -> dict[str, object]:
        """What became of the rows, for the marker of the commit and the ledger."""
        counted = self.counted
        return {
            "files": len(self.touched),
            "replayed": counted.num_rows,
            "good": counted.num_good,
            "refused": counted.refused,
            "duplicates": counted.duplicates,
            "changed": self.num_changed,
            "reasons": dict(list(counted.reasons.items())[:_REASONS_TOLD]),
        }


def num_changed(judged: DataFrame, before: DataFrame) -> int:
    """Rows that are good now, or refused for other reasons than quarantine says.

    Args:
        judged: Rows with `_file`, `_row`, `_severity` and `_reasons`.
        before: The same rows as they are in quarantine.
    """
    was = before.select(
        F.col("file").alias("_file"),
        F.col("row").alias("_row"),
        F.col("severity").alias("_severity_before"),
        F.col("reasons").alias("_reasons_before"),
    )
    is_same = F.col("_severity").eqNullSafe(F.col("_severity_before"))
    is_same &= F.col("_reasons") == F.col("_reasons_before")
    return judged.join(was, ["_file", "_row"], how="inner").filter(~is_same).count()


def require_few_left(batch: ReplayBatch, max_refused: float) -> None:
    """See that not more rows of a source stay refused than the case allows.

    Args:
        batch: Its files are all of the source, so that the share is that of the whole table.
        max_refused: Share of all rows that had arrived.

    Raises:
        DataError: With the share and the most frequent reasons.
    """
    num_rows = sum(file.landed for file in batch.files)
    refused = batch.counted.refused + sum(file.kept_refused for file in batch.files)
    if refused <= max_refused * num_rows:
        return
    name = batch.inlet.name
    raise DataError(
        "LS-2125",
        f"{name}: {refused} of all {num_rows} rows would stay refused, {refused / num_rows:.1%};"
        f" of those judged again {batch.counted.refused} ({told_reasons(batch.counted)}).",
        f"more than max_refused, {max_refused:.1%}, points to a fix that does not fit the files.",
        f"{told_hint(batch.counted)}; or add"
        f" --set sources.{name}.max_refused={_above(refused, num_rows)}.",
        f"nothing was replayed; {batch.inlet.silver} is still at version"
        f" {batch.inlet.silver_version}",
    )


def _above(refused: int, num_rows: int) -> str:
    """A share, in percent rounded up, that lets so many rows pass."""
    return f"{-(-100 * refused // num_rows) / 100:.2f}"


def quarantine_rows(batches: Sequence[ReplayBatch], case: str, run_id: str) -> DataFrame:
    """All that stays in quarantine of the files of some batches."""
    parts = []
    for batch in batches:
        table = str(batch.inlet.silver)
        parts += [quarantined(batch.judged, case=case, table=table, run_id=run_id)]
        parts += [batch.kept.select(*COLUMNS)]
    return reduce(DataFrame.unionByName, parts)


def quarantine_publication(
    table: TableId, batches: Sequence[ReplayBatch], case: str, version: int
) -> Publication:
    """One commit in place of the quarantined rows of the touched files.

    Args:
        table: The quarantine.
        batches: Of sources that change.
        case: Name of the case.
        version: Of the quarantine as it was read, which makes the key new.
    """
    files = {str(each.inlet.silver): [file.file for file in each.touched] for each in batches}
    number = sum(
        sum(batch.counted.bad.values()) + sum(file.kept for file in batch.touched)
        for batch in batches
    )
    given_back = [str(batch.inlet.silver) for batch in batches if batch.counted.num_good]
    return Publication(
        table,
        JOB,
        json_digest([case, version, files]),
        json_digest([batch.settings for batch in batches]),
        replace=condition_of(case, files),
        partition_by=("case", "table"),
        facts={"case": case, REPLAYED: given_back},
        audit=lambda staged: require_number(str(table), number, staged),
    )


def silver_publication(batch: ReplayBatch, quarantine_version: int) -> Publication:
    """The rows of a source that are good now, appended."""
    inlet, table = batch.inlet, batch.inlet.silver
    wanted: Mapping[str, int] = batch.counted.good
    return Publication(
        table,
        JOB,
        json_digest([[file.file, file.sha256, file.good] for file in batch.touched]),
        json_digest(batch.settings),
        facts={
            "source": inlet.name,
            **batch.facts,
            "bronze_version": inlet.bronze_version if inlet.is_last else None,
            "quarantine_version": quarantine_version,
        },
        audit=lambda staged: require_staged(str(table), wanted, staged),
        add_columns=batch.promised,
    )
