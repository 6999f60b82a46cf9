"""Settings of one raw source: where its files are, when they arrive, what its rows become."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lepton_spark.config.clean import Clean, DatePattern
from lepton_spark.config.format import Csv, Delta, Files, FixedWidth, Format, Idx, Json, Parquet
from lepton_spark.config.location import LandingPath
from lepton_spark.config.model import (
    Clock,
    ColumnName,
    Identifier,
    Settings,
    SqlExpression,
    ZoneName,
)


class Arrival(Settings):
    """When the file of a `{date}` is there: that date plus `days`, at `time` in `zone`."""

    days: int = Field(
        0, ge=-366, le=366, description="Days after the file's date; -1 the day before."
    )
    time: Clock = Field(description="Local time at which the file is there.")
    zone: ZoneName = Field(description="Time zone of `time`.")


class Origin(Settings):
    """Columns that say where a row is from; the key of rows that have none of their own."""

    file: ColumnName | None = Field(None, description="New column: the path of the file.")
    row: ColumnName | None = Field(None, description="New column: the place in the file, from 1.")


class Lookup(Settings):
    """Columns taken from a reference source by its whole key: a row finds one row or none."""

    source: Identifier = Field(alias="from", description="The reference source.")
    on: dict[ColumnName, ColumnName] = Field(
        min_length=1, description="Column of this source: key column of the reference."
    )
    take: dict[ColumnName, ColumnName] = Field(
        min_length=1, description="New column here: column of the reference."
    )
    otherwise: dict[ColumnName, str] = Field(
        default_factory=dict, description="Value of a new column where nothing matches."
    )
    cardinality: Literal["many_to_one", "one_to_one"] = Field(
        "many_to_one",
        description="one_to_one: no two keys of this source find the same row of the reference.",
    )
    max_unmatched: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Share of good rows without a match above which nothing is published."
    )


class LocalTime(Settings):
    """A local date and clock, in two columns or in one text, that become an instant in UTC."""

    date: ColumnName | None = Field(None, description="Date column.")
    clock: ColumnName | None = Field(
        None,
        description="Clock column, as 517, 0517, 05:17 or 05:17:00; 5 is 00:05 and 2400 ends the "
        "day. Seconds other than 00 are no clock: read such a text by text and formats.",
    )
    text: ColumnName | None = Field(None, description="Text column that holds date and clock.")
    formats: tuple[DatePattern, ...] = Field(
        (), description="Patterns of the text, tried in this order, such as dd.MM.yyyy HH:mm."
    )
    zone: str = Field(description="A column that holds the zone, or the zone's name.")
    after: ColumnName | None = Field(
        None, description="Instant that this one follows: a clock before it is on the next day."
    )
    near: SqlExpression | None = Field(
        None, description="Instant that this one is nearest to: chooses the day."
    )
    ambiguous: Literal["refuse", "earlier", "later"] = Field(
        "refuse", description="Which instant a clock is that occurs twice when summer time ends."
    )

    @model_validator(mode="after")
    def _one_form(self) -> LocalTime:
        is_text = self.text is not None and bool(self.formats) and not (self.date or self.clock)
        is_parts = self.date is not None and self.clock is not None
        if not is_text and (not is_parts or self.text is not None or self.formats):
            raise ValueError("give date and clock, or text and formats")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that hold the local time."""
        return tuple(name for name in (self.date, self.clock, self.text) if name is not None)


class NearDuplicates(Settings):
    """Texts of one arrival that say nearly the same: all but one are duplicates.

    Rows of one key are its versions and never near duplicates.
    """

    column: ColumnName = Field(description="Text column.")
    similarity: float = Field(
        0.8, ge=0.3, le=1, description="Least share of word pairs that both texts have (Jaccard)."
    )
    keep: Literal["first", "last"] = Field(
        "first", description="Which of similar rows stays, by file and row."
    )


class Source(Settings):
    """One raw table: files -> bronze -> silver."""

    path: LandingPath = Field(
        description="Files below the landing folder of the case; {date} and * match. Of a Delta "
        "table the folder."
    )
    contract: Identifier = Field(description="conf/contracts/<name>.odcs.yml")
    key: tuple[ColumnName, ...] = Field(min_length=1, description="Columns that identify a row.")
    csv: Csv | None = Field(None, description="Delimited text, which is also the default.")
    json_: Json | None = Field(None, alias="json", description="JSON, an object a row.")
    fixed_width: FixedWidth | None = Field(None, description="Text in columns of fixed width.")
    parquet: Parquet | None = Field(None, description="Apache Parquet.")
    delta: Delta | None = Field(None, description="A Delta table that is only appended to.")
    idx: Idx | None = Field(None, description="Arrays as in MNIST.")
    files: Files | None = Field(None, description="Whole files: images, texts, documents.")
    origin: Origin = Field(
        default_factory=Origin, description="New columns that say where a row is from."
    )
    clean: dict[ColumnName, Clean] = Field(
        default_factory=dict, description="Column: what is done to its cells first."
    )
    arrives: Arrival | None = Field(
        None, description="When a file is there; without it the rows count as always known."
    )
    known_at: SqlExpression | None = Field(
        None,
        description="When a row could first be known; never before its file arrived. Where it is "
        "null it is the arrival; without arrives the row is refused.",
    )
    happened_at: SqlExpression | None = Field(
        None, description="When a fact was true, for the leak report; no feature uses it."
    )
    lookup: tuple[Lookup, ...] = Field(
        (), description="Columns taken from reference sources, in the order written."
    )
    times: dict[ColumnName, LocalTime] = Field(
        default_factory=dict, description="New column: an instant from a local date and clock."
    )
    derive: dict[ColumnName, SqlExpression] = Field(
        default_factory=dict, description="New columns, computed in the order written."
    )
    near_duplicates: NearDuplicates | None = Field(
        None, description="Rows whose text is nearly that of another row landed with them."
    )
    max_refused: Annotated[float, Field(ge=0, le=1)] = Field(
        0.05, description="Share of refused rows above which nothing is published."
    )
    min_rows: int = Field(0, ge=0, description="Fewest rows in one landing.")
    max_columns: int = Field(
        2000,
        ge=1,
        description="Columns of a CSV or Parquet file, or keys of JSON that nobody promised, above "
        "which it is refused.",
    )

    @model_validator(mode="after")
    def _one_format(self) -> Source:
        if len(self._formats) > 1:
            raise ValueError("give one of csv, json, fixed_width, parquet, delta, idx, files")
        return self

    @model_validator(mode="after")
    def _one_table(self) -> Source:
        is_one = self.arrives is None and not ("*" in self.path or "{date}" in self.path)
        if self.delta is not None and not is_one:
            raise ValueError(
                "a Delta table is one folder that is always there: its path has no {date} and no *,"
                " and in place of arrives known_at says when a row could be known"
            )
        return self

    @property
    def _formats(self) -> list[Format]:
        given = (
            self.csv, self.json_, self.fixed_width, self.parquet, self.delta, self.idx, self.files,
        )  # fmt: skip
        return [each for each in given if each is not None]

    @property
    def format(self) -> Format:
        """How the files are written."""
        return next(iter(self._formats), Csv())
