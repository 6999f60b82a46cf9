"""An invented case with its gold features and silver outcomes, ready for the dataset stage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from lepton_spark.config.case import Case
from lepton_spark.lake import tables
from lepton_spark.lake.tables import Publication, TableId
from tests.conftest import TINY_CASE

FIRST = date(2024, 1, 1)
AS_OF = date(2024, 5, 1)
FEATURES = TableId("gold", "tiny_features")
OUTCOMES = TableId("silver", "tiny_visits")
DATASET = TableId("gold", "tiny_dataset")


def tiny_case(**changes: Any) -> Case:
    """Sections of the case, each updated by what is given."""
    document = dict(TINY_CASE.items())
    document["features"] = {"own": ["shop", "visit"]}
    document["predict"] = {
        **TINY_CASE["predict"],
        "label": {"name": "is_long", "from": "visits", "is": "minutes > 30"},
    }
    for name, section in changes.items():
        old = document.get(name)
        document[name] = {**old, **section} if isinstance(old, dict) else section
    return Case.model_validate(document)


def visits(rows: int = 1200, *, seed: int = 1) -> list[dict[str, Any]]:
    """Visits on 120 days from 1 January; long ones are likelier in the afternoon and in shop b."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(rows):
        day = FIRST + timedelta(days=number * 120 // rows)
        hour, shop = random.normal(12, 4), str(random.choice(["a", "b", "c"]))
        logit = (hour - 12) / 3 + (shop == "b") - 0.5
        is_long = random.random() < 1 / (1 + np.exp(-logit))
        made.append(
            {
                "visit": number,
                "day": day,
                "shop": shop if number % 50 else None,
                "hour": float(hour) if number % 9 else None,
                "visits_by_all_7d_count": int(random.poisson(5)),
                "minutes": 40 if is_long else 20,
                "known_at": datetime(day.year, day.month, day.day, 23, tzinfo=UTC),
            }
        )
    return made


def publish_visits(context: Any, made: list[dict[str, Any]]) -> None:
    """Publish features and outcomes as the stages before would."""
    features = [
        (v["visit"], v["day"], v["day"], v["shop"], v["hour"], v["visits_by_all_7d_count"])
        for v in made
    ]
    outcomes = [
        (
            v["visit"],
            v["day"],
            v["shop"],
            v["minutes"],
            "f",
            v["visit"],
            v["known_at"],
            v["known_at"],
        )
        for v in made
    ]
    given = {
        FEATURES: (
            features,
            "visit int, day date, _as_of date, shop string, hour double, "
            "visits_by_all_7d_count bigint",
        ),
        OUTCOMES: (
            outcomes,
            "visit int, day date, shop string, minutes int, _file string, _row bigint, "
            "_arrived_at timestamp, _known_at timestamp",
        ),
    }
    for table, (rows, schema) in given.items():
        frame = context.spark.createDataFrame(rows, schema)
        key = f"{context.as_of}-{tables.current_version(context, table)}"
        tables.publish(context, frame, Publication(table, "test", key, key, replace="true"))
