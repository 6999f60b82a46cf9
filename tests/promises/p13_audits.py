"""P13: a failed audit publishes nothing, and what was published before stays as it was."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.errors import DataError, LeptonError
from lepton_spark.features.audit import audit_features
from lepton_spark.lake import staging, tables
from lepton_spark.lake.catalog import location
from lepton_spark.lake.publication import Publication
from lepton_spark.lake.tables import TableId
from lepton_spark.quality.accounting import require_number, require_staged
from tests.promises.lab import day, digest
from tests.promises.promise import Promise, without

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from lepton_spark.context import RunContext
    from tests.promises.lab import Lab, Lake

_TABLE = TableId("gold", "audited")
_ROWS = 20


def _too_few(staged: DataFrame) -> None:
    require_number(str(_TABLE), _ROWS + 1, staged)


def _other_files(staged: DataFrame) -> None:
    timed = staged.withColumns(
        {"_file": F.lit("f"), "_arrived_at": F.lit(1), "_known_at": F.lit(1)}
    )
    require_staged(str(_TABLE), {"f": _ROWS - 1}, timed)


def _null_key(staged: DataFrame) -> None:
    audit_features(staged.withColumn("key", F.lit(None)), ["key"], _ROWS, None)


def _refused(_: DataFrame) -> None:
    raise DataError("LS-2041", "too many.", "a rule.", "mend it.")


_AUDITS = (_too_few, _other_files, _null_key, _refused)


def trials(lab: Lab, number: int) -> list[str]:
    """A first publication, or one that replaces or appends, whose audit fails."""
    random_ = random.Random(lab.seed)
    failures = []
    for trial in range(number):
        lake, audit = lab.lake(), _AUDITS[trial % len(_AUDITS)]
        replace = random_.choice((None, "_as_of >= DATE'2000-01-01'"))
        if trial % 3:
            _publish(lake, replace, days=[0, 1])
        before = _state(lake)
        if not _is_refused(lake, replace, audit):
            failures.append(f"{audit.__name__}: published")
        elif _state(lake) != before:
            failures.append(f"{audit.__name__}: the table is another")
    return failures


def _rows(context: RunContext, days: Sequence[int]) -> DataFrame:
    each = F.explode(F.array(*(F.lit(day(number)) for number in days)))
    return context.spark.range(_ROWS).withColumnRenamed("id", "key").withColumn("_as_of", each)


def _publish(lake: Lake, replace: str | None, days: Sequence[int], audit=None) -> None:
    context = lake.context(day(2))
    publication = Publication(
        _TABLE, "score", str(days), "f" * 64, replace=replace, partition_by=("_as_of",), audit=audit
    )
    tables.publish(context, _rows(context, days), publication)


def _is_refused(lake: Lake, replace: str | None, audit) -> bool:
    try:
        _publish(lake, replace, [2], audit)
    except LeptonError:
        return True
    return False


def _state(lake: Lake) -> object:
    """Version and rows of the table, and what is left in its staging folder."""
    context = lake.context(day(2))
    version = tables.current_version(context, _TABLE)
    rows = digest(lake.rows(_TABLE)) if version >= 0 else None
    parent = f"{location(context.environment, _TABLE).rsplit('/', 1)[0]}/_staging/{_TABLE.name}"
    return version, rows, staging.files.names_in(parent)


def control(lab: Lab) -> list[str]:
    """The audit comes after the commit."""
    commit_once = tables._commit_once

    def publish(context, rows, publication):
        staged = staging.write(context, rows, publication)
        commit_once(context, staged, publication)
        if publication.audit is not None:
            publication.audit(staged.rows)

    with without((tables, "publish", publish)):
        return trials(lab, 2)


PROMISE = Promise(
    "P13",
    "a failed audit publishes nothing",
    trials,
    short=2,
    full=20,
    control=control,
)
