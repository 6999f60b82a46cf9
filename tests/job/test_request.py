from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from lepton_spark.config.case import Moment
from lepton_spark.errors import UsageError
from lepton_spark.job.request import (
    Request,
    check_arguments,
    parse_day,
    parse_name,
    refuse_future,
    shown,
)

AT_THREE = SimpleNamespace(
    predict=SimpleNamespace(at=Moment(time="03:00", zone="America/New_York"))
)


def test_a_leap_day_is_a_day():
    assert parse_day("2024-02-29", "--as-of") == date(2024, 2, 29)


@pytest.mark.parametrize(
    "text", ["2024-13-01", "2023-02-29", "yesterday", "20240229", "2024-2-9", "", "2024-W09-4"]
)
def test_anything_else_is_refused_with_the_form_that_is_wanted(text):
    with pytest.raises(UsageError, match="YYYY-MM-DD") as caught:
        parse_day(text, "--as-of")
    assert caught.value.exit_code == 2


def test_a_missing_date_is_never_today():
    with pytest.raises(UsageError, match="missing"):
        parse_day(None, "--as-of")


@pytest.mark.parametrize(("minute", "is_refused"), [(59, True), (0, False)])
def test_a_day_may_be_run_from_its_moment_on(minute, is_refused):
    request = Request("score", "x", date(2024, 1, 5))
    now = datetime(2024, 1, 5, 7 if is_refused else 8, minute, tzinfo=UTC)

    if is_refused:
        with pytest.raises(UsageError, match="allow-future"):
            refuse_future(request, AT_THREE, now)
    else:
        refuse_future(request, AT_THREE, now)


def test_the_future_is_run_where_that_is_asked_for():
    request = Request("score", "x", date(2999, 1, 5), allow_future=True)

    refuse_future(request, AT_THREE, datetime(2024, 1, 5, tzinfo=UTC))


@pytest.mark.parametrize("argument", ["x" * 10_001, "caf\udce9"])
def test_arguments_that_nobody_means_are_refused_without_repeating_them(argument):
    with pytest.raises(UsageError) as caught:
        check_arguments(["score", argument])
    assert argument not in str(caught.value)


@pytest.mark.parametrize("name", ["../x", "a-b", "", "9a", "x" * 81, "a\nb"])
def test_a_name_is_an_identifier(name):
    with pytest.raises(UsageError):
        parse_name(name, "CASE")


def test_an_argument_is_shown_short_and_without_control_characters():
    assert shown("a\x1b[31m" + "b" * 500).count("b") < 60
    assert "\x1b" not in shown("a\x1b[31m")


def test_the_last_of_several_nights_must_have_come_too():
    request = Request("nightly", "x", date(2024, 1, 4), until=date(2024, 1, 6))

    with pytest.raises(UsageError, match="2024-01-06 has its moment"):
        refuse_future(request, AT_THREE, datetime(2024, 1, 5, 12, tzinfo=UTC))
    refuse_future(request, AT_THREE, datetime(2024, 1, 6, 12, tzinfo=UTC))
