import random
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.errors import DataError
from lepton_spark.features.measure import Value, WindowMeasure, magnitude, sum_names, values_of

REAL = Value("_v0", is_summed=True, is_whole=False)
NUMBERS = st.floats(-1e15, 1e15, allow_nan=False).map(lambda x: x + 0.0)


def _sums(value: Value, numbers):
    array = pa.array(numbers, pa.int64() if value.is_whole else pa.float64())
    return {name: part.sum(keepdims=True) for name, part in value.whole_numbers(array).items()}


def _finished(kind: str, value: Value, numbers):
    sums = _sums(value, numbers)
    return WindowMeasure("m", kind, value).finished(sums.__getitem__)[0].as_py()


@given(st.lists(st.one_of(st.none(), NUMBERS), max_size=50))
def test_a_sum_of_floats_is_exact_to_its_last_unit(numbers):
    found = _finished("sum", REAL, numbers)
    known = [Fraction(number) for number in numbers if number is not None]
    if not known:
        assert found is None
    else:
        assert (
            abs(Fraction(found) - sum(known))
            <= len(known) * Fraction(2) ** -49 + abs(sum(known)) * Fraction(2) ** -52
        )


@given(st.lists(NUMBERS, min_size=2, max_size=50), st.randoms())
def test_a_sum_of_floats_does_not_depend_on_the_order(numbers, shuffler):
    other = list(numbers)
    shuffler.shuffle(other)
    assert _finished("sum", REAL, numbers) == _finished("sum", REAL, other)


def test_a_plain_sum_of_floats_does_depend_on_it():
    random_ = random.Random(1)
    numbers = [random_.uniform(-1, 1) for _ in range(1000)]
    assert sum(numbers) != sum(sorted(numbers))


@given(st.floats(-(2.0**60), 2.0**60, allow_nan=False))
def test_what_is_left_when_the_rest_has_left_is_the_number_itself(number):
    gained, lost = _sums(REAL, [number, 1e20, -0.1]), _sums(REAL, [1e20, -0.1])
    left = {name: gained[name] - lost[name] for name in gained}
    found = WindowMeasure("m", "sum", REAL).finished(left.__getitem__)[0].as_py()
    assert abs(found - number) <= 2.0**-49


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 2.0**78, -1e300])
def test_a_number_that_cannot_be_summed_is_refused_without_being_told(number):
    with pytest.raises(DataError) as refused:
        REAL.whole_numbers(pa.array([1.0, number]))
    assert refused.value.code == "LS-2091"
    assert str(number) not in str(refused.value)


def test_the_most_negative_number_is_as_far_from_zero_as_it_is():
    assert magnitude(np.array([-(2**63), 5])) == 2**63
    assert magnitude(np.array([-1, 7])) == 7
    assert magnitude(np.array([], dtype=np.int64)) == 0


def test_an_empty_window_counts_nothing_and_has_no_mean():
    value = Value("_v0", is_summed=True)
    assert _finished("count", value, [None, None]) == 0
    assert _finished("mean", value, [None]) is None
    assert _finished("share", value, []) is None
    assert _finished("mean", value, [1, None, 2]) == 1.5


def test_a_column_that_one_measure_counts_and_another_sums_is_summed():
    summed, counted = Value("_v0", is_summed=True), Value("_v0")
    measures = (
        WindowMeasure("a", "count", counted),
        WindowMeasure("b", "mean", summed),
        WindowMeasure("c", "count", counted),
    )
    assert values_of(measures) == (summed,)
    assert sum_names(measures) == ("_rows", "_v0_present", "_v0_0")
    assert np.array_equal(summed.whole_numbers(pa.array([5, None]))["_v0_0"], [5, 0])
