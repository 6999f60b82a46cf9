"""Where the training processes of a case run, and how many there are."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lepton_spark.context import RunContext
    from lepton_spark.train.backend import Ring, TrainingBackend

logger = logging.getLogger(__name__)


def num_workers(context: RunContext) -> int:
    """As many as the case asks for; the local launcher has one."""
    train = context.case.train
    return 1 if train.launcher == "local" else train.workers


def num_ranks(context: RunContext, rows: int) -> int:
    """How many processes train the network on so many rows: each has one of its own at least."""
    wanted = num_workers(context)
    if wanted > rows > 0:
        logger.warning("%d rows are dealt to as many workers, not to %d", rows, wanted)
    return min(wanted, max(1, rows))


def backend_of(context: RunContext) -> TrainingBackend:
    """What `train.launcher` names; only that one is imported."""
    launcher, security = context.case.train.launcher, context.environment.security
    is_isolated = security.network == "isolated"
    if launcher == "local":
        from lepton_spark.train.local import LocalBackend  # noqa: PLC0415  # one launcher a run

        return LocalBackend()
    if launcher == "stock":
        from lepton_spark.train.horovod_stock import StockBackend  # noqa: PLC0415  # as above

        return StockBackend(context.spark, is_isolated=is_isolated)
    from lepton_spark.train.barrier import BarrierBackend  # noqa: PLC0415  # as above

    ring: Ring = "tensorflow" if launcher == "distribute" else "horovod"
    return BarrierBackend(context.spark, ring, is_isolated=is_isolated)
