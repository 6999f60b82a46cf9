"""Steps of windows, against a search through all events for each value."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from lepton_spark.errors import DataError
from lepton_spark.features import windows
from lepton_spark.features.measure import Value, WindowMeasure
from lepton_spark.features.windows import Variable, WindowFinder, WindowPlan, gaps

EVERY = timedelta(microseconds=10)
STEPS = 5
SPAN = STEPS * 10
PULSE, ROWS = WindowMeasure("pulse", "mean", Value("v", is_summed=True, is_whole=False)), None
PLAN = WindowPlan(
    by=("stay",),
    every=EVERY,
    steps=STEPS,
    variables=(
        Variable(("a", "a_mask", "a_gap"), PULSE, 0),
        Variable(("b", "b_mask", "b_gap"), PULSE, 1),
        Variable(("n", "n_mask", "n_gap"), WindowMeasure("n", "count")),
    ),
)
EVENT = pa.schema(
    [("stay", pa.string()), ("_happened", pa.int64()), ("_known", pa.int64()),
     ("_superseded", pa.int64()), ("_place", pa.int32()), ("v", pa.float64())]
)  # fmt: skip


def invented(seed):
    random_ = random.Random(seed)
    stays = [random_.choice(["x", "y", "z", None]) for _ in range(30)]
    rows = [{"stay": stay, "_moment": random_.randrange(60, 130)} for stay in stays]
    events = [
        {
            "stay": random_.choice(["x", "y", "w", None]),
            "_happened": random_.randrange(0, 140),
            "_known": random_.randrange(0, 140),
            "_superseded": random_.choice([None, None, random_.randrange(0, 140)]),
            "_place": random_.choice([0, 1]),
            "v": random_.choice([None, 0.1, -3.25, random_.uniform(-5, 5)]),
        }
        for _ in range(400)
    ]
    return rows, events


def found_by(rows, events, pieces=3):
    table = pa.Table.from_pylist(
        rows, pa.schema([("stay", pa.string()), ("_moment", pa.timestamp("us", "UTC"))])
    )
    finder = WindowFinder(PLAN, table)
    for piece in range(pieces):
        finder.add(pa.RecordBatch.from_pylist(events[piece::pieces], EVENT))
    columns = {name: [] for name in PLAN.features}
    for number, features in finder.answers():
        for name, values in features.items():
            assert len(values) == number
            columns[name] += values.to_pylist()
    return columns


def counts(row, event, step):
    """Whether an event is in a step of a row, by the words of the promise."""
    end = row["_moment"] - (STEPS - 1 - step) * 10
    return (
        row["stay"] is not None
        and event["stay"] == row["stay"]
        and end - 10 < event["_happened"] <= end
        and event["_known"] <= row["_moment"]
        and (event["_superseded"] is None or event["_superseded"] > row["_moment"])
    )


@pytest.mark.parametrize("seed", range(8))
def test_every_step_is_what_a_search_through_all_events_finds(seed, monkeypatch):
    # Slices of a few rows and pairs: what is cut must not matter.
    monkeypatch.setattr(windows, "_SLICE_VALUES", 15 * (seed + 1))
    monkeypatch.setattr(windows, "_SLICE_PAIRS", 7)
    rows, events = invented(seed)

    found = found_by(rows, events)

    for place, name in enumerate("ab"):
        for row, values, mask in zip(rows, found[name], found[f"{name}_mask"], strict=True):
            steps = [
                [e["v"] for e in events if counts(row, e, s) and e["_place"] == place]
                for s in range(STEPS)
            ]
            given = [[v for v in step if v is not None] for step in steps]
            assert mask == [int(bool(step)) for step in given]
            wanted = [np.mean(step) if step else None for step in given]
            assert [v is None for v in values] == [v is None for v in wanted]
            both = [(v, w) for v, w in zip(values, wanted, strict=True) if w is not None]
            assert all(np.isclose(v, w, rtol=1e-6, atol=1e-9) for v, w in both)
    wanted = [[sum(counts(row, e, s) for e in events) for s in range(STEPS)] for row in rows]
    assert found["n"] == wanted


def test_pieces_and_their_order_do_not_matter():
    rows, events = invented(99)

    assert found_by(rows, events) == found_by(rows, events[::-1], pieces=1)


def test_without_any_event_nothing_is_measured():
    found = found_by([{"stay": "x", "_moment": 100}], [])

    assert found["a"] == [[None] * STEPS]
    assert found["a_mask"] == [[0] * STEPS]
    assert found["n"] == [[0] * STEPS]


def test_a_gap_is_the_hours_since_a_step_before_had_a_value():
    mask = np.array([[0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 0, 1, 0]], dtype=bool)

    def by_the_paper(measured):
        found = [0.0]
        for before in measured[:-1]:
            found.append(2.0 if before else 2.0 + found[-1])
        return found

    assert gaps(mask, 2.0).tolist() == [by_the_paper(row) for row in mask]
    assert gaps(mask, 2.0)[0].tolist() == [0, 2, 2, 4, 6]


def test_sums_that_may_not_be_exact_are_refused():
    events = [{"stay": "x", "_happened": 90, "_known": 90, "_place": 0, "v": 1e23}] * 9

    with pytest.raises(DataError) as raised:
        found_by([{"stay": "x", "_moment": 100}], events)

    assert raised.value.code == "LS-2152"


def test_sums_of_the_most_negative_numbers_are_refused():
    total = WindowMeasure("total", "sum", Value("v", is_summed=True))
    plan = WindowPlan(("stay",), EVERY, STEPS, (Variable(("a", "a_mask", "a_gap"), total),))
    table = pa.table(
        {"stay": ["x"], "_moment": pa.array([100], pa.timestamp("us", "UTC"))},
    )
    finder = WindowFinder(plan, table)
    event = {"stay": "x", "_happened": 90, "_known": 90, "v": -(2**63)}
    schema = EVENT.set(EVENT.get_field_index("v"), pa.field("v", pa.int64()))
    finder.add(pa.RecordBatch.from_pylist([event, event], schema))

    with pytest.raises(DataError) as raised:
        list(finder.answers())

    assert raised.value.code == "LS-2152"
