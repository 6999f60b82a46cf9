"""Read ahead in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")
_LOOK_SECONDS = 0.1
_LEAVE_SECONDS = 10.0


class _End:
    """After the last item."""


def read_ahead(make: Callable[[], Iterator[Item]]) -> Generator[Item, None, None]:
    """Run an iterator in a thread, one item ahead of the caller; its error is raised here.

    Where the caller closes this early the thread has ended then, unless it is in a long read.
    """
    items: queue.Queue[Item | _End | Exception] = queue.Queue(maxsize=1)
    is_over = threading.Event()
    args = (make, items, is_over)
    thread = threading.Thread(target=_fill, args=args, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := items.get(), _End):
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        is_over.set()
        thread.join(_LEAVE_SECONDS)


def _fill(
    make: Callable[[], Iterator[Item]],
    items: queue.Queue[Item | _End | Exception],
    is_over: threading.Event,
) -> None:
    try:
        for item in make():
            if not _put(items, item, is_over):
                return
        _put(items, _End(), is_over)
    except Exception as error:  # noqa: BLE001  # raised again by the reader of the queue
        _put(items, error, is_over)


def _put(
    items: queue.Queue[Item | _End | Exception],
    item: Item | _End | Exception,
    is_over: threading.Event,
) -> bool:
    while not is_over.is_set():
        try:
            items.put(item, timeout=_LOOK_SECONDS)
        except queue.Full:
            continue
        return True
    return False
