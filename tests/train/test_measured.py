"""The measurements of a training are found again after another one of the same date."""

from __future__ import annotations

import pytest

from lepton_spark.lake import tables
from lepton_spark.quality.metrics import METRICS, metric_rows
from lepton_spark.train.measured import (
    JOB,
    history_of,
    published_history,
    rates,
    subject,
    training_metrics,
    training_publication,
)

ENTRY = {
    "epoch": 1, "rows": 100.0, "rows_by_rank": [40, 60], "seconds": 4.0, "read_seconds": 2.0,
    "step_seconds": 0.0, "allreduce_seconds": 0.5,
}  # fmt: skip
RATES = {
    "rows_per_second": 25.0, "read_rows_per_second": 50.0, "allreduce_rows_per_second": 200.0,
}  # fmt: skip


def test_a_rate_is_that_of_what_took_time():
    assert rates(ENTRY) == RATES
    assert rates({"rows": 100.0, "rows_by_rank": [40, 60]}) == {}


def test_of_an_epoch_that_was_resumed_the_rows_since_then_count():
    assert rates({**ENTRY, "rows_by_rank": [10, 0]})["rows_per_second"] == 2.5
    assert rates({**ENTRY, "rows_by_rank": [0, 0]}) == {}


def test_rates_are_rows_of_the_table_that_follow_from_the_others():
    metrics = training_metrics([ENTRY])

    assert {each.name: each.value for each in metrics if "second" in each.name} == {
        **RATES, "seconds": 4.0, "read_seconds": 2.0, "step_seconds": 0.0,
        "allreduce_seconds": 0.5,
    }  # fmt: skip
    assert {each.part for each in metrics if each.name in RATES} == {"epoch=1"}
    assert history_of(metrics) == [ENTRY]


@pytest.mark.spark
def test_each_training_of_a_date_keeps_its_own_history(context_for):
    losses = {"a" * 64: 0.6, "b" * 64: 0.5}
    for fingerprint, loss in losses.items():
        context = context_for()
        entry = {"epoch": 1, "loss": loss, "rows_by_rank": [3, 4]}
        rows = metric_rows(context, subject("tiny"), training_metrics([entry]))
        tables.publish(context, rows, training_publication(context, fingerprint))
    context = context_for()

    def history(fingerprint):
        key = training_publication(context, fingerprint).key
        marker = tables.find(context, METRICS, JOB, key)
        return published_history(
            context, marker, lambda version: tables.read(context, METRICS, version=version)
        )

    assert [[entry["loss"] for entry in history(each)] for each in losses] == [[0.6], [0.5]]
    assert history("a" * 64)[0]["rows_by_rank"] == [3, 4]
    assert history("c" * 64) == []
