"""The device that a training process computes on: one GPU, or the processor."""

from __future__ import annotations

import os

from lepton_spark.models.lean import tf
from lepton_spark.train.cores import take_share
from lepton_spark.train.place import GIVEN_GPU

PROCESSOR = "processor"
# With one a step on two cores takes 1.5 times as long; on one core a second one waits in a loop for
# the ring and takes the core from it. Which of two operations comes first changes no result.
_MOST_OPERATIONS_AT_ONCE = 2


def prepared_device() -> str:
    """The device of this process, on which equal operations give equal bits.

    The first call comes before TensorFlow does anything, a ring of it included; later ones change
    nothing.
    """
    tf.config.experimental.enable_op_determinism()
    threads = take_share()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(min(threads, _MOST_OPERATIONS_AT_ONCE))
        return use_one_device()
    except RuntimeError:
        # A process that already used TensorFlow keeps its threads and devices.
        return "the devices of this process"


def use_one_device() -> str:
    """Let this process use one GPU, whose memory grows as it is needed.

    The one that Spark's resource scheduling gave its task; else, as Horovod's documentation has it,
    the one with the number of this rank on its host. A rank for which none is left computes on the
    processor. Called before TensorFlow does anything.

    Returns:
        `GPU` and its number, or `processor`.
    """
    found = tf.config.list_physical_devices("GPU")
    given = os.environ.get(GIVEN_GPU)
    # TensorFlow sees no other than the one that was given.
    place = 0 if given else int(os.environ.get("HOROVOD_LOCAL_RANK", "0"))
    own = found[place : place + 1]
    tf.config.set_visible_devices(own, "GPU")
    for device in own:
        tf.config.experimental.set_memory_growth(device, True)  # noqa: FBT003  # TensorFlow's own form
    return f"GPU {given or place}" if own else PROCESSOR
