"""The peer of `features`: the flight features in pandas and NumPy, in the memory of one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from deltalake import DeltaTable

KEYS = ["origin", "scheduled_at", "carrier", "flight"]
OWN = ["carrier", "origin", "dest", "hour", "minute_of_day", "day_of_week", "month", "distance",
       "planned_minutes", "dest_lat", "dest_lon", "dest_alt"]  # fmt: skip
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure",
           "visib"]  # fmt: skip
KEY_SETS = [["carrier"], ["origin"], ["dest"], ["origin", "dest"], ["carrier", "origin"],
            ["carrier", "flight"], ["origin", "hour"]]  # fmt: skip
SPANS = {"24h": 24 * 3600, "7d": 7 * 86_400, "28d": 28 * 86_400}
LATE_MINUTES = 15
MEASURES = ("flights", "delay", "late", "cancelled", "age", "seats")
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def compute(silver: Path, until: str) -> pd.DataFrame:
    """A row a flight up to a day: key, own columns, weather and history as known at 03:00.

    Args:
        silver: Folder of the case's silver tables.
        until: ISO date.
    """
    last = pd.Timestamp(until).date()
    rows = _read(silver, "schedule", [*dict.fromkeys([*KEYS, "flight_date", *OWN])])
    rows = rows[rows["flight_date"] <= last].reset_index(drop=True)
    day = pd.to_datetime(rows["flight_date"]) + pd.Timedelta("3h")
    moment = day.dt.tz_localize("America/New_York").dt.tz_convert("UTC")
    at = _seconds(moment)
    events = _events(silver)
    columns = {name: rows[name] for name in dict.fromkeys([*KEYS, *OWN])}
    columns |= _weather(silver, rows["origin"], moment)
    for keys in KEY_SETS:
        columns |= _history(rows, events, keys, at)
    return pd.DataFrame(columns)


def _read(silver: Path, name: str, columns: Sequence[str]) -> pd.DataFrame:
    return DeltaTable(silver / f"flight_delay_{name}").to_pandas(columns=list(columns))


def _seconds(instants: pd.Series) -> Ints:
    return instants.astype("datetime64[us, UTC]").astype("int64").to_numpy() // 1_000_000


def _events(silver: Path) -> pd.DataFrame:
    named = ["carrier", "origin", "dest", "flight", "hour", "recorded_at", "_known_at", "arr_delay",
             "is_cancelled", "aircraft_age", "seats"]  # fmt: skip
    events = _read(silver, "outcomes", named)
    is_late = (events["arr_delay"] >= LATE_MINUTES).astype("float64")
    return events.assign(
        flights=1.0,
        delay=events["arr_delay"],
        late=is_late.where(events["arr_delay"].notna()),
        cancelled=events["is_cancelled"].astype("float64"),
        age=events["aircraft_age"],
    )


def _weather(silver: Path, origin: pd.Series, moment: pd.Series) -> Mapping[str, pd.Series]:
    reports = _read(silver, "weather", ["origin", "observed_at", "_known_at", *WEATHER])
    reports["at"] = reports["_known_at"].astype(moment.dtype)
    asked = pd.DataFrame({"origin": origin, "at": moment})
    each = asked.drop_duplicates().sort_values("at")
    # Of the reports that arrived together the last one is the newest.
    reports = reports.sort_values(["at", "observed_at"])
    found = pd.merge_asof(each, reports, on="at", by="origin")
    is_old = found["at"] - found["observed_at"] >= pd.Timedelta("13h")
    found.loc[is_old, WEATHER] = np.nan
    answered = asked.merge(found, on=["origin", "at"], how="left")
    return {f"weather_{name}": answered[name] for name in WEATHER}


def _history(
    rows: pd.DataFrame, events: pd.DataFrame, keys: list[str], at: Ints
) -> Mapping[str, Floats]:
    """Sums of what was known at the moment, less the sums of what is older than the span."""
    both = pd.concat([rows[keys], events[keys]], ignore_index=True)
    codes = both.groupby(keys, sort=False).ngroup().to_numpy()
    asked, code = codes[: len(rows)], codes[len(rows) :]
    known, said = _seconds(events["_known_at"]), _seconds(events["recorded_at"])
    first = min(int(said.min()), int(at.min())) - max(SPANS.values())
    width = max(int(known.max()), int(at.max())) - first + 1
    newest = _Sums(events, code * width + (known - first))
    oldest = _Sums(events, code * width + (said - first))
    high = newest.places(asked * width + (at - first))
    columns = {}
    for span, seconds in SPANS.items():
        low = oldest.places(asked * width + (at - seconds - first))
        for name in MEASURES:
            count = newest.counts[name][high] - oldest.counts[name][low]
            total = newest.sums[name][high] - oldest.sums[name][low]
            with np.errstate(divide="ignore", invalid="ignore"):
                value = total if name == "flights" else total / count
            columns[f"outcomes_by_{'_'.join(keys)}_{span}_{name}"] = value
    return columns


class _Sums:
    """Running sums and counts of every measure in the order of a key and a time."""

    def __init__(self, events: pd.DataFrame, place: Ints) -> None:
        order = np.argsort(place, kind="stable")
        self._place = place[order]
        self.sums, self.counts = {}, {}
        for name in MEASURES:
            values = events[name].to_numpy(dtype=np.float64, na_value=np.nan)[order]
            is_there = ~np.isnan(values)
            self.sums[name] = np.r_[0.0, np.cumsum(np.where(is_there, values, 0.0))]
            self.counts[name] = np.r_[0, np.cumsum(is_there)]

    def places(self, wanted: Ints) -> Ints:
        return np.searchsorted(self._place, wanted, side="right")
