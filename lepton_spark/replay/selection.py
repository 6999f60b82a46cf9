"""Which quarantined rows are meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class Selection:
    """Rows of one source, or of any; with one reason code, or with any."""

    source: str | None = None
    reason: str | None = None

    def has(self, source: str) -> bool:
        """Whether rows of a source may be meant."""
        return self.source in {None, source}

    def is_chosen(self) -> Column:
        """True for a quarantined row with the reason; never null."""
        if self.reason is None:
            return F.lit(col=True)
        return F.exists("reasons", lambda reason: code(reason) == F.lit(self.reason))


def code(reason: Column) -> Column:
    """The code of a reason, without its column."""
    return F.substring_index(reason, ":", 1)


def of_case(quarantine: DataFrame, case: str, moment: datetime) -> DataFrame:
    """The quarantined rows of a case that had arrived by a moment, UTC."""
    is_here = F.col("arrived_at") <= F.lit(moment)
    return quarantine.filter((F.col("case") == F.lit(case)) & is_here)
