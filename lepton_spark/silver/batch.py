"""The files of one source that are refined together, and what became of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.quality.finding import warnings
from lepton_spark.quality.skew import skewed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.config.case import Case
    from lepton_spark.config.contract import Contract
    from lepton_spark.quality.accounting import FileState, Tally
    from lepton_spark.quality.finding import Finding
    from lepton_spark.silver.inlet import Inlet

_MOST_NAMED_FILES = 1000
_REASONS_TOLD = 20
_WARNINGS_TOLD = 20


@dataclass(frozen=True)
class Batch:
    """The files of one inlet, and what became of their rows.

    Args:
        judged: Kept in memory or on disk until the batch is published.
        findings: Rules of the table that are broken.
        newest: Column that must be fresh to its newest value of all rows, those of silver too and
            values after the moment of the run, in seconds since 1970, UTC.
    """

    inlet: Inlet
    judged: DataFrame
    counted: Tally
    findings: tuple[Finding, ...] = ()
    newest: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def new_good(self) -> dict[str, int]:
        """Good rows a file that are not in silver yet."""
        return {state.file: self.counted.good.get(state.file, 0) for state in self.inlet.files}

    @property
    def facts(self) -> dict[str, object]:
        """What became of the rows, for the marker of the commit and the ledger."""
        counted = self.counted
        told = warnings(self.findings)
        return {
            "files": len(self.inlet.files),
            "rows": counted.num_rows,
            "good": counted.num_good,
            "refused": counted.refused,
            "duplicates": counted.duplicates,
            "reasons": dict(list(counted.reasons.items())[:_REASONS_TOLD]),
            "unmatched": dict(counted.unmatched),
            **skewed(counted.largest_key, counted.num_rows),
            **({"warnings": told[:_WARNINGS_TOLD]} if told else {}),
            **({"newest": dict(self.newest)} if self.newest else {}),
        }


def of_files(rows: DataFrame, files: Sequence[FileState]) -> DataFrame:
    """The rows of some files, by `_file`."""
    paths = [state.file for state in files]
    if not paths:
        return rows.limit(0)
    if len(paths) <= _MOST_NAMED_FILES:
        # Named ones let Delta skip what holds only others.
        return rows.filter(F.col("_file").isin(*paths))
    listed = rows.sparkSession.createDataFrame([(path,) for path in paths], "_file string")
    return rows.join(F.broadcast(listed), "_file", how="left_semi")


def settings_of(inlet: Inlet, case: Case, contracts: Mapping[str, Contract]) -> list[object]:
    """What decides over the fate of a row, besides the row."""
    source = case.sources[inlet.name]
    return [source.model_dump_json(), repr(contracts[source.contract])]
