import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lepton_spark.config.column import readable_kinds
from lepton_spark.config.expression import Checked, parse
from lepton_spark.config.sql_functions import AGGREGATES, CHANGING, FUNCTIONS, INSTEAD
from lepton_spark.errors import ConfigError

KINDS = {
    "whole": "integer",
    "part": "number",
    "money": "decimal",
    "word": "string",
    "flag": "boolean",
    "day": "date",
    "at": "timestamp",
}


def checked(text: str) -> Checked:
    return parse(text, columns=KINDS, where="x.yml:1:1")


def refusal(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        checked(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "sql", "kind"),
    [
        ("whole", "`whole`", "integer"),
        ("whole + 1", "TRY_ADD(TRY_CAST(`whole` AS BIGINT), 1)", "integer"),
        ("whole / 0", "TRY_DIVIDE(`whole`, 0)", "number"),
        ("whole % 100", "TRY_MOD(`whole`, 100)", "integer"),
        ("1 - whole", "TRY_SUBTRACT(TRY_CAST(1 AS BIGINT), `whole`)", "integer"),
        ("part * whole", "TRY_MULTIPLY(`part`, `whole`)", "number"),
        ("-whole", "TRY_SUBTRACT(0, TRY_CAST(`whole` AS BIGINT))", "integer"),
        ("9223372036854775808 - whole", "TRY_SUBTRACT(9223372036854775808, `whole`)", "integer"),
        ("-5", "-5", "integer"),
        ("-part", "TRY_SUBTRACT(0, `part`)", "number"),
        ("cast(word as int)", "TRY_CAST(`word` AS INT)", "integer"),
        ("word::double", "TRY_CAST(`word` AS DOUBLE)", "number"),
        ("at + interval 1 hour", "TRY_ADD(`at`, INTERVAL '1' HOUR)", "timestamp"),
        ("day + interval 2 days", "TRY_ADD(`day`, INTERVAL '2' DAYS)", "date"),
        ("at - at", "TRY_SUBTRACT(`at`, `at`)", "interval"),
        ("word = 'x' -- why", "`word` = 'x'", "boolean"),
        ("whole is not null", "NOT `whole` IS NULL", "boolean"),
        ("whole in (1, 2)", "`whole` IN (1, 2)", "boolean"),
        ("word like 'a%'", "`word` LIKE 'a%'", "boolean"),
        ("word = ';'", "`word` = ';'", "boolean"),
        ("coalesce(whole, part)", "COALESCE(`whole`, `part`)", "number"),
        ("case when flag then 1 else 0 end", "CASE WHEN `flag` THEN 1 ELSE 0 END", "integer"),
        ("day > date '2013-01-01'", "`day` > TRY_CAST('2013-01-01' AS DATE)", "boolean"),
        (
            "left(word, whole)",
            "LEFT(`word`, TRY_CAST(TRY_CAST(TRY_CAST(`whole` AS INT) AS DECIMAL(7, 0)) AS INT))",
            "string",
        ),
        ("make_dt_interval(0, 0, whole)", None, "interval"),
        ("`word` || 'x'", "`word` || 'x'", "string"),
    ],
)
def test_spark_is_given_text_made_from_the_checked_tree(text: str, sql: str | None, kind: str):
    found = checked(text)

    assert found.kind == kind
    assert sql is None or found.sql == sql


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("(select 1)", "a subquery"),
        ("whole in (select 1)", "a subquery"),
        ("exists(select 1)", "a subquery"),
        ("whole; drop table x", "';'"),
        ("coalesce(x -> x, 1)", "a lambda"),
        ("row_number() over (order by whole)", "a window function"),
        ("sum(whole)", "the aggregate sum"),
        ("count(*)", "the aggregate count"),
        ("my_udf(whole)", "the function my_udf"),
        ("reflect('a', 'b')", "the function reflect"),
        ("coalesce(distinct whole)", "DISTINCT"),
        ("*", "a star"),
        ("t.whole", "a name with a dot"),
        ("word[0]", "access to an element"),
        ("${x}", "not allowed"),
        (":x", "a parameter"),
        ("whole as x", "a name after"),
        ("(whole, part)", "a list of expressions"),
        ("'it''s'", "a quote inside quotes"),
        ("cast(word as array<int>)", "a cast to this type"),
        ("cast(word as timestamp_ntz)", "a cast to this type"),
        ("cast(word as decimal(50,2))", "a cast to this type"),
        ("cast(word as decimal(5,10))", "a cast to this type"),
        ("cast(word as int(5))", "a cast to this type"),
        ("at + interval '1 2' day to hour", "interval"),
        ("at + interval whole day", "this interval"),
        (r"word = 'a\\b'", "backslash"),
        ("show tables", "not allowed"),
        ("select 1", "a subquery"),
        ("whole +", "cannot be read"),
        ("'abc", "cannot be read"),
        ("", "not allowed"),
        ("upper()", "upper has 0 arguments"),
        ("upper(word, word)", "upper has 2 arguments"),
        ("(" * 900 + "whole" + ")" * 900, "cannot be read"),
        ("whole" + "+whole" * 390, "parts"),
    ],
)
def test_what_is_not_on_the_list_is_named(text: str, told: str):
    error = refusal(text)

    assert told in error.what
    assert error.what.startswith("x.yml:1:1: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("word = 1", "string beside a integer"),
        ("word + 1", "no arithmetic"),
        ("day + 1", "no arithmetic"),
        ("year(word)", "year needs a time"),
        ("whole and flag", "boolean"),
        ("if(flag, 1, 'x')", "integer beside a string"),
        ("word rlike '['", "literal that is valid"),
        ("word rlike '(a+)+'", "literal that is valid"),
        ("word rlike word", "literal that is valid"),
        ("word rlike '(?P<year>[0-9]+)'", "literal that is valid"),
        ("word rlike '(/[a-z]+)*'", "repeated without bound"),
        ("word like word", "like needs <text> as a literal"),
        ("regexp_replace(word, 'x', word)", "literal that is valid"),
        ("regexp_replace(word, 'x', '$5')", "has a $5, and its pattern has 0 groups"),
        ("regexp_replace(word, '(x)', '$2')", "has a $2, and its pattern has 1 groups"),
        ("regexp_replace(word, 'x', 'US$')", "has a $, and its pattern"),
        ("regexp_replace(word, 'x', '$y')", "has a $, and its pattern"),
        ("date '20240101'", "not valid"),
        ("timestamp '2024-W01-1'", "not valid"),
        ("timestamp '2024-01-01 10:00Z'", "not valid"),
        ("date_trunc('parsec', at)", "literal that is valid"),
        ("from_utc_timestamp(at, 'Mars')", "literal that is valid"),
        ("regexp_extract(word, '[a-z]')", "no group 1"),
        ("lpad(word, 1000000000)", "literal that is valid"),
        ("date '2013-02-30'", "not valid"),
        ("timestamp '2013-02-30 00:00:00'", "not valid"),
    ],
)
def test_types_that_could_end_a_job_are_refused(text: str, told: str):
    assert told in refusal(text).what


