"""What is written of a measurement, and how sure it is."""

from __future__ import annotations

from benchmarks import result
from benchmarks.result import ratio


def test_an_interval_is_as_wide_as_the_few_rounds_of_a_side_make_it():
    middle, low, high = ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 1.0, 1.0, 1.0, 1.0])

    assert (low, middle, high) == (1.0, 3.0, 5.0)


def test_a_slow_round_of_the_machine_is_slow_for_both_sides():
    assert ratio([2.0, 20.0, 4.0], [1.0, 10.0, 2.0]) == (2.0, 2.0, 2.0)
    assert ratio([3.0, 6.0], [1.0, 2.0, 50.0]) == (3.0, 3.0, 3.0)


def test_the_machine_is_told_with_its_gpus(tmp_path, monkeypatch):
    assert "GiB" in result.machine()
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf 'NVIDIA H200\\nNVIDIA H200\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert result.machine().endswith(" GiB, 2 x NVIDIA H200")

    program.write_text("#!/bin/sh\necho 'no devices were found'; exit 6\n")
    assert result.machine().endswith(" GiB")
