"""P20: the same inputs give the same tables, however Spark lays out the work, or loses it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lepton_spark.silver import stage
from tests.promises.lab import day
from tests.promises.promise import Promise, without
from tests.promises.shop import write_days, write_dirty
from tests.promises.troubled import TROUBLES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.promises.lab import Lab

_MOST_SECONDS = 900
# 24 layouts; the first is the one that the others are compared with.
_LAYOUTS = tuple(
    {
        "spark.sql.shuffle.partitions": partitions,
        "spark.sql.adaptive.enabled": adaptive,
        "spark.sql.autoBroadcastJoinThreshold": broadcast,
        "spark.sql.files.maxPartitionBytes": size,
    }
    for partitions in ("2", "1", "64", "7")
    for adaptive, broadcast in (("true", "10485760"), ("false", "10485760"), ("true", "-1"))
    for size in ("134217728", "4096")
)


def trials(lab: Lab, number: int) -> list[str]:
    """Land, refine and compute features once a layout; the last ones differ most.

    More trials than layouts are made on executors of their own that are in trouble.
    """
    others = min(number, len(_LAYOUTS)) - 1
    chosen = _LAYOUTS[:1] + _LAYOUTS[len(_LAYOUTS) - others :]
    digests = [_digests(lab, layout) for layout in chosen]
    troubles = list(TROUBLES)[: max(0, number - len(_LAYOUTS))]
    failures = [failure for trouble in troubles for failure in _troubled(lab, trouble, digests[0])]
    return failures + [
        f"{layout}: {sorted(name for name in found if found[name] != digests[0].get(name))}"
        for layout, found in zip(chosen, digests, strict=True)
        if found != digests[0]
    ]


def _digests(lab: Lab, layout: Mapping[str, str]) -> dict[str, tuple[int, str]]:
    lake = lab.lake()
    write_days(lake.lakehouse, lab.seed, days=8, visits=60, sales=60)
    write_dirty(lake.lakehouse, lab.seed, files=3)
    with _set(lab.spark, layout):
        lake.run("land", "refine", "features", as_of=day(8))
    return lake.digests()


def _troubled(lab: Lab, trouble: str, wanted: Mapping[str, tuple[int, str]]) -> list[str]:
    place = tempfile.mkdtemp(dir=lab.folder)
    done = subprocess.run(
        [sys.executable, "-m", "tests.promises.troubled", place, str(lab.seed), trouble],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=_MOST_SECONDS,
        check=False,
    )
    if done.returncode:
        return [f"{trouble}: exit code {done.returncode}: {done.stderr[-500:]}"]
    found = json.loads(done.stdout.splitlines()[-1])
    digests = {name: tuple(digest) for name, digest in found["digests"].items()}
    wrong = sorted(name for name in digests if digests[name] != wanted.get(name))
    failures = [f"{trouble}: {wrong}"] if digests != wanted else []
    return failures if found["troubles"] else [*failures, f"{trouble}: it never came to that"]


@contextmanager
def _set(spark: SparkSession, layout: Mapping[str, str]) -> Iterator[None]:
    before = {name: spark.conf.get(name, None) for name in layout}
    for name, value in layout.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            spark.conf.unset(name) if value is None else spark.conf.set(name, value)


def control(lab: Lab) -> list[str]:
    """A value follows from the place where a row is computed."""
    good_rows = stage.good_rows

    def by_place(judged, run_id):
        rows = good_rows(judged, run_id)
        moved = {"minutes": F.col("minutes") + F.spark_partition_id()}
        return rows.withColumns(moved if "minutes" in rows.columns else {})

    with without((stage, "good_rows", by_place)):
        return trials(lab, 2)


PROMISE = Promise(
    "P20",
    "the same inputs give the same tables at any layout of the work, with retries and speculation",
    trials,
    short=2,
    full=27,
    control=control,
    is_long=True,
)
