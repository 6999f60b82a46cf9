from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from lepton_spark.models.lean import UNUSED, keras, tf
print(sorted(set(UNUSED) & set(sys.modules)))
import pandas, sklearn
print(keras.ops.convert_to_numpy(tf.ones(2)).tolist())
"""


@pytest.mark.tensorflow
def test_keras_loads_alone_and_hides_nothing_afterwards():
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120
    )

    assert run.stdout.splitlines() == ["[]", "[1.0, 1.0]"]
