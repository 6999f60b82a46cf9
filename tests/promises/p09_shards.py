"""P9: shards of unequal size, or of none, neither hang nor lose a row."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pyarrow as pa

from lepton_spark.errors import LeptonError
from lepton_spark.train.barrier import free_slots
from tests.promises.promise import Promise
from tests.promises.rings import RINGS, fit
from tests.train.planted import job_on, rows_of

if TYPE_CHECKING:
    from tests.promises.lab import Lab

_BATCH = 8
_COUNTS = (
    1, 2, _BATCH - 1, _BATCH, _BATCH + 1, 2 * _BATCH - 1, 2 * _BATCH, 2 * _BATCH + 1, 61, 257,
)  # fmt: skip
_MOST_RANKS = 4


def trials(lab: Lab, number: int) -> list[str]:
    """Every number of rows on every number of ranks; a rank may have no row at all."""
    combinations = list(product(range(_MOST_RANKS, 0, -1), _COUNTS))
    failures = []
    for trial, (size, count) in enumerate(combinations[:number]):
        told = f"{count} rows on {size} ranks"
        ranks = min(size, free_slots(lab.spark) or size)
        seen, by_rank = _seen(lab, count, ranks, RINGS[trial % len(RINGS)])
        if not seen == sum(by_rank) == count:
            failures.append(f"{told}: {seen} were seen, {by_rank} dealt")
    return failures


def _seen(
    lab: Lab, count: int, size: int, ring: str, entry: str | None = None
) -> tuple[int, tuple[int, ...]]:
    """Rows of an epoch, as the ranks counted them together, and as they were dealt."""
    rows = rows_of(4 * count + 40)
    train = rows.filter(pa.array([part == "train" for part in rows["_split"].to_pylist()]))
    others = rows.filter(pa.array([part != "train" for part in rows["_split"].to_pylist()]))
    given = pa.concat_tables([train.slice(0, count), others])
    made = job_on(given, lab.place(), batch_size=min(_BATCH, count), epochs=1, row_group_size=5)
    # Blocks of two steps: those of two ranks may differ in size.
    made = replace(made, entry=entry or made.entry, most_block_rows=2 * _BATCH)
    fitted = fit(lab, made, ring, size)  # type: ignore[arg-type]  # one of RINGS
    return int(fitted.history[0]["rows"]), fitted.rows_by_rank


def control(lab: Lab) -> list[str]:
    """Steps are as many as the whole batches of the smallest shard."""
    try:
        seen, _ = _seen(lab, 61, 2, "horovod", "tests.train.rank_work:drop_and_fit")
    except LeptonError as error:
        return [error.what]
    return [] if seen == 61 else [f"{seen} of 61 rows were seen"]


PROMISE = Promise(
    "P9",
    "shards of unequal size, or of none, neither hang nor lose a row",
    trials,
    short=2,
    full=40,
    control=control,
    slots=_MOST_RANKS,
    is_long=True,
)
