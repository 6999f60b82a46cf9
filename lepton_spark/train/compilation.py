"""Whether XLA compiles the gradients of a step: where that was measured to be faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lepton_spark.models.lean import tf

if TYPE_CHECKING:
    from lepton_spark.models.shape import Shape

Compiled = bool | Literal["auto"]


def is_jit_compiled(wanted: Compiled, shape: Shape) -> bool:
    """What `train.jit_compile` means for a network on this process.

    `auto` is true on processors without images and graphs: XLA fuses what lies between two
    products of matrices. It adds messages along edges one by one, and has no repeatable gradient
    of max pooling. On GPUs it needs parts of CUDA that many clusters lack.

    Args:
        wanted: `train.jit_compile`.
        shape: Of the inputs of the network.
    """
    if wanted != "auto":
        return wanted
    is_plain = not shape.images and not shape.graphs
    return is_plain and not tf.config.get_visible_devices("GPU")
