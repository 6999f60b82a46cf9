import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.features.questions import Days, Questions

KEY = st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from([1, 2, 3, None]))
DAY = st.integers(-2, 8)
DAYS = Days(first=0, number=6)


def _arrays(keys):
    names, numbers = [name for name, _ in keys], [number for _, number in keys]
    return [pa.array(names, pa.string()), pa.array(numbers, pa.int32())]


@given(
    asked=st.lists(st.tuples(KEY, st.integers(0, 5)), max_size=20),
    spans=st.lists(st.tuples(KEY, DAY, DAY), max_size=20),
)
def test_a_span_covers_just_the_questions_of_its_key_on_its_days(asked, spans):
    questions = Questions(
        _arrays([key for key, _ in asked]), np.array([day for _, day in asked], dtype=int), DAYS
    )
    numbers = questions.numbers(_arrays([key for key, _, _ in spans]), len(spans))
    begin = questions.from_day(numbers, np.array([first for _, first, _ in spans], dtype=int))
    end = questions.from_day(numbers, np.array([last for _, _, last in spans], dtype=int))

    for index, (key, first, last) in enumerate(spans):
        covered = set()
        if numbers[index] >= 0:
            covered = set(range(begin[index], end[index]))
        wanted = {
            int(place)
            for place, (other, day) in zip(questions.place, asked, strict=True)
            if None not in key and other == key and first <= day < last
        }
        assert covered == wanted


@given(st.lists(st.tuples(KEY, st.integers(0, 5)), max_size=20))
def test_the_same_question_has_one_place_and_a_null_key_asks_nothing(asked):
    questions = Questions(
        _arrays([key for key, _ in asked]), np.array([day for _, day in asked], dtype=int), DAYS
    )
    complete = [question for question in asked if None not in question[0]]
    assert len(questions) == len(set(complete))
    for question, place in zip(asked, questions.place, strict=True):
        assert (place == len(questions)) == (None in question[0])
        others = {
            int(other)
            for each, other in zip(asked, questions.place, strict=True)
            if each == question
        }
        assert others == {int(place)}


def test_zero_and_its_negative_are_one_key():
    days = np.array([0, 0])
    questions = Questions([pa.array([0.0, -0.0])], days, DAYS)

    assert len(questions) == 1
    assert questions.numbers([pa.array([-0.0, 0.0])], 2).tolist() == [0, 0]


def test_without_key_columns_all_rows_of_a_day_ask_the_same():
    questions = Questions([], np.array([3, 1, 3]), DAYS)
    assert list(questions.place) == [1, 0, 1]
