from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lepton_spark.config.check import load_all
from lepton_spark.config.clean import Clean
from lepton_spark.config.clean_checker import check_clean, check_emptied
from lepton_spark.config.column import Column
from lepton_spark.errors import ConfigError

if TYPE_CHECKING:
    from tests.config.conftest import Configuration

SOFT = ("missing", "warning")


@pytest.mark.parametrize(
    ("column", "clean"),
    [
        (Column("c", "date"), {"number": {}}),
        (Column("c", "string"), {"formats": ("yyyy",)}),
        (Column("c", "integer"), {"case": "lower"}),
        (Column("c", "binary"), {"blanks": "trim"}),
        (Column("c", "string"), {"nearest": 1}),
        (Column("c", "date", format="yyyy"), {"formats": ("yyyy",)}),
    ],
)
def test_a_setting_that_means_nothing_for_a_column_is_refused(column, clean):
    with pytest.raises(ConfigError) as raised:
        check_clean("case.yaml:3", column, Clean(**clean))
    assert raised.value.code == "LS-1033"
    assert "case.yaml:3" in str(raised.value)


@pytest.mark.parametrize(
    ("column", "clean"),
    [
        (Column("c", "number"), {"number": {"units": {"kg": 1}}, "nulls": ("-1",)}),
        (Column("c", "string", allowed=("a",)), {"nearest": 1, "case": "lower"}),
        (Column("c", "date"), {"formats": ("dd.MM.yyyy",), "blanks": "trim"}),
    ],
)
def test_a_setting_that_means_something_is_let_through(column, clean):
    check_clean("case.yaml:3", column, Clean(**clean))


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("dd.mm.yyyy", "it has d but no M: mm is minutes, MM is months"),
        ("yyyy-mm", "it has m but no H or h"),
        ("dd.MM.yyyy HH:ss", "it has s but no m"),
        ("dd.MM.yyyy hh:mm", "it has h but no a"),
        ("dd.MM.yyyy HH:mm a", "it has a but no h"),
        ("HH:mm", "it has no y, and a date has a year"),
        ("dd.MM. 'yyyy'", "it has no y"),
        ("YYYY", "not a pattern such as"),
    ],
)
def test_a_pattern_that_lacks_a_part_names_the_letter(pattern, told):
    with pytest.raises(ValueError, match=told):
        Clean(formats=(pattern,))


@pytest.mark.parametrize(
    "pattern",
    ["yyyy", "yyyy-MM", "yyyy-DDD", "d MMM yyyy h:mm a", "yyyyMMdd[ HH[:mm]]", "d 'h' M yy"],
)
def test_a_pattern_of_a_date_may_end_with_any_part(pattern):
    assert Clean(formats=(pattern,)).formats == (pattern,)


@pytest.mark.parametrize(
    ("clean", "fix"),
    [
        ({"case": "lower", "nulls": ("N/A",)}, "write 'n/a'"),
        ({"case": "upper", "nulls": ("N/A", "n/a")}, "remove it: 'N/A' is there"),
        ({"case": "title", "nulls": ("not known",)}, "write 'Not Known'"),
        ({"blanks": "trim", "spelling": {"yes": ("Y ",)}}, "write 'Y'"),
        ({"blanks": "trim", "spelling": {"yes": ("yes ",)}}, "remove it: 'yes' is there"),
        ({"blanks": "collapse", "nulls": ("not  known",)}, "write 'not known'"),
        ({"unicode": "NFKC", "nulls": ("\uff2e",)}, "write 'N'"),
    ],
)
def test_a_text_that_the_keys_before_make_impossible_is_refused(clean, fix):
    with pytest.raises(ConfigError) as raised:
        check_clean("case.yaml:3", Column("c", "string"), Clean(**clean))
    assert (raised.value.code, raised.value.fix) == ("LS-1108", fix)


@pytest.mark.parametrize(
    "clean",
    [
        {"case": "lower", "nulls": ("n/a", "?"), "spelling": {"Yes": ("y", "ja")}},
        {"case": "title", "nulls": ("N/A", "o'neil", "Not Known")},
        {"blanks": "trim", "nulls": ("", "not  known")},
        {"nulls": ("N/A ",), "spelling": {"yes": ("Y ",)}},
    ],
)
def test_texts_as_cells_are_when_they_are_compared_are_let_through(clean):
    check_clean("case.yaml:3", Column("c", "string"), Clean(**clean))


TAKES = [({"nulls": ("999",)}, ()), ({"spelling": {"NA": ("none",)}}, ("NA",))]


@pytest.mark.parametrize(("clean", "nulls"), TAKES)
@pytest.mark.parametrize(
    ("column", "is_key", "fix"),
    [
        (Column("c", "integer", required=True), False, "remove required"),
        (Column("c", "integer", missing=()), False, "remove required"),
        (Column("c", "integer"), True, "choose another key"),
    ],
)
def test_a_column_that_is_demanded_is_not_emptied(column, is_key, fix, clean, nulls):
    with pytest.raises(ConfigError) as raised:
        check_emptied("case.yaml:3", column, Clean(**clean), nulls, is_key=is_key)
    assert raised.value.code == "LS-1096"
    assert fix in raised.value.fix


@pytest.mark.parametrize(("clean", "nulls"), TAKES)
@pytest.mark.parametrize(
    "column",
    [Column("c", "integer"), Column("c", "integer", missing=(), severities=(SOFT,))],
)
def test_a_column_that_may_be_empty_is_emptied(column, clean, nulls):
    check_emptied("case.yaml:3", column, Clean(**clean), nulls, is_key=False)


@pytest.mark.parametrize("clean", [{"blanks": "trim"}, {"spelling": {"a": ("b",)}}])
def test_cleaning_that_empties_nothing_may_be_of_a_demanded_column(clean):
    check_emptied("c.yaml:3", Column("c", "string", required=True), Clean(**clean), (), is_key=True)


def test_check_tells_an_emptied_column_at_its_line(conf: Configuration):
    conf.write_case(lambda case: case["sources"]["orders"].update(clean={"day": {"nulls": ["?"]}}))

    with pytest.raises(ConfigError, match=r"LS-1096.*shop\.yml:"):
        load_all(conf.folder, "shop", "local")
