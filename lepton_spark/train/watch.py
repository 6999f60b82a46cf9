"""Follow a training from outside, by the history that rank 0 writes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from lepton_spark.train.checkpoint import ask_to_stop, read_history, take_back_stop

LOOK_SECONDS = 0.5
OnEpoch = Callable[[Mapping[str, float]], None]


@contextmanager
def watching(folder: str, on_epoch: OnEpoch | None) -> Iterator[None]:
    """Call `on_epoch` from a thread with each epoch that ends while the block runs.

    Args:
        folder: Of the checkpoints; epochs that are in it before are not told.
        on_epoch: Nothing is watched without it. Where it fails, training is asked to stop.

    Raises:
        Exception: What `on_epoch` raised, once the block has ended without an error of its own.
    """
    if on_epoch is None:
        yield
        return
    watch = _Watch(folder, on_epoch)
    watch.start()
    try:
        yield
    finally:
        watch.stop()
    if watch.error:
        raise watch.error


class _Watch(threading.Thread):
    """Tells each epoch once; `error` is what that failed with."""

    def __init__(self, folder: str, on_epoch: OnEpoch) -> None:
        super().__init__(name="watch", daemon=True)
        self.error: Exception | None = None
        self._folder = folder
        self._on_epoch = on_epoch
        self._told = read_history(folder)
        self._is_over = threading.Event()

    def run(self) -> None:
        """Look now and then until it is over, and once more then."""
        is_last = False
        while not is_last and self.error is None:
            is_last = self._is_over.wait(LOOK_SECONDS)
            try:
                self._look()
            except Exception as error:  # noqa: BLE001  # the thread that trains raises it
                self.error = error
                with suppress(OSError):
                    ask_to_stop(self._folder)

    def stop(self) -> None:
        """Tell the last epochs, and end."""
        self._is_over.set()
        self.join()
        if self.error:
            with suppress(OSError):
                take_back_stop(self._folder)  # the next run is to go on

    def _look(self) -> None:
        try:
            history = read_history(self._folder)
        except OSError:  # a shared store may fail for a moment; training does not depend on this
            return
        if history and history[0] not in self._told:  # of another job, which began anew
            self._told = []
        for entry in history[len(self._told) :]:
            self._on_epoch(entry)
        if len(history) > len(self._told):
            self._told = history
