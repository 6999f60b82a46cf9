"""Hold what is asked of a row itself against the columns of the predicted source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_spark.config.checker import Checker
from lepton_spark.config.column import NUMBERS
from lepton_spark.config.nearest import nearest
from lepton_spark.config.row_feature import row_features

if TYPE_CHECKING:
    from lepton_spark.config.columns import Columns
    from lepton_spark.config.document import KeyPath
    from lepton_spark.config.own_features import Calendar, Fourier
    from lepton_spark.config.row_feature import RowFeature

_TIMES = {"date", "timestamp"}
FEATURE_KINDS = {*NUMBERS, "string", "boolean"}
_KINDS = {
    "calendar": _TIMES,
    "fourier": _TIMES,
    "text": {"string"},
    "products": set(NUMBERS),
    "ratios": set(NUMBERS),
    "crosses": {"string", "integer", "boolean", "date"},
    "hash": {"string", "integer"},
}
_CLOCK_PARTS = {"hour", "minute"}


class RowChecker(Checker):
    """Checks that features of a row can be computed, may be, and do not tell the label."""

    def check_row_features(self) -> None:
        """Calendar, seasons, texts, interactions and buckets of the predicted source."""
        features = self.case.features
        asked = row_features(features)
        for feature in asked:
            self._refuse_column(feature)
        for path, name in dict.fromkeys((each.path, name) for each in asked for name in each.reads):
            kind = path[2] if path[1] == "interactions" else path[1]
            self.check_column(path, name, _KINDS[str(kind)])
        for name, calendar in features.calendar.items():
            path = ("features", "calendar", name)
            self._check_clock(path, name, calendar)
            if _CLOCK_PARTS & {*calendar.parts} and calendar.zone is None:
                self._refuse_clock((*path, "parts"), f"{name} is a date: it has no hour or minute")
            if calendar.holidays is not None:
                self._check_place((*path, "holidays"), calendar.holidays)
        for name, fourier in features.fourier.items():
            path = ("features", "fourier", name)
            self._check_clock(path, name, fourier)
            if "day" in fourier.periods and fourier.zone is None:
                self._refuse_clock((*path, "periods", "day"), f"{name} is a date: always midnight")

    def check_images(self) -> None:
        """Bytes of the predicted source, which the network reads."""
        for name in self.case.features.images:
            path: KeyPath = ("features", "images", name)
            self.check_column(path, name, {"binary"})
            self.check_reader(path, "cnn", "images")

    def check_graphs(self) -> None:
        """Lists in texts of the predicted source, which the network reads."""
        for name, graph in self.case.features.graphs.items():
            path: KeyPath = ("features", "graphs", name)
            for column in graph.columns:
                self.check_column(path, column, {"string"})
            self.check_reader(path, "graph", "graphs")

    def check_column(self, path: KeyPath, name: str, kinds: set[str]) -> None:
        """A column of the predicted source that becomes a feature, or part of one."""
        each = self.case.predict.each
        rows = self.silver.of(each)
        self._refuse_label(path, name, rows)
        self.silver.refuse_unknown(path, name, rows, each)
        self.demand(path, rows[name].kind, kinds, name)
        self.refuse_personal(path, name, rows)

    def _refuse_column(self, feature: RowFeature) -> None:
        each = self.case.predict.each
        if feature.name.lower() in {name.lower() for name in self.silver.of(each)}:
            self.refuse(
                feature.path,
                f"the feature {feature.name} has the name of a column of {each}",
                "a name means one thing, and Spark does not tell upper from lower case",
                "choose another name, or take the column itself into features.own",
                "LS-1042",
            )

    def _refuse_label(self, path: KeyPath, name: str, rows: Columns) -> None:
        label = self.case.predict.label
        if label is None:
            return
        is_shared = self.case.predict.each == label.source
        secret = self._label_columns()
        reads = rows[name].reads if name in rows and is_shared else frozenset({name})
        if (is_shared or name not in rows) and reads & secret:
            self.refuse(
                path,
                f"{name} tells the label {label.name}",
                "what is predicted must not be among the features",
                f"remove {name} from features.{path[1]}",
                "LS-1040",
            )

    def _label_columns(self) -> frozenset[str]:
        """The label's name, and what its value is made from, but for the row's key and day."""
        predict, label = self.case.predict, self.case.aim.label
        outcomes = self.silver.of(label.source)
        key, text = label.expression
        checked = self.parse(("predict", "label", key), text, outcomes)
        made_from = frozenset().union(*(outcomes[name].reads for name in checked.columns))
        given = {*self.case.key_of(predict.each), predict.day}
        return (made_from - given) | {label.name}

    def _check_clock(self, path: KeyPath, name: str, settings: Calendar | Fourier) -> None:
        kind = self.silver.of(self.case.predict.each)[name].kind
        if (kind == "timestamp") != (settings.zone is not None):
            self._refuse_clock(
                path, f"{name} is a {kind}, and zone is {settings.zone or 'not set'}"
            )

    def _refuse_clock(self, path: KeyPath, what: str) -> None:
        self.refuse(
            path,
            what,
            "an instant has a day and an hour in a zone, and a date has no hour at all",
            "give zone, such as Europe/Vienna, with a timestamp, and none with a date",
            "LS-1087",
        )

    def _check_place(self, path: KeyPath, place: str) -> None:
        from holidays import list_supported_countries  # noqa: PLC0415  # takes a tenth of a second

        known = list_supported_countries(include_aliases=False)
        country, _, subdivision = place.partition("-")
        if country not in known:
            self._refuse_place(path, country, nearest(country, known))
        if subdivision and subdivision not in known[country]:
            self._refuse_place(path, place, nearest(subdivision, known[country]))

    def _refuse_place(self, path: KeyPath, place: str, fix: str) -> None:
        self.refuse(
            path,
            f"no holidays are known of {place}",
            "they come from the package holidays, by country and subdivision as in ISO 3166",
            fix,
            "LS-1088",
        )
