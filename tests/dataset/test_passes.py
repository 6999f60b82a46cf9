from __future__ import annotations

import tracemalloc

import numpy as np
import pyarrow as pa

from lepton_spark.dataset import passes
from lepton_spark.dataset.statistics import Bounds, Survey, value_at

ROWS = pa.table({"x": [3.0, 1.0, None, 2.0, 9.0], "word": ["a", "b", "a", None, "c"]})
NONE = ROWS.slice(0, 0)


def surveyed(*tables, **how):
    return passes.total_survey([passes.survey(iter(tables), ["x"], ["word"], **how)])


def test_a_row_group_all_of_whose_rows_are_refused_adds_nothing():
    digest, (survey,) = surveyed(ROWS, NONE)
    bounds = {"x": Bounds.of(survey, 0.0)}

    assert digest == surveyed(ROWS)[0]
    assert (survey.count, survey.missing) == (4, 1)
    (without,) = passes.total_detail([passes.detail(iter([ROWS]), bounds)])
    (found,) = passes.total_detail([passes.detail(iter([ROWS, NONE]), bounds)])
    np.testing.assert_array_equal(found.low, without.low)
    assert found.total == without.total


def test_values_may_be_clipped_or_distances_while_the_digest_is_of_the_rows():
    digest, (survey,) = surveyed(ROWS, values=passes.clipped({"x": (1.5, 4.0)}))
    far = surveyed(ROWS, values=passes.distance({"x": 2.0}))[1][0]

    assert digest == surveyed(ROWS)[0]
    assert _all_values(survey) == [1.5, 2.0, 3.0, 4.0]
    assert _all_values(far, passes.distance({"x": 2.0})) == [0.0, 1.0, 1.0, 7.0]


def _all_values(survey: Survey, values=None):
    found = []
    values = values or passes.clipped({"x": (1.5, 4.0)})
    for rank in range(survey.count):
        bounds = Bounds.around(survey, rank, rank)
        (detail,) = passes.total_detail([passes.detail(iter([ROWS]), {"x": bounds}, values)])
        found.append(value_at(survey, bounds, detail, rank))
    return found


def test_the_driver_holds_the_counts_of_one_task_however_many_there_are():
    survey = passes.survey(iter([ROWS]), ["x"], ["word"])
    bounds = {"x": Bounds.of(passes.total_survey([survey])[1][0], 0.0)}
    detail = passes.detail(iter([ROWS]), bounds)

    for total, blob in ((passes.total_survey, survey), (passes.total_detail, detail)):
        few, many = (_peak(total, [blob] * tasks) for tasks in (3, 40))
        assert many < 1.5 * few

    digest, (found,) = passes.total_survey([survey] * 3 + [passes.survey(iter([]), ["x"], [])])
    assert (digest.rows, found.count, found.missing) == (15, 12, 3)


def _peak(total, blobs):
    tracemalloc.start()
    total(blobs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak
