"""Entities of the rows of one source, and of more than two."""

from __future__ import annotations

import os

import pytest
from pyspark.sql import functions as F

from lepton_spark.config.case import Case
from lepton_spark.entities.stage import resolve
from lepton_spark.lake import tables
from lepton_spark.lake.tables import Publication, TableId
from tests.conftest import SPARK_CONF, environment_at
from tests.entities.test_stage import CASE, COLUMNS, MON, PEOPLE, SOURCE, person

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]

EVERYBODY = range(120)


@pytest.fixture
def resolved(context_for, tmp_path):
    """Resolve the rows of some sources; gives the facts, and the people of each entity."""

    def run(rows, **settings):
        # Adaptive plans take longer to make than these rows take to compare.
        conf = {**SPARK_CONF, "spark.sql.adaptive.enabled": "false"}
        lake = environment_at(tmp_path, spark={"master": "local[2]", "conf": conf})
        context = context_for(case_of(rows, settings), "2024-01-03", environment=lake)
        for source, lines in rows.items():
            table = TableId("silver", f"health_{source}")
            frame = context.spark.createDataFrame(list(lines), COLUMNS)
            tables.publish(context, frame, Publication(table, "refine", "first", "first"))
        facts = resolve(context).facts["entities"]["people"]
        members = tables.read(context, TableId("silver", "health_people_members"))
        number = F.substring_index(F.col("key")["id"], ".", 1).cast("int")
        people = members.groupBy("people_id").agg(F.collect_set(number).alias("people"))
        return facts, [row.people for row in people.collect()]

    return run


def case_of(sources, settings):
    """The case of two sources, with others in their place."""
    people = {**PEOPLE, "one_to_one": False, "from": {name: {} for name in sources}, **settings}
    return Case.model_validate(
        {
            **CASE.model_dump(mode="json", by_alias=True, exclude_unset=True),
            "sources": {name: {**SOURCE, "path": f"{name}.csv"} for name in sources},
            "entities": {"people": people},
        }
    )


def rows_of(source, numbers, times=1):
    """Every second person comes so often, misspelt each time but the first."""
    for number in numbers:
        name, born, town = person(number)
        for copy in range(times if number % 2 else 1):
            spelt = f"{name}{name[-1]}" if copy else name
            place = number * times + copy
            yield (f"{number}.{copy}", spelt, born, town, MON.date(), f"{source}.csv", place, MON,
                   MON)  # fmt: skip


def test_rows_of_one_source_that_mean_the_same_are_one(resolved):
    facts, people = resolved({"clinic": rows_of("clinic", EVERYBODY, times=2)})

    assert (facts["rows"], facts["entities"], facts["largest"]) == (180, 120, 2)
    assert sorted(people) == [[number] for number in EVERYBODY]


@pytest.mark.skipif(
    not os.environ.get("LEPTON_ALL_SETS"), reason="takes minutes: LEPTON_ALL_SETS=1 runs it"
)
def test_rows_of_three_sources_are_linked_across_and_within(resolved):
    facts, people = resolved(
        {
            "clinic": rows_of("clinic", EVERYBODY, times=2),
            "registry": rows_of("registry", range(80)),
            "lab": rows_of("lab", range(40, 120)),
        },
        link_type="link_and_dedupe",
    )

    assert (facts["rows"], facts["entities"], facts["largest"]) == (340, 120, 4)
    assert sorted(people) == [[number] for number in EVERYBODY]
