"""A job whose driver lacks something: `python -m tests.promises.pressed HOW ARGUMENTS OF A JOB`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from lepton_spark.context import StageResult
from lepton_spark.job.run import run_job
from tests.promises.dying import starve

if TYPE_CHECKING:
    from lepton_spark.context import RunContext

_ROWS, _CELL = 4_000_000, 1_000


def fill_heap(context: RunContext) -> StageResult:
    """Have Spark put more into one row than fits into its heap."""
    context.progress.step("fill", "the heap is filled")
    context.spark.range(_ROWS).selectExpr(f"size(collect_list(repeat(id, {_CELL})))").collect()
    return StageResult("fill", ())


def fill_driver(context: RunContext) -> StageResult:
    """Have the Python process of the driver ask for more memory than it may have."""
    context.progress.step("fill", "the driver is filled")
    starve()


def wait(context: RunContext) -> StageResult:
    """Work in Spark until somebody ends that."""
    context.progress.step("fill", "the driver waits")
    context.spark.range(1 << 40).selectExpr("sum(hash(id))").collect()
    return StageResult("fill", ())


HOW = {each.__name__: each for each in (fill_heap, fill_driver, wait)}

if __name__ == "__main__":
    assert np.ones(1).all()  # loaded before memory is short
    sys.exit(run_job("fill", [("fill", HOW[sys.argv[1]])], sys.argv[2:]))
