"""The last known row of one chunk, in NumPy alone, against looking one by one."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_spark.features.latest import LatestFinder, LatestPlan
from lepton_spark.features.questions import Days
from lepton_spark.features.spans import Spans

PLAN = LatestPlan("weather", ("place",), {"wind": "double"}, timedelta(hours=12))
DAYS = Days(first=10, number=8)
START = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS = pa.schema(
    [
        ("place", pa.string()),
        ("_declared_at", pa.timestamp("us", tz="UTC")),
        ("_arrived_at", pa.timestamp("us", tz="UTC")),
        ("_file", pa.string()),
        ("_row", pa.int64()),
        ("wind", pa.float64()),
        ("_enters", pa.int32()),
        ("_leaves", pa.int32()),
    ]
)
EVENT = st.tuples(
    st.sampled_from(["x", "y", None]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.one_of(st.none(), st.floats(0, 10)),
    st.integers(5, 20),
    st.integers(0, 6),
)


def _batch(events):
    rows = [
        {
            "place": place,
            "_declared_at": START + timedelta(hours=declared),
            "_arrived_at": START + timedelta(hours=arrived),
            "_file": "f",
            "_row": number,
            "wind": wind,
            "_enters": enters,
            "_leaves": enters + length,
        }
        for number, (place, declared, arrived, wind, enters, length) in enumerate(events)
    ]
    return pa.RecordBatch.from_pylist(rows, EVENTS)


def _finder(rows):
    columns = {
        "place": pa.array([place for place, _ in rows], pa.string()),
        "_day": pa.array([day for _, day in rows], pa.int32()),
        "_moment": pa.array([START + timedelta(days=1)] * len(rows), EVENTS.field(1).type),
    }
    return LatestFinder(PLAN, pa.table(columns), DAYS, EVENTS)


def _answers(finder):
    return {name: values.take(pa.array(place)) for name, values, place in finder.answers()}


@settings(max_examples=300)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["x", "y", "z", None]), st.integers(10, 17)), max_size=12
    ),
    events=st.lists(EVENT, max_size=20),
    cut=st.integers(0, 20),
)
def test_the_last_declared_of_those_that_count_is_found(rows, events, cut):
    finder, batch = _finder(rows), _batch(events)
    for piece in (batch.slice(cut), batch.slice(0, cut)):
        finder.add(piece)
    found = _answers(finder)

    for index, (place, day) in enumerate(rows):
        count = [
            (event[1], event[2], number, event[3])
            for number, event in enumerate(events)
            if place is not None and event[0] == place and event[4] <= day < event[4] + event[5]
        ]
        best = max(count, default=None, key=lambda event: event[:3])
        assert found["weather_wind"][index].as_py() == (best and best[3])
        assert found["weather_age_hours"][index].as_py() == (best and 24.0 - best[0])


def test_the_best_are_looked_for_only_when_as_many_events_wait_as_there_are_questions(monkeypatch):
    looked = []
    largest = Spans.largest
    monkeypatch.setattr(Spans, "largest", lambda *given: looked.append(given[0]) or largest(*given))
    finder = _finder([(f"k{number}", 10) for number in range(100)])
    for number in range(150):
        finder.add(_batch([(f"k{number % 100}", number // 100, 0, float(number), 10, 1)]))

    found = _answers(finder)

    assert len(looked) == 2
    newest = [*(100.0 + number for number in range(50)), *map(float, range(50, 100))]
    assert found["weather_wind"].to_pylist() == newest


def test_types_are_kept_where_nothing_is_known():
    found = _answers(_finder([("x", 10)]))
    assert found["weather_wind"].type == pa.float64()
    assert found["weather_wind"][0].as_py() is None
