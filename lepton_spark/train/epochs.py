"""Say how far a training job is, while it runs in other processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lepton_spark.train.checkpoint import read_history

if TYPE_CHECKING:
    from lepton_spark.context import Progress
    from lepton_spark.train.network import NetworkJob

_SECONDS = 1.0


@contextmanager
def watch_epochs(progress: Progress, stage: str, job: NetworkJob) -> Iterator[None]:
    """Tell each epoch of a job as its checkpoint appears, until the block ends."""
    is_over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(progress, stage, job, is_over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def _watch(progress: Progress, stage: str, job: NetworkJob, is_over: threading.Event) -> None:
    told = 0
    while not is_over.wait(_SECONDS):
        try:
            history = read_history(job.checkpoint)
        except OSError:  # a shared store may fail for a moment; training does not depend on this
            continue
        if len(history) > told:
            told, last = len(history), history[-1]
            message = (
                f"epoch {told}: validation loss {last['validation_loss']:.4f}, "
                f"auc {last['validation_auc']:.4f}, {last['seconds']:.0f} s"
            )
            progress.step(stage, message, done=told, total=job.train.epochs)
