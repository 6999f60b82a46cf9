"""The measurements of a training are found again after another one of the same date."""

from __future__ import annotations

import pytest

from lepton_spark.lake import tables
from lepton_spark.quality.metrics import METRICS, metric_rows
from lepton_spark.train.measured import (
    JOB,
    published_history,
    rates,
    subject,
    training_metrics,
    training_publication,
)


def test_a_rate_is_that_of_what_took_time():
    entry = {"rows": 100.0, "seconds": 4.0, "read_seconds": 2.0, "step_seconds": 0.0}

    assert rates(entry) == {"rows_per_second": 25.0, "read_rows_per_second": 50.0}
    assert rates({"rows": 100.0}) == {}


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
