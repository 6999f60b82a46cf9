"""All features of a year of flights, against pandas; and how the cost grows with the rows.

`make bench NAME=features`. Both sides read the same silver tables and write a table of the same
columns, which are then compared value by value.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from deltalake import DeltaTable

from benchmarks import pandas_features
from benchmarks.journey import CASE, ROOT, lepton
from benchmarks.result import Check, median, ratio, write
from lepton_spark.features.stage import build
from lepton_spark.job.request import Request
from lepton_spark.job.run import open_context

if TYPE_CHECKING:
    from lepton_spark.context import RunContext

logger = logging.getLogger(__name__)
ROUNDS = 3
HALF, WHOLE = date(2013, 7, 2), date(2014, 1, 2)


def ours(context: RunContext, lake: Path) -> float:
    """Seconds of the stage on a copy of a lake, reading and publishing included.

    Raises:
        RuntimeError: It found its rows published already.
    """
    # What was published is not computed again.
    copy = lake.with_name(f"lakehouse-{time.monotonic_ns()}")
    shutil.copytree(lake / "silver", copy / "silver")
    environment = context.environment.model_copy(update={"lakehouse": str(copy)})
    started = time.monotonic()
    result = build(replace(context, environment=environment))
    seconds = time.monotonic() - started
    if not result.tables[0].is_new:
        raise RuntimeError("nothing was computed")
    shutil.rmtree(lake / "gold", ignore_errors=True)
    shutil.move(copy / "gold", lake / "gold")
    shutil.rmtree(copy)
    return seconds


def pandas_(lake: Path, until: date) -> float:
    """Seconds of the peer, reading and writing included."""
    started = time.monotonic()
    found = pandas_features.compute(lake / "silver", until.isoformat())
    found.to_parquet(lake / "pandas.parquet")
    return time.monotonic() - started


def require_equal(lake: Path) -> int:
    """See that both found the same; returns how many features were compared.

    Raises:
        RuntimeError: They did not.
    """
    mine = DeltaTable(lake / "gold" / f"{CASE}_features").to_pandas()
    peer = pd.read_parquet(lake / "pandas.parquet")
    mine, peer = (each.sort_values(pandas_features.KEYS) for each in (mine, peer))
    names = [name for name in peer.columns if name.startswith(("outcomes_", "weather_"))]
    if len(mine) != len(peer) or not set(names) <= set(mine.columns):
        raise RuntimeError("other rows or columns")
    for name in names:
        left, right = (each[name].to_numpy(np.float64, na_value=np.nan) for each in (mine, peer))
        # Ours are stored as 32 bits.
        is_same = np.isclose(left, right, rtol=1e-6, atol=1e-6, equal_nan=True)
        if not is_same.all():
            raise RuntimeError(f"{name} differs in {np.sum(~is_same)} rows")
    return len(names)


def main() -> None:
    """Measure and write results/bench/features.json."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as work:
        lake = Path(work) / "lakehouse"
        lepton(lake, "demo-data", CASE)
        for stage in ("land", "refine"):
            lepton(lake, stage, CASE, "--as-of", WHOLE.isoformat())
        settings = (f"lakehouse={lake}", f"mlflow.tracking_uri=sqlite:///{lake}/mlflow.db")
        request = Request("features", CASE, WHOLE, conf_dir=ROOT / "conf", overrides=settings)
        whole, half, peer = [], [], []
        with open_context(request) as context:
            for _ in range(ROUNDS):
                half.append(ours(replace(context, as_of=HALF), lake))
                whole.append(ours(context, lake))
                peer.append(pandas_(lake, WHOLE))
                logger.info(
                    "half %.1f s, whole %.1f s, pandas %.1f s", half[-1], whole[-1], peer[-1]
                )
        compared = require_equal(lake)
    value, low, high = ratio(whole[1:], peer[1:])
    growth, slowest, fastest = ratio(whole[1:], half[1:])
    write(
        "bench/features",
        [
            Check(f"{compared} features of a year of flights, against pandas", value, "x", "<= 6",
                  low, high),
            Check("the same, first time in a fresh process", whole[0] / peer[0], "x"),
            Check("a year against its first half", growth, "x", "<= 2.2", slowest, fastest),
            Check("features of a year, to a Delta table", median(whole[1:]), "s"),
            Check("features of a year in pandas, to a Parquet file", median(peer[1:]), "s"),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