@pytest.mark.parametrize(
    ("text", "told", "fix"),
    [
        ("cast(whole as date)", "a date of a integer", "date_from_unix_date(x)"),
        ("cast(money as date)", "a date of a decimal", "clean.formats"),
        ("cast(1 as date)", "a date of a integer", "date_from_unix_date(x)"),
        ("cast(day as int)", "a integer of a date", "unix_date(x)"),
        ("cast(day as double)", "a number of a date", "unix_date(x)"),
        ("cast(day as boolean)", "a boolean of a date", "is not null"),
        ("cast(flag as date)", "a date of a boolean", "case when"),
        ("cast(flag as timestamp)", "a timestamp of a boolean", "case when"),
        ("cast(at as boolean)", "a boolean of a timestamp", "is not null"),
        ("cast(at - at as double)", "a number of a interval", "unix_seconds(x)"),
        ("word in 'a'", "a list in brackets", "x in ('a', 'b')"),
        ("word in ()", "a list in brackets", "x in ('a', 'b')"),
        ("whole in word", "a list in brackets", "contains(x, 'a')"),
        ("date_add(day, 1.5)", "date_add needs a whole number", "without a fraction"),
        ("timestamp_millis(1.5)", "needs a whole number", "without a fraction"),
    ],
)
def test_what_spark_would_not_plan_is_refused_with_what_to_write(text: str, told: str, fix: str):
    error = refusal(text)

    assert told in error.what
    assert fix in error.fix


def test_a_number_written_out_that_is_huge_is_made_small():
    assert "TRY_CAST(99999999999 AS INT)" in checked("left(word, 99999999999)").sql
    assert checked("left(word, 3)").sql == "LEFT(`word`, 3)"


def test_columns_of_unknown_kind_may_be_cast():
    text = "cast(a as date) is null and cast(b as int) in (1)"

    assert parse(text, columns=["a", "b"], where="x").kind == "boolean"


