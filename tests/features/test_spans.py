"""Trees and running counts over spans, against going through all of them."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_spark.features.spans import Spans

QUESTIONS = st.integers(0, 40)


@st.composite
def spans(draw):
    """Spans with a value for each event; some of the events count nowhere."""
    number = draw(QUESTIONS)
    edge = st.integers(0, number)
    runs = draw(st.lists(st.tuples(edge, edge, st.integers(0, 6)), max_size=40))
    begin, end, value = (np.array([run[at] for run in runs], dtype=np.int64) for at in range(3))
    return Spans.of(begin, end, number), runs, value


def _counting(runs, question):
    return [event for event, (begin, end, _) in enumerate(runs) if begin <= question < end]


@settings(max_examples=100)
@given(spans(), st.integers(1, 5))
def test_the_newest_of_those_that_count_are_found(given_, number):
    found, runs, _ = given_
    rank = np.arange(len(runs))[::-1].copy()

    newest = found.newest(rank, number)

    pairs = Counter(zip(newest.begin.tolist(), newest.event.tolist(), strict=True))
    assert np.array_equal(newest.end, newest.begin + 1)
    assert pairs == Counter(
        (question, event)
        for question in range(found.number)
        for event in sorted(_counting(runs, question))[:number]
    )


@settings(max_examples=100)
@given(spans())
def test_the_largest_value_is_found_though_it_is_not_alone(given_):
    found, runs, value = given_

    largest = found.largest(value)

    assert largest.shape == (found.number, 1)
    for question in range(found.number):
        wanted = max((runs[event][2] for event in _counting(runs, question)), default=-1)
        assert largest[question, 0] == wanted


@settings(max_examples=100)
@given(spans(), st.integers(0, 10))
def test_the_value_at_a_place_among_those_that_count_is_found(given_, place):
    found, runs, value = given_

    ranked = found.ranked(value, np.full(found.number, place))

    for question in range(found.number):
        values = sorted(runs[event][2] for event in _counting(runs, question))
        if place < len(values):
            assert ranked[question] == values[place]


@settings(max_examples=100)
@given(spans())
def test_categories_are_counted_where_they_are(given_):
    found, runs, value = given_

    categories = found.by_category(value)
    distinct, most = categories.distinct(), categories.most_frequent()
    squares = categories.total(categories.after**2, categories.before**2)
    total = found.total(value)

    for question in range(found.number):
        counts = Counter(runs[event][2] for event in _counting(runs, question))
        assert distinct[question] == len(counts)
        assert squares[question] == sum(count**2 for count in counts.values())
        assert total[question] == sum(code * count for code, count in counts.items())
        first = min(counts, key=lambda code: (-counts[code], code), default=-1)
        assert most[question] == first


def test_a_span_of_many_questions_is_told_to_few_nodes():
    """The cost of a span grows with the logarithm of its questions."""
    number = 1000
    edge = np.zeros(500, dtype=np.int64)
    found = Spans.of(edge, edge + number, number).newest(np.arange(500), 2)
    assert np.array_equal(np.unique(found.event), [498, 499])
    assert len(found) == 2 * number
