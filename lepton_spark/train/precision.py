"""Whether to multiply in 16 bits: where the hardware of all ranks is faster at it, and asked to."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lepton_spark.models.lean import keras, tf

if TYPE_CHECKING:
    from lepton_spark.train.worker import Worker

logger = logging.getLogger(__name__)
Precision = Literal["float32", "mixed_bfloat16"]
_CPU_FLAG = "amx_bf16"
_CPU_FACTS = Path("/proc/cpuinfo")
_AMPERE = (8, 0)  # the first NVIDIA devices with tensor cores for bfloat16


def agreed_precision(worker: Worker, wanted: Precision) -> Precision:
    """What all ranks compute in; called by all of them."""
    if wanted == "float32":
        return wanted
    able = worker.sum(np.array([float(has_bfloat16())]))[0]
    if able == worker.size:
        return wanted
    logger.warning(
        "%d of %d ranks have no units for bfloat16: float32 it is", worker.size - able, worker.size
    )
    return "float32"


def has_bfloat16() -> bool:
    """Whether the devices that this process may use multiply bfloat16 in units of their own."""
    devices = tf.config.get_visible_devices("GPU")
    if not devices:
        return _CPU_FACTS.is_file() and f" {_CPU_FLAG} " in _CPU_FACTS.read_text(errors="ignore")
    facts = [tf.config.experimental.get_device_details(device) for device in devices]
    return all(each.get("compute_capability", (0, 0)) >= _AMPERE for each in facts)


@contextmanager
def computing_in(precision: Precision) -> Iterator[None]:
    """Layers that are made meanwhile compute in this precision; their weights are float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
