"""What is counted of each kind of column, and of cells that are hard to count."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepton_spark.quality.profile import wire
from lepton_spark.quality.profile.column import Column
from lepton_spark.quality.profile.kind import Kind
from lepton_spark.quality.profile.measurements import MOST_FREQUENT, measurements

NAN, INF = float("nan"), float("inf")
CELLS = {
    Kind.NUMBER: (pa.float64(), st.floats(width=32) | st.sampled_from([NAN, INF, -INF, 0.0, -0.0])),
    Kind.TEXT: (pa.string(), st.text(max_size=12) | st.sampled_from(["", "\0", "a\0", "😀", "é"])),
    Kind.BOOLEAN: (pa.bool_(), st.booleans()),
    Kind.DATE: (pa.date32(), st.dates()),
    Kind.TIMESTAMP: (pa.timestamp("us", "UTC"), st.datetimes(timezones=st.just(UTC))),
}
DECIMALS = (pa.decimal128(38, 4), st.decimals(-(10**20), 10**20, places=4))


def numbers_of(cells, kind, form, cuts=()):
    """The same as numbers, dates and instants too; values that are frequent."""
    return told(cells, kind, form=form, cuts=cuts, is_text=False)


def told(cells, kind, *, form=None, cuts=(), is_text=True):
    """Measurements by name, after the rows went through pieces, wires and a sum."""
    array = cells if isinstance(cells, pa.Array) else pa.array(cells, form)
    edges = [0, *sorted(min(cut, len(array)) for cut in cuts), len(array)]
    total = Column()
    for first, end in pairwise(edges):
        piece = Column().seeing(array.slice(first, end - first), kind)
        total += wire.read_column(wire.pack_column(piece))
    found = measurements(total, kind)
    names = {
        each.name: (each.text if is_text or each.value is None else None) or each.value
        for each in found
        if each.name != "frequency"
    }
    return {**names, "frequent": {e.text: e.value for e in found if e.name == "frequency"}}


@pytest.mark.parametrize("kind", CELLS)
@given(data=st.data())
def test_any_cutting_of_the_rows_gives_the_same(kind, data):
    form, cells = CELLS[kind]
    column = data.draw(st.lists(cells | st.none(), max_size=60))
    cuts = data.draw(st.lists(st.integers(0, 60), max_size=5))

    whole, cut = numbers_of(column, kind, form), numbers_of(column, kind, form, cuts)

    assert cut.keys() == whole.keys()
    for name, value in whole.items():
        if name.endswith(("mean", "deviation")) and isinstance(value, float):
            span = max(abs(whole[f"{name.removesuffix('mean').removesuffix('deviation')}{end}"])
                       for end in ("min", "max"))  # fmt: skip
            assert cut[name] == pytest.approx(value, rel=1e-6, abs=1e-9 * span)
        else:
            assert cut[name] == value
    assert whole["nulls"] == column.count(None)


@given(st.lists(DECIMALS[1] | st.none(), max_size=60), st.lists(st.integers(0, 60), max_size=5))
def test_decimals_of_more_digits_than_a_float_are_told_apart(column, cuts):
    found = told(column, Kind.NUMBER, form=DECIMALS[0], cuts=cuts)

    assert found["distinct"] == len(set(column) - {None})


def test_numbers_that_are_not_are_counted_apart():
    cells = [NAN, INF, -INF, -0.0, 0.0, None, 4.0]

    found = told(cells, Kind.NUMBER, form=pa.float64(), cuts=[4])

    assert {name: found[name] for name in ("nulls", "nans", "infinite", "distinct")} == {
        "nulls": 1, "nans": 1, "infinite": 2, "distinct": 4,
    }  # fmt: skip
    assert (found["min"], found["max"], found["mean"]) == (0.0, 4.0, pytest.approx(4 / 3))
    assert found["frequent"]["0"] == 2
    assert (found["quantile_0.01"], found["quantile_0.99"]) == ("-inf", "inf")
    assert sum(found[f"histogram_{place:02}"] for place in range(20)) == 3


@pytest.mark.parametrize("kind", CELLS)
def test_an_empty_column_and_one_of_nulls_have_counts_only(kind):
    form = CELLS[kind][0]

    empty, nulls = told([], kind, form=form), told([None] * 3, kind, form=form, cuts=[1])

    assert (empty["nulls"], empty["null_rate"], empty["distinct"]) == (0, None, 0)
    assert (nulls["nulls"], nulls["null_rate"], nulls["distinct"]) == (3, 1.0, 0)
    assert not any(name.endswith(("mean", "0.5", "_00")) for name in [*empty, *nulls])


def test_one_row_is_its_own_mean_and_quantile():
    found = told([7], Kind.NUMBER, form=pa.int32())

    assert [found[name] for name in ("mean", "min", "max", "quantile_0.01", "quantile_0.99")] == [
        7
    ] * 5
    assert found["deviation"] is None
    assert (found["histogram_00"], found["quantile_error"]) == (1, 0.0)


def test_of_a_text_the_letters_are_counted():
    found = told(["", "a\0b", "😀😀", "é" * 300, None], Kind.TEXT)

    assert (found["length_min"], found["length_max"]) == (0, 300)
    assert found["distinct"] == 4
    assert {"", "a\0b", "😀😀", "é" * 256} == found["frequent"].keys()
    assert "mean" not in found


def test_long_texts_with_the_same_beginning_are_different_values():
    found = told(["x" * 300 + "1", "x" * 300 + "2", "x" * 300 + "2"], Kind.TEXT)

    assert found["distinct"] == 2


def test_dates_and_instants_are_told_as_such():
    days = told([date(2024, 2, 28), date(2024, 3, 1)], Kind.DATE)
    times = told(
        [datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)],
        Kind.TIMESTAMP, form=pa.timestamp("us", "UTC"),
    )  # fmt: skip
    assert (days["min"], days["mean"], days["max"]) == ("2024-02-28", "2024-02-29", "2024-03-01")
    assert days["deviation"] == pytest.approx(2**0.5)
    assert times["max"] == "2024-02-29 12:00:00.000000Z"
    assert times["min"] == "0001-01-01 00:00:00.000000Z"
    assert "2024-02-29 12:00:00.000000" in times["frequent"]


def test_an_instant_in_nanoseconds_or_without_a_zone_is_the_same_instant():
    stamp = datetime(2024, 2, 29, 12)  # noqa: DTZ001  # without a zone on purpose
    forms = [pa.timestamp("us"), pa.timestamp("ns", "UTC"), pa.timestamp("s")]

    found = [told([stamp], Kind.TIMESTAMP, form=form) for form in forms]

    assert found[0] == found[1] == found[2]


def test_true_and_false_are_counted_and_their_mean_is_a_share():
    found = told([True, True, False, None], Kind.BOOLEAN)

    assert found["frequent"] == {"true": 2, "false": 1}
    assert found["mean"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("kind", [Kind.GUARDED, Kind.OTHER])
def test_of_a_guarded_column_nothing_but_counts_is_known(kind):
    column = Column().seeing(pa.array(["Ada Lovelace", None, "Ada Lovelace"]), kind)

    assert [each.name for each in measurements(column, kind)] == ["nulls", "null_rate"]
    assert b"Ada" not in wire.pack_column(column)
    assert (column.rows, column.nulls, len(column.distinct.hashes)) == (3, 1, 0)


@pytest.mark.parametrize("number", [100, 200_000])
def test_what_is_frequent_among_many_values_is_found(number):
    """Texts of few different values are counted in another way than those of many."""
    random = np.random.default_rng(2)
    texts = np.where(
        random.random(number) < 0.3, "often", random.integers(0, 10**6, number).astype(str)
    )
    column = Column()
    for piece in np.array_split(texts, 4):
        column = column.seeing(pa.array(piece), Kind.TEXT)

    found = measurements(column, Kind.TEXT)

    most = [each for each in found if each.name == "frequency"]
    error = next(each.value for each in found if each.name == "frequency_error")
    exact = int(np.sum(texts == "often"))
    assert most[0].text == "often"
    assert exact - error <= most[0].value <= exact
    assert error <= number / 1000
    assert len(most) <= MOST_FREQUENT


@pytest.mark.parametrize(
    ("spark_type", "kind"),
    [("int", Kind.NUMBER), ("decimal(10,2)", Kind.NUMBER), ("varchar(3)", Kind.TEXT),
     ("timestamp_ntz", Kind.TIMESTAMP), ("array<int>", Kind.OTHER), ("binary", Kind.OTHER),
     ("struct<a:int>", Kind.OTHER), ("map<string,int>", Kind.OTHER)],
)  # fmt: skip
def test_a_type_of_spark_has_a_kind(spark_type, kind):
    assert Kind.of(spark_type) is kind


def test_whole_numbers_beyond_the_digits_of_a_float_are_told_apart():
    found = told([2**62, 2**62 + 1, Decimal(2**62)], Kind.NUMBER, form=pa.int64())

    assert found["distinct"] == 2
    assert found["frequent"][str(2**62)] == 2
