"""TensorFlow and Keras, imported without the plotting and learning libraries they look for.

Keras tries scikit-learn, matplotlib, pandas and SciPy for parts that nothing here uses; finding
them doubles the seconds that each training process takes to start.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("matplotlib", "pandas", "scipy", "sklearn")


@contextmanager
def hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Make imports of these modules fail as if they were not installed, but for loaded ones."""
    added = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(added))  # type: ignore[arg-type]  # None means: not there
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
with hidden(UNUSED):
    import tensorflow as tf
    import keras  # isort: skip  # after the library that would otherwise import it

__all__ = ["keras", "tf"]
