"""A run of the registry shows what the training of a network measured of itself."""

from __future__ import annotations

from lepton_spark.registry.trial import trial_of
from tests.score.conftest import CASE, clinic_bundle

MEASURED = [
    {
        "epoch": epoch, "loss": 0.9, "rows": 1000.0, "seconds": 2.0, "read_seconds": 0.5,
        "hand_over_seconds": 0.0, "step_seconds": 1.0, "allreduce_seconds": 0.25,
        "peak_mib": 700.5, "rows_by_rank": [600, 400],
    }
    for epoch in (1, 2)
]  # fmt: skip


def curves_of(training, measured=MEASURED):
    metrics = {"metrics": {}}
    bundle = clinic_bundle(
        training=training, evaluation={"validate": metrics, "test": metrics},
        snapshot={"fitted_until": "2024-02-01T00:00:00Z"},
    )  # fmt: skip
    return trial_of("table_mlp", bundle, CASE, measured).curves


def test_of_the_network_seconds_rates_ranks_and_memory_are_shown():
    history = [{"epoch": 1, "loss": 0.6}, {"epoch": 2, "loss": 0.5}]

    curves = curves_of({"history": history})

    assert curves["loss"] == [0.6, 0.5]
    assert curves["allreduce_seconds"] == [0.25, 0.25]
    assert curves["rows_per_second"] == [500.0, 500.0]
    assert curves["read_rows_per_second"] == [2000.0, 2000.0]
    assert curves["allreduce_rows_per_second"] == [4000.0, 4000.0]
    assert curves["rows_of_rank_1"] == [400.0, 400.0]
    assert curves["peak_mib"] == [700.5, 700.5]
    assert "hand_over_rows_per_second" not in curves


def test_baselines_and_older_networks_have_the_curves_of_their_bundle():
    assert curves_of({}) == {}
    steps = [{"step": 0, "loss": 0.7}, {"step": 1, "loss": 0.6}]
    assert curves_of({"history": steps})["loss"] == [0.7, 0.6]
    assert curves_of({"history": [{"epoch": 1, "loss": 0.6}]}, []) == {"loss": [0.6]}
