"""The windows of one chunk, in NumPy alone, against counting one by one."""

import random
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_spark.errors import DataError
from lepton_spark.features.history import HistoryFinder, HistoryPlan
from lepton_spark.features.measure import Kept, Value, WindowMeasure
from lepton_spark.features.questions import Days

WHOLE = Value("_v0", is_summed=True)
PLAN = HistoryPlan(
    source="sales",
    key_sets=((), ("shop",)),
    windows={"24h": timedelta(days=1), "7d": timedelta(days=7)},
    measures=(WindowMeasure("events", "count"), WindowMeasure("mean", "mean", WHOLE)),
)
DAYS = Days(first=10, number=8)
EVENT = st.tuples(
    st.sampled_from(["x", "y", None]),
    st.one_of(st.none(), st.integers(-(2**40), 2**40)),
    st.integers(5, 20),
    st.integers(0, 3),
    st.integers(0, 9),
)
ROW = st.tuples(st.sampled_from(["x", "y", "z", None]), st.integers(10, 17))


def _pieces(events, cuts):
    columns = {
        "shop": pa.array([shop for shop, *_ in events], pa.string()),
        "_v0": pa.array([value for _, value, *_ in events], pa.int64()),
        "_enters": pa.array([enters for _, _, enters, *_ in events], pa.int32()),
        "_leaves_24h": pa.array([e + short for _, _, e, short, _ in events], pa.int32()),
        "_leaves_7d": pa.array([e + long for _, _, e, _, long in events], pa.int32()),
    }
    batch = pa.RecordBatch.from_pydict(columns)
    edges = sorted({0, len(events), *(cut % (len(events) + 1) for cut in cuts)})
    return [batch.slice(a, b - a) for a, b in pairwise(edges)]


def _answers(rows, pieces):
    table = pa.table(
        {
            "shop": pa.array([shop for shop, _ in rows], pa.string()),
            "_day": pa.array([day for _, day in rows], pa.int32()),
        }
    )
    finder = HistoryFinder(PLAN, table, DAYS)
    for piece in pieces:
        finder.add(piece)
    return {name: values.take(pa.array(place)) for name, values, place in finder.answers()}


@settings(max_examples=300)
@given(
    rows=st.lists(ROW, min_size=1, max_size=12),
    events=st.lists(EVENT, max_size=25),
    cuts=st.lists(st.integers(0, 100), max_size=3),
)
def test_windows_hold_what_has_entered_and_not_left(rows, events, cuts):
    found = _answers(rows, _pieces(events, cuts))

    for index, (shop, day) in enumerate(rows):
        for by in ("all", "shop"):
            for label, length in (("24h", 3), ("7d", 4)):
                inside = [
                    event
                    for event in events
                    if event[2] <= day < event[2] + event[length]
                    and (by == "all" or (shop is not None and event[0] == shop))
                ]
                numbers = [event[1] for event in inside if event[1] is not None]
                mean = np.float32(sum(numbers) / len(numbers)) if numbers else None
                assert found[f"sales_by_{by}_{label}_events"][index].as_py() == len(inside)
                assert found[f"sales_by_{by}_{label}_mean"][index].as_py() == mean


def test_pieces_may_come_in_any_order():
    random_ = random.Random(5)
    events = [
        (random_.choice("xy"), random_.randrange(100), random_.randrange(5, 20), 1, 5)
        for _ in range(200)
    ]
    rows = [(random_.choice("xy"), day) for day in range(10, 18)]
    one, many = _pieces(events, []), _pieces(events, range(0, 200, 17))
    assert _answers(rows, one) == _answers(rows, reversed(many))


@pytest.mark.parametrize(("number", "times"), [(2**61, 4), (-(2**63), 2)])
def test_sums_that_could_overflow_are_refused(number, times):
    events = [("x", number, 10, 1, 1)] * times
    with pytest.raises(DataError) as refused:
        _answers([("x", 10)], _pieces(events, []))
    assert refused.value.code == "LS-2092"


def test_a_quantile_is_found_whatever_the_digits_of_its_share():
    share = Fraction("0.3333333333333333")  # its numerator times 3,000 is beyond 64 bits
    measure = WindowMeasure("low", "quantile", Kept("_v0", "double"), at=share)
    plan = HistoryPlan("sales", ((),), {"7d": timedelta(days=7)}, (measure,))
    rows = pa.table({"_day": pa.array([10], pa.int32())})
    finder = HistoryFinder(plan, rows, DAYS)
    finder.add(
        pa.RecordBatch.from_pydict(
            {
                "_v0": pa.array(range(3000), pa.float64()),
                "_enters": pa.array([9] * 3000, pa.int32()),
                "_leaves_7d": pa.array([20] * 3000, pa.int32()),
            }
        )
    )

    ((_, values, place),) = finder.answers()

    assert values.take(pa.array(place)).to_pylist() == [999.0]
