import math
import random
import statistics
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.errors import DataError
from lepton_spark.features.exact import Squares, Trend

START = datetime(2013, 3, 10, tzinfo=UTC)
NUMBERS = st.floats(-(2.0**38), 2.0**38, allow_nan=False)
TIMES = st.timedeltas(timedelta(days=-20_000), timedelta(days=20_000))
SQUARES, TREND = Squares("v"), Trend("v")


def _sums(of, numbers, after=None):
    after = [timedelta(0)] * len(numbers) if after is None else after
    events = pa.table(
        {
            "v": pa.array(numbers, pa.float64()),
            "_declared_at": pa.array([START + each for each in after], pa.timestamp("us", "UTC")),
        }
    )
    added = of.added_by(events)
    assert tuple(added) == of.sums
    return {name: np.array([part.sum()], dtype=np.int64) for name, part in added.items()}


def _rounded(number):
    return Fraction(round(Fraction(number) * 2**40), 2**40)


@given(st.lists(st.one_of(st.none(), NUMBERS), max_size=30))
def test_a_deviation_is_that_of_exact_numbers(numbers):
    found = SQUARES.deviation(_sums(SQUARES, numbers).__getitem__)[0].as_py()

    known = [_rounded(number) for number in numbers if number is not None]
    if len(known) < 2:
        assert found is None
    else:
        mean = sum(known) / len(known)
        variance = sum((number - mean) ** 2 for number in known) / (len(known) - 1)
        assert found == pytest.approx(math.sqrt(variance), rel=1e-7)


@pytest.mark.parametrize("number", [0.1, 1e6 + 0.1, -3e11, 2.0**38 + 1 / 3])
def test_a_constant_does_not_deviate_however_large_it_is(number):
    many = _sums(SQUARES, [number] * 999)
    assert SQUARES.deviation(many.__getitem__)[0].as_py() == 0.0
    # The control: from sums of floats it would.
    floats = np.full(999, number)
    spread = 999 * np.sum(floats**2) - np.sum(floats) ** 2
    assert spread != 0.0 or number == -3e11


def test_a_small_deviation_of_large_numbers_is_found():
    numbers = [1e11 + step / 8 for step in range(8)]
    found = SQUARES.deviation(_sums(SQUARES, numbers).__getitem__)[0].as_py()
    assert found == pytest.approx(statistics.stdev(step / 8 for step in range(8)), rel=1e-6)


@given(st.lists(st.tuples(st.one_of(st.none(), NUMBERS), TIMES), max_size=20))
def test_a_slope_is_that_of_exact_least_squares(points):
    numbers, after = [number for number, _ in points], [time for _, time in points]
    found = TREND.slope(_sums(TREND, numbers, after).__getitem__)[0].as_py()

    epoch = START - datetime(1970, 1, 1, tzinfo=UTC)
    known = [
        (Fraction((epoch + time) // timedelta(milliseconds=1), 86_400_000), _rounded(number))
        for number, time in points
        if number is not None
    ]
    if len({time for time, _ in known}) < 2:
        assert found is None
        return
    mean_time = sum(time for time, _ in known) / len(known)
    along = sum((time - mean_time) ** 2 for time, _ in known)
    slope = sum((time - mean_time) * number for time, number in known) / along
    assert found == pytest.approx(np.float32(float(slope)), rel=1e-6, abs=1e-30)


@given(st.lists(st.tuples(NUMBERS, TIMES), min_size=2, max_size=20), st.randoms())
def test_neither_depends_on_the_order(points, shuffler):
    other = list(points)
    shuffler.shuffle(other)
    for of in (SQUARES, TREND):
        one, two = (_sums(of, *zip(*each, strict=True)) for each in (points, other))
        assert one == two


def test_what_has_left_leaves_nothing_behind():
    random_ = random.Random(3)
    gone = [random_.uniform(-1e9, 1e9) for _ in range(500)]
    stays = [0.1, 0.2, 0.4]
    every, left = _sums(SQUARES, gone + stays), _sums(SQUARES, gone)
    rest = {name: every[name] - left[name] for name in every}
    found = SQUARES.deviation(rest.__getitem__)[0].as_py()
    assert found == np.float32(statistics.stdev(stays))


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 2.0**39, -1e300])
@pytest.mark.parametrize("of", [SQUARES, TREND])
def test_a_number_that_cannot_be_squared_is_refused_without_being_told(of, number):
    with pytest.raises(DataError) as refused:
        _sums(of, [1.0, number])
    assert refused.value.code == "LS-2160"
    assert str(number) not in str(refused.value)


def test_the_parts_are_small_so_that_many_can_be_summed():
    numbers, after = [2.0**39 - 1, -(2.0**39) + 2.0**-40], [timedelta(days=20_000)] * 2
    for of in (SQUARES, TREND):
        parts = _sums(of, numbers[:1], after[:1])
        assert max(abs(int(part[0])) for part in parts.values()) < 2**36
