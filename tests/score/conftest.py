"""A clinic with a few visits a day, its clean tables, and a champion that scores them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
import pytest

from lepton_spark.config.case import Case
from lepton_spark.config.contract import Column, Contract
from lepton_spark.dataset.transform import FeatureTransform, NumberColumn
from lepton_spark.lake import tables
from lepton_spark.lake.tables import TableId
from lepton_spark.models.weights import pack
from lepton_spark.registry import store
from lepton_spark.score.stage import score
from lepton_spark.train import bundle as bundles
from lepton_spark.train.bundle import Bundle, to_json
from tests.conftest import TINY_CASE, make_context

CASE = Case.model_validate(
    {
        **TINY_CASE,
        "case": "clinic",
        "sources": {
            "visits": {
                "path": "visits/{date}.csv",
                "contract": "visits",
                "key": ["site", "visit"],
                "arrives": {"days": 0, "time": "01:00", "zone": "UTC"},
            },
        },
        "features": {"own": ["minutes"]},
    }
)
CONTRACTS = {
    "visits": Contract(
        "visits",
        (
            Column("site", "string"),
            Column("visit", "integer"),
            Column("day", "date"),
            Column("minutes", "integer"),
        ),
    )
}
DAY = date(2024, 2, 29)
BRONZE, SILVER = TableId("bronze", "clinic_visits"), TableId("silver", "clinic_visits")
FEATURES = TableId("gold", "clinic_features")
PREDICTIONS = TableId("gold", "clinic_predictions")
QUARANTINE = TableId("ops", "quarantine")
ORIGIN = "_file string, _row bigint, _arrived_at timestamp"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ARRIVED = at("2024-02-29T01:00")
FILE = "visits/2024-02-29.csv"


def clinic_bundle(coefficient: float = 1.0, **changed: Any) -> Bundle:
    """A logistic model on one number; `changed` replaces documents by name."""
    transform = FeatureTransform(
        (NumberColumn("minutes", 0, 1000, 20, 20, 10, has_missing_flag=False),), (), "0" * 64, 10
    )
    documents = {
        "spec": {"kind": "logistic", "width": 1, "cardinalities": []},
        "contract": {"columns": [{"name": "minutes", "type": "int"}]},
        "snapshot": {"fitted_until": "2024-02-01T00:00:00Z"},
        "training": {},
        "gate": {"verdict": "pass", "reasons": []},
        "evaluation": {"threshold": 0.5},
        **changed,
    }
    files = {f"{name}.json": to_json(document) for name, document in documents.items()}
    files["transform.json"] = transform.to_json().encode()
    weights = {"coefficients": np.array([[coefficient]]), "intercepts": np.array([0.0])}
    return Bundle({**files, "weights.npz": pack(weights)})


@dataclass
class Clinic:
    """Tables of one lake, filled by the test."""

    make_context: Any

    def context(self, as_of: date | str = DAY, **changes: Any) -> Any:
        return self.make_context(CASE, as_of, contracts=CONTRACTS, **changes)

    def put(
        self, table: TableId, schema: str, rows: list[tuple[Any, ...]], *, is_all: bool = False
    ) -> None:
        context = self.context()
        frame = context.spark.createDataFrame(rows, schema)
        key = f"{table}-{tables.current_version(context, table)}"
        replaced = tables.EVERYTHING if is_all else None
        publication = tables.Publication(table, "test", key, key, replace=replaced)
        tables.publish(context, frame, publication)

    def bronze(self, rows: list[tuple[Any, ...]], file: str = FILE, arrived_at=ARRIVED) -> None:
        """Raw rows: site, visit, day, minutes."""
        last = len(rows) - 1
        of_file = ("sha-1", 10, arrived_at)
        full = [
            (*row, file, number + 2, arrived_at, last + 1 if number == last else None, *of_file)
            for number, row in enumerate(rows)
        ]
        columns = "site string, visit string, day string, minutes string"
        own = "_records bigint, _sha256 string, _size bigint, _modified_at timestamp"
        self.put(BRONZE, f"{columns}, {ORIGIN}, {own}", full)

    def silver(self, rows: list[tuple[Any, ...]], file: str = FILE, arrived_at=ARRIVED) -> None:
        """Clean rows: site, visit, day, minutes, line."""
        full = [(*row[:4], file, row[4], arrived_at, arrived_at) for row in rows]
        columns = "site string, visit int, day date, minutes int"
        self.put(SILVER, f"{columns}, {ORIGIN}, _known_at timestamp", full)

    def quarantine(self, rows: list[tuple[int, list[str], str]], file: str = FILE) -> None:
        """Refused rows: line, reasons, severity."""
        full = [("clinic", str(SILVER), file, *row, ARRIVED) for row in rows]
        self.put(
            QUARANTINE,
            "case string, table string, file string, row bigint, reasons array<string>,"
            " severity string, arrived_at timestamp",
            full,
        )

    def features(self, rows: list[tuple[Any, ...]], *, is_all: bool = False) -> None:
        """Feature rows: site, visit, day, minutes."""
        full = [(*row[:3], row[2], *row[3:]) for row in rows]
        columns = "site string, visit int, day date, _as_of date, minutes int"
        self.put(FEATURES, columns, full, is_all=is_all)

    def champion(self, bundle: Bundle | None = None) -> str:
        """Write, register and promote a model; its digest."""
        bundle = bundle or clinic_bundle()
        context = self.context()
        bundles.write(store.bundle_uri(context, bundle.digest), bundle)
        run = store.log(context, store.Trial("logistic", bundle.digest))
        store.promote(context, store.register(context, bundle.digest, run=run, tags={}))
        return bundle.digest

    def usual_day(self) -> None:
        """Two good rows, one that is refused, and a duplicate."""
        self.bronze(
            [
                ("A", "1", "2024-02-29", "10"),
                ("A", "2", "2024-02-29", "40"),
                ("B", "x", "2024-02-29", "5"),
                ("A", "2", "2024-02-29", "40"),
            ]
        )
        self.silver([("A", 1, DAY, 10, 2), ("A", 2, DAY, 40, 3)])
        self.quarantine([(4, ["not_int:visit"], "refused"), (5, ["exact_duplicate"], "duplicate")])
        self.features([("A", 1, DAY, 10), ("A", 2, DAY, 40)])

    def predictions(self, *columns: str) -> list[tuple[Any, ...]]:
        rows = tables.read(self.context(), PREDICTIONS).orderBy("as_of", "_file", "_row")
        return [tuple(row) for row in rows.select(*columns).collect()]


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory):
    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    store._client(f"sqlite:///{file}")
    return file


@pytest.fixture
def empty_clinic(context_for, mlflow_database, tmp_path):
    (tmp_path / "lake").mkdir()
    shutil.copy(mlflow_database, tmp_path / "lake" / "mlflow.db")
    return Clinic(context_for)


@pytest.fixture(scope="session")
def lake_of_a_day(spark, mlflow_database, tmp_path_factory):
    """A lake with the tables of a usual day, made once."""
    lake = tmp_path_factory.mktemp("day") / "lake"
    lake.mkdir()
    shutil.copy(mlflow_database, lake / "mlflow.db")
    Clinic(partial(make_context, lake, spark)).usual_day()
    return lake


@pytest.fixture(scope="session")
def lake_of_a_night(lake_of_a_day, spark, tmp_path_factory):
    """The same with a champion that has scored the day, made once."""
    lake = tmp_path_factory.mktemp("night") / "lake"
    shutil.copytree(lake_of_a_day, lake)
    clinic = Clinic(partial(make_context, lake, spark))
    clinic.champion()
    score(clinic.context())
    return lake


@pytest.fixture
def clinic(lake_of_a_day, context_for, tmp_path):
    """A clinic of this test alone that has the tables of a usual day and no champion."""
    shutil.copytree(lake_of_a_day, tmp_path / "lake")
    return Clinic(context_for)


@pytest.fixture
def scored(lake_of_a_night, context_for, tmp_path):
    """A clinic of this test alone whose usual day was scored by a champion."""
    shutil.copytree(lake_of_a_night, tmp_path / "lake")
    return Clinic(context_for)