@pytest.mark.parametrize("unit", ["second", "minute", "hour", "DAY"])
def test_trunc_refuses_units_of_which_spark_gives_null(unit: str):
    error = refusal(f"trunc(at, '{unit}')")

    assert f"no unit {unit.lower()}" in error.what
    assert f"date_trunc('{unit.upper()}', x)" in error.fix
    assert checked(f"date_trunc('{unit}', at)").kind == "timestamp"
    assert checked("trunc(at, 'Quarter')").kind == "date"


def test_an_unknown_column_is_told_with_the_nearest():
    error = refusal("wole + 1")

    assert "no column wole" in error.what
    assert error.fix == "did you mean whole?"


@pytest.mark.parametrize("name", sorted(CHANGING))
def test_nothing_changing_is_allowed_with_or_without_brackets(name: str):
    assert "not deterministic" in refusal(name).what
    assert name not in FUNCTIONS


@pytest.mark.parametrize("name", sorted(AGGREGATES))
def test_no_aggregate_is_a_function(name: str):
    assert name not in FUNCTIONS


def test_a_column_may_have_the_name_of_a_changing_function():
    assert parse("version + 1", columns={"version": "integer"}, where="x").columns == {"version"}


def test_it_tells_which_columns_are_read_and_which_can_be_read_back():
    found = checked("concat(word, cast(year(day) as string), if(part > 1, 'a', 'b'))")

    assert found.columns == {"word", "day", "part"}
    assert found.exposed == {"word"}


def test_the_types_of_rows_are_kinds_and_columns_of_the_pipeline_are_out_of_reach():
    types = [("a", "smallint"), ("b", "decimal(10,2)"), ("c", "float"), ("d", "array<int>"),
             ("_file", "string")]  # fmt: skip

    assert readable_kinds(types) == {"a": "integer", "b": "decimal", "c": "number", "d": None}


def test_without_kinds_types_are_not_checked():
    assert parse("a + b", columns=["a", "b"], where="x").kind is None


def test_checked_text_is_a_fixed_point():
    once = checked("left(upper(word), 2) = 'AB' or not flag").sql

    assert checked(once).sql == once


@given(st.text(max_size=60))
def test_any_text_is_checked_or_refused(text: str):
    try:
        checked(text)
    except ConfigError as error:
        assert error.exit_code == 10


WORDS = ["whole", "word", "(", ")", "+", "'x'", ",", "select", "1", "->", ";", "reflect", "over",
         "case", "when", "then", "end", "in", "as", "cast", "is", "null", "interval", "day", "--",
         "/*", "*/", "`", "."]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_what_is_let_through_holds_only_allowed_calls(text: str):
    try:
        sql = checked(text).sql.lower()
    except ConfigError:
        return

    assert not any(word in sql for word in ("select", "reflect", "over", ";", "->", "--", "/*"))


@pytest.mark.parametrize("text", ["", "-", "$1-$0", "$10"])
def test_a_match_is_replaced_by_plain_text_and_by_its_groups(text: str):
    assert checked(f"regexp_replace(word, '([a-z])', '{text}')").kind == "string"


@pytest.mark.parametrize(
    "text",
    ["2024-01-01", "2024-01-01 10:00", "2024-01-01T10:00:00.5", "2024-01-01T10:00:00+01:00",
     "2024-01-01 10:00:00Z"],
)  # fmt: skip
def test_an_instant_is_written_as_spark_reads_it(text: str):
    assert checked(f"at > timestamp '{text}'").kind == "boolean"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("to_date(word)", "cast(x as date)"),
        ("date(word)", "cast(x as date)"),
        ("unix_timestamp(at)", "unix_seconds(x)"),
        ("split(word, ',')", "split_part(x, ',', 1)"),
        ("size(word)", "length(replace(x, ',', ''))"),
    ],
)
def test_what_is_there_in_place_of_a_function_is_told(text: str, told: str):
    error = refusal(text)

    assert told in error.fix
    assert "All of them" not in error.fix
    assert "not deterministic" not in error.what


@pytest.mark.parametrize("name", sorted(INSTEAD))
def test_what_is_told_in_place_of_a_function_is_on_the_list(name: str):
    called = set(re.findall(r"([a-z_0-9]+)\(", INSTEAD[name])) - {"cast"}

    assert called <= set(FUNCTIONS)
    assert name not in FUNCTIONS


@pytest.mark.parametrize(
    ("text", "hint"), [("reflect(word)", ""), ("lowr(word)", "did you mean lower? ")]
)
def test_the_list_of_functions_is_told_once(text: str, hint: str):
    assert refusal(text).fix == f"{hint}All of them: {', '.join(sorted(FUNCTIONS))}"
