"""A tiny invented case: which machine of a plant fails today? Case file, contracts and raw files.

A few thousand rows, made from a seed, that can be learned: worn machines fail more often, and
more so under load.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

CASE = "plant"
FIRST_DAY = date(2024, 1, 1)
# Of a process that ends after a minute the fast compiler alone saves a quarter.
SHORT_LIVED_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
KINDS = ("press", "lathe", "mill", "saw")


@dataclass(frozen=True)
class Plant:
    """Where the files are, and the days that they cover."""

    conf_dir: Path
    lakehouse: Path
    first_day: date
    last_day: date

    @property
    def landing(self) -> Path:
        return self.lakehouse / "landing" / CASE

    @property
    def as_of(self) -> date:
        """The day after the last outcomes have arrived."""
        return self.last_day + timedelta(days=2)


def make_plant(
    folder: Path, *, machines: int = 40, days: int = 60, seed: int = 1, workers: int = 2
) -> Plant:
    """Write conf and landing files below a folder.

    Args:
        folder: Gets `conf` and `lakehouse`.
        machines: Rows of one day.
        days: From 1 January 2024 on; the last quarter is for validation and test.
        workers: Training processes.
    """
    plant = Plant(
        folder / "conf", folder / "lakehouse", FIRST_DAY, FIRST_DAY + timedelta(days=days - 1)
    )
    write_conf(plant, days=days, workers=workers)
    write_landing(plant, machines=machines, seed=seed)
    return plant


def write_conf(plant: Plant, *, days: int, workers: int) -> None:
    """Write case, contracts and the environment `local`."""
    documents = {
        f"cases/{CASE}.yml": case_document(days=days, workers=workers),
        "env/local.yml": environment_document(plant.lakehouse),
        **{
            f"contracts/{name}.odcs.yml": contract(name, columns)
            for name, columns in COLUMNS.items()
        },
    }
    for name, document in documents.items():
        path = plant.conf_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def environment_document(lakehouse: Path) -> dict[str, Any]:
    return {
        "name": "local",
        "lakehouse": str(lakehouse),
        "spark": {
            "master": "local[2]",
            "conf": {
                "spark.driver.memory": "1g",
                "spark.sql.shuffle.partitions": "2",
                "spark.databricks.delta.snapshotPartitions": "2",
                "spark.driver.extraJavaOptions": SHORT_LIVED_JAVA,
            },
        },
        "mlflow": {"tracking_uri": f"sqlite:///{lakehouse}/mlflow.db"},
    }


def case_document(*, days: int, workers: int) -> dict[str, Any]:
    return {
        "version": 1,
        "case": CASE,
        "description": "Which machine will fail today?",
        "sources": {
            "machines": {"path": "machines.csv", "contract": "machines", "key": ["machine"]},
            "shifts": {
                "path": "shifts/{date}.csv",
                "contract": "shifts",
                "key": ["machine", "day"],
                "arrives": {"days": -1, "time": "20:00", "zone": "Europe/Vienna"},
                "lookup": [
                    {"from": "machines", "on": {"machine": "machine"}, "take": {"kind": "kind"}}
                ],
                "derive": {"weekday": "dayofweek(day)"},
            },
            "sensors": {
                "path": "sensors/{date}.csv",
                "contract": "sensors",
                "key": ["machine", "measured_at"],
                "arrives": {"time": "03:00", "zone": "Europe/Vienna"},
                "known_at": "measured_at + interval 5 minutes",
            },
            "outcomes": {
                "path": "outcomes/{date}.csv",
                "contract": "outcomes",
                "key": ["machine", "day"],
                "arrives": {"time": "03:00", "zone": "Europe/Vienna"},
                "known_at": "recorded_at",
                "lookup": [
                    {"from": "machines", "on": {"machine": "machine"}, "take": {"kind": "kind"}}
                ],
            },
        },
        "predict": {
            "each": "shifts",
            "day": "day",
            "at": {"time": "04:00", "zone": "Europe/Vienna"},
            "label": {
                "name": "is_failed",
                "from": "outcomes",
                "is": "result = 'failed'",
                "only_if": "result is not null",
            },
            "split": {
                "validate_from": FIRST_DAY + timedelta(days=days * 5 // 8),
                "test_from": FIRST_DAY + timedelta(days=days * 6 // 8),
            },
        },
        "features": {
            "own": ["kind", "load", "weekday"],
            "latest": {
                "sensors": {
                    "on": ["machine"],
                    "take": ["temperature", "vibration"],
                    "within": "24 hours",
                }
            },
            "history": {
                "outcomes": {
                    "by": [["machine"], ["kind"], []],
                    "over": ["7 days", "28 days"],
                    "measures": {
                        "shifts": {"count": "*"},
                        "failed": {"share": "result = 'failed'"},
                    },
                }
            },
        },
        "transform": {"min_category_count": 5},
        "model": {"kind": "table_mlp", "hidden": [16], "dropout": 0.0, "embedding": 4},
        "train": {
            "workers": workers,
            "launcher": "barrier" if workers > 1 else "local",
            "batch_size": 64,
            "epochs": 3,
            "learning_rate": 0.01,
            "baselines": ["majority", "logistic", "boosted_trees"],
            "stall_seconds": 60,
        },
        "evaluate": {"slices": ["kind"], "resamples": 50},
        "gate": {
            "metric": "auc",
            "at_least": 0.55,
            "better_than": "majority",
            "suspicious_above": 0.97,
        },
    }


COLUMNS: Mapping[str, Sequence[dict[str, Any]]] = {
    "machines": [
        {"name": "machine", "logicalType": "string", "required": True},
        {"name": "kind", "logicalType": "string"},
    ],
    "shifts": [
        {"name": "machine", "logicalType": "string", "required": True},
        {"name": "day", "logicalType": "date", "required": True},
        {"name": "load", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}},
    ],
    "sensors": [
        {"name": "machine", "logicalType": "string", "required": True},
        {
            "name": "measured_at",
            "logicalType": "timestamp",
            "required": True,
            "logicalTypeOptions": {"timezone": True},
        },
        {"name": "temperature", "logicalType": "number"},
        {"name": "vibration", "logicalType": "number"},
    ],
    "outcomes": [
        {"name": "machine", "logicalType": "string", "required": True},
        {"name": "day", "logicalType": "date", "required": True},
        {"name": "result", "logicalType": "string"},
        {
            "name": "recorded_at",
            "logicalType": "timestamp",
            "required": True,
            "logicalTypeOptions": {"timezone": True},
        },
    ],
}


def contract(name: str, columns: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "name": name,
        "version": "1.0.0",
        "status": "active",
        "schema": [{"name": name, "properties": list(columns)}],
    }


def write_landing(plant: Plant, *, machines: int, seed: int) -> None:
    """Write the raw files of all days; the file of a date holds what was known by 03:00 of it."""
    random = np.random.default_rng(seed)
    names = [f"m{number:03d}" for number in range(machines)]
    wear = random.normal(size=machines)
    write_csv(
        plant.landing / "machines.csv",
        ["machine", "kind"],
        ([name, KINDS[number % len(KINDS)]] for number, name in enumerate(names)),
    )
    for number in range((plant.last_day - plant.first_day).days + 1):
        day = plant.first_day + timedelta(days=number)
        load = random.gamma(4.0, size=machines).round(2)
        temperature = (60 + 5 * wear + random.normal(size=machines)).round(2)
        chance = 1 / (1 + np.exp(-(1.5 * wear + 0.4 * (load - 4) - 0.8)))
        has_failed = random.random(machines) < chance
        write_day(plant, day, list(zip(names, load, temperature, has_failed, strict=True)))


def write_day(plant: Plant, day: date, rows: Sequence[tuple[str, float, float, bool]]) -> None:
    """Write the shifts of a day, and what its sensors and outcomes told by the next night."""
    morning = datetime.combine(day, time(8), UTC)
    evening = datetime.combine(day, time(18), UTC)
    next_night = day + timedelta(days=1)
    write_csv(
        plant.landing / "shifts" / f"{day}.csv",
        ["machine", "day", "load"],
        ([name, day, load] for name, load, _, _ in rows),
    )
    write_csv(
        plant.landing / "sensors" / f"{next_night}.csv",
        ["machine", "measured_at", "temperature", "vibration"],
        (
            [name, stamp(morning + timedelta(minutes=7 * number)), heat, round(heat / 20, 2)]
            for number, (name, _, heat, _) in enumerate(rows)
        ),
    )
    write_csv(
        plant.landing / "outcomes" / f"{next_night}.csv",
        ["machine", "day", "result", "recorded_at"],
        ([name, day, "failed" if bad else "fine", stamp(evening)] for name, _, _, bad in rows),
    )


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
