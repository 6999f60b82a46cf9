"""Follow a training from outside, by the history that rank 0 writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from lepton_spark.train.checkpoint import read_history

LOOK_SECONDS = 0.5
OnEpoch = Callable[[Mapping[str, float]], None]


@contextmanager
def watching(folder: str, on_epoch: OnEpoch | None) -> Iterator[None]:
    """Call `on_epoch` from a thread with each epoch that ends while the block runs.

    Args:
        folder: Of the checkpoints; epochs that are in it before are not told.
        on_epoch: Nothing is watched without it.
    """
    if on_epoch is None:
        yield
        return
    is_over = threading.Event()
    told = len(read_history(folder))
    thread = threading.Thread(
        target=_watch, args=(folder, on_epoch, told, is_over), name="watch", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _watch(folder: str, on_epoch: OnEpoch, told: int, is_over: threading.Event) -> None:
    is_last = False
    while not is_last:
        is_last = is_over.wait(LOOK_SECONDS)
        try:
            history = read_history(folder)
        except OSError:  # a shared store may fail for a moment; training does not depend on this
            continue
        for entry in history[told:]:
            on_epoch(entry)
        told = max(told, len(history))
