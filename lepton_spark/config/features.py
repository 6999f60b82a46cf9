"""Settings of the features: what is taken, looked up, measured over windows, cut into steps."""

from __future__ import annotations

from pydantic import Field

from lepton_spark.config.episode_features import Baskets, Sessions
from lepton_spark.config.graphs import GraphSettings
from lepton_spark.config.images import ImageSettings
from lepton_spark.config.measure import Measure
from lepton_spark.config.model import (
    ColumnName,
    ColumnPattern,
    HistoryWindow,
    Identifier,
    Settings,
    Window,
)
from lepton_spark.config.own_features import Calendar, Fourier, Hashing, Interactions, Text
from lepton_spark.config.windows import Windows


class Latest(Settings):
    """The last row known at the moment, by key."""

    on: tuple[ColumnName, ...] = Field(min_length=1, description="Columns that both sources have.")
    take: tuple[ColumnName, ...] = Field(min_length=1, description="Columns that become features.")
    within: Window = Field(description="Older rows count as missing.")


class History(Settings):
    """Windows over what was known before the moment, by one or more sets of columns."""

    by: tuple[tuple[ColumnName, ...], ...] = Field(
        min_length=1, description="Sets of columns that both sources have; [] is all rows."
    )
    over: tuple[HistoryWindow, ...] = Field(
        min_length=1,
        description="Windows that end at the moment: 24 hours, 7 days, 10 rows (the newest), all.",
    )
    measures: dict[ColumnName, Measure] = Field(
        min_length=1, description="Name of a measure: what is computed in each window."
    )


class Features(Settings):
    """Values known at the moment. What must be fitted is fitted later, on training rows."""

    own: tuple[ColumnPattern, ...] = Field(
        description="Columns of the predicted source, in its order where * matches any text."
    )
    calendar: dict[ColumnName, Calendar] = Field(
        default_factory=dict, description="Date or instant of the predicted source: its calendar."
    )
    fourier: dict[ColumnName, Fourier] = Field(
        default_factory=dict, description="Date or instant of the predicted source: its seasons."
    )
    text: dict[ColumnName, Text] = Field(
        default_factory=dict, description="Text of the predicted source: numbers that describe it."
    )
    interactions: Interactions = Field(
        default_factory=Interactions, description="Columns of the predicted source, combined."
    )
    hash: dict[ColumnName, Hashing] = Field(
        default_factory=dict, description="Category of the predicted source: its bucket."
    )
    images: dict[ColumnName, ImageSettings] = Field(
        default_factory=dict, description="Bytes of the predicted source: images for a cnn."
    )
    graphs: dict[Identifier, GraphSettings] = Field(
        default_factory=dict,
        description="Name: a graph in columns of the predicted source, for a graph network.",
    )
    latest: dict[Identifier, Latest] = Field(
        default_factory=dict, description="Source: its last row known at the moment."
    )
    history: dict[Identifier, History] = Field(
        default_factory=dict, description="Source: windows over its rows known at the moment."
    )
    sessions: dict[Identifier, Sessions] = Field(
        default_factory=dict, description="Source: sessions of its rows known at the moment."
    )
    baskets: dict[Identifier, Baskets] = Field(
        default_factory=dict, description="Source: baskets of its rows known at the moment."
    )
    windows: dict[Identifier, Windows] = Field(
        default_factory=dict, description="Source: steps of equal length that end at the moment."
    )
    as_category: tuple[ColumnName, ...] = Field(
        (), description="Numbers that name things, such as an hour; text always does."
    )

    @property
    def graph_columns(self) -> tuple[str, ...]:
        """The columns of all graphs, as written."""
        return tuple(name for graph in self.graphs.values() for name in graph.columns)

    @property
    def episodes(self) -> tuple[tuple[str, Sessions | Baskets], ...]:
        """Each source with its sessions, then each with its baskets."""
        return (*self.sessions.items(), *self.baskets.items())
