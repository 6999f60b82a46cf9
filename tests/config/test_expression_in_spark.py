"""Real Spark accepts what the allow-list lets through, and no value of a row ends a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

from lepton_spark.config.column import readable_kinds
from lepton_spark.config.expression import parse
from lepton_spark.config.sql_functions import FUNCTIONS, Function
from lepton_spark.errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.spark

SCHEMA = (
    "small int, whole bigint, part double, money decimal(18,2), word string, flag boolean,"
    " day date, at timestamp"
)
SPARK_TYPES = {
    "integer": ("int", "bigint", "smallint", "tinyint"),
    "number": ("double", "float"),
    "decimal": ("decimal",),
    "string": ("string",),
    "boolean": ("boolean",),
    "date": ("date",),
    "timestamp": ("timestamp",),
    "interval": ("interval",),
}
ARGUMENTS = {
    "number": ["part", "whole", "money", "small"],
    "seconds": ["part", "whole", "money"],
    "millis": ["whole", "part", "money"],
    "micros": ["whole", "part", "money"],
    "int": ["whole", "small"],
    "days": ["whole", "small", "part", "7"],
    "any": ["word"],
    "string": ["word"],
    "time": ["day", "at"],
    "date": ["day"],
    "timestamp": ["at"],
    "<count>": ["1"],
    "<position>": ["1"],
    "<unit>": ["'month'"],
    "<span>": ["'week'"],
    "<zone>": ["'Europe/Vienna'"],
    "<regex>": ["'([a-z])'"],
    "<replacement>": ["'-'", "'$1'"],
}
OTHERS = [
    "-whole",
    "whole + part - money * 2 / 3 % 4",
    "abs(whole)",
    "abs(small) + abs(-small)",
    "add_months(day, whole)",
    "date_add(day, whole)",
    "make_dt_interval(whole, whole, whole, part)",
    "make_dt_interval(cast(word as int))",
    "whole / 0",
    "whole % 0",
    "case word when 'x' then 1 else 2 end",
    "case when flag then day end",
    "if(flag, at, null)",
    "whole between 1 and 2",
    "word in ('a', \"it's\")",
    "word like 'a%' or word ilike 'A%' or word rlike '^[a-z]+$'",
    "word is null and not flag is true",
    "whole <=> 1",
    "whole is distinct from 1",
    "word || 'x'",
    "at + interval 3 hours - interval '2' days",
    "day + interval 1 month",
    "day + interval 1 hour",
    "at + make_dt_interval(0, 0, whole)",
    "(unix_seconds(at) - unix_seconds(at)) / 60",
    "day > date '2013-01-01' and at < timestamp '2013-01-01 00:00:00'",
    "cast(floor(whole / 100) as int)",
    "date_add(day, 99999999999)",
    "left(word, 99999999999)",
    "substring(word, 1.5)",
    "timestamp_micros(99999999999999999999999)",
    "timestamp_seconds(99999999999999999999999999)",
    "cast(word as decimal(38,38))",
    "cast(word as decimal(0))",
    "cast(word as decimal)",
    *(
        f"cast(word as {name})"
        for name in ("string", "int", "bigint", "double", "float", "decimal(10,2)", "boolean",
                     "date", "timestamp", "smallint", "tinyint")
    ),
]  # fmt: skip


REFUSED = [
    *(f"cast({column} as date)" for column in ("whole", "part", "money", "flag")),
    *(f"cast(day as {name})" for name in ("int", "tinyint", "double", "decimal(9,2)", "boolean")),
    "cast(flag as timestamp)",
    "cast(at as boolean)",
    *(f"cast(at - at as {name})" for name in ("float", "double", "date", "timestamp", "boolean")),
    "cast(word as decimal(50,2))",
    "cast(word as decimal(5,10))",
    "cast(word as int(5))",
    "word in 'a'",
    "word in ()",
    "whole in word",
    "date_add(day, 1.5)",
    "date_add(day, -1.5)",
    "date_sub(at, 1.0)",
    "timestamp_millis(1.5)",
    "timestamp_micros(1e3)",
]


def calls(function: Function) -> list[str]:
    """Calls of a function: fewest and most arguments, each kind that its group allows."""
    found = []
    for count in {function.least, min(function.most, function.least + 1)}:
        for choice in range(4):
            kinds = [function.kind_of(index) for index in range(count)]
            arguments = [ARGUMENTS[kind][choice % len(ARGUMENTS[kind])] for kind in kinds]
            found.append(f"{function.name}({', '.join(arguments)})")
    return sorted(set(found))


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    """Plain values, nulls, and the ends of each type."""
    values = """
        (1, '1', 1.5, 2.25, 'abc', true, date'2024-02-29', timestamp'2024-03-31 01:30:00'),
        (null, null, null, null, null, null, null, null),
        (2147483647, '9223372036854775807', 1.7976931348623157e308, 9999999999999999.99, '', false,
         date'9999-12-31', timestamp'9999-12-31 23:59:59'),
        (-2147483648, '-9223372036854775808', -1e308, -9999999999999999.99, ' 12x', true,
         date'0001-01-01', timestamp'0001-01-01 00:00:00')
    """
    names = "small, whole, part, money, word, flag, day, at"
    columns = [F.col(field.split()[0]).cast(field.split()[1]) for field in SCHEMA.split(", ")]
    return spark.sql(f"select * from values {values} as t({names})").select(*columns)


def evaluate(rows: DataFrame, texts: list[str]) -> None:
    checked = [parse(text, columns=readable_kinds(rows.dtypes), where="test") for text in texts]
    found = rows.select(*(F.expr(item.sql).alias(f"c{n}") for n, item in enumerate(checked)))
    wrong = [
        (text, item.kind, spark_type)
        for text, item, (_, spark_type) in zip(texts, checked, found.dtypes, strict=True)
        if not spark_type.startswith(SPARK_TYPES[item.kind or "interval"])
    ]
    assert wrong == []
    # Written nowhere, but every value is computed, as text since Python has no year -1.
    found.select(*(F.col(name).cast("string") for name in found.columns)).write.format("noop").mode(
        "overwrite"
    ).save()


def test_every_allowed_function_runs_and_gives_the_kind_that_is_said(rows: DataFrame):
    evaluate(rows, [call for function in FUNCTIONS.values() for call in calls(function)])


def test_operators_casts_and_literals_run_and_give_the_kind_that_is_said(rows: DataFrame):
    evaluate(rows, OTHERS)


def test_text_arrives_as_the_author_wrote_it(rows: DataFrame):
    item = parse("concat(\"it's\", ' %_;--')", columns=readable_kinds(rows.dtypes), where="test")

    assert rows.select(F.expr(item.sql)).first()[0] == "it's %_;--"


def test_what_cannot_be_computed_is_null(rows: DataFrame):
    texts = ["whole + 1", "whole * 3", "part / 0", "whole % 0", "cast('x' as int)"]
    checked = [parse(text, columns=readable_kinds(rows.dtypes), where="test").sql for text in texts]

    found = rows.filter("whole > 2").select(*(F.expr(sql) for sql in checked)).first()

    assert tuple(found) == (None,) * len(texts)


def test_control_the_authors_own_text_would_end_the_job(rows: DataFrame):
    for text in ("whole + 1", "part / 0", "cast(word as int)"):
        with pytest.raises(Exception, match=r"ARITHMETIC_OVERFLOW|DIVIDE_BY_ZERO|CAST_INVALID"):
            rows.select(F.expr(text)).collect()


def test_numbers_since_1970_become_instants_and_days(spark: SparkSession):
    texts = ["timestamp_seconds(s)", "timestamp_millis(s * 1000)", "timestamp_micros(s * 1000000)",
             "date_from_unix_date(floor(s / 86400))"]  # fmt: skip
    rows = spark.createDataFrame([(874724710,), (99_999_999_999_999,)], "s bigint")
    checked = [parse(text, columns={"s": "integer"}, where="test") for text in texts]

    found, wild = rows.select(*(F.expr(item.sql).cast("string") for item in checked)).collect()

    assert list(found) == ["1997-09-20 03:05:10"] * 3 + ["1997-09-20"]
    # Far out, for a rule to see; only what no integer holds is null.
    assert [text and text[:3] for text in wild] == ["+28", "+28", None, None]


def test_what_is_no_number_is_no_instant(spark: SparkSession):
    checked = parse("timestamp_seconds(cast(t as double))", columns={"t": "string"}, where="test")
    rows = spark.createDataFrame([(None,), ("x",), ("NaN",), ("1e300",), ("-1e13",)], "t string")

    found = [row[0] for row in rows.select(F.expr(checked.sql).cast("string")).collect()]

    assert found[:4] == [None] * 4
    assert found[4].startswith("-28")


@pytest.mark.parametrize("text", REFUSED)
def test_what_spark_does_not_even_plan_is_refused(rows: DataFrame, text: str):
    with pytest.raises(ConfigError, match=r"LS-103[13]"):
        parse(text, columns=readable_kinds(rows.dtypes), where="test")

    with pytest.raises(PySparkException):
        rows.select(F.expr(text.replace("cast(", "try_cast(")))
