"""How a source is written: one of csv, json, fixed_width, parquet, delta, idx, files."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lepton_spark.config.column import fold
from lepton_spark.config.model import Settings
from lepton_spark.config.reshape import Explode, Unpivot

BLANKS = "blanks"
Encoding = Literal[
    "utf-8", "latin-1", "cp1250", "cp1251", "cp1252", "iso-8859-2", "iso-8859-15", "shift_jis",
    "gb18030", "big5", "euc-kr",
]  # fmt: skip
ExtraColumns = Literal["fail", "ignore"]
Nulls = tuple[str, ...]


class Csv(Settings):
    """Delimited text, a record a line unless a quoted cell goes on."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | Literal["blanks"] = Field(
        ",", description="Between two cells; blanks: any number of spaces and tabs."
    )
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        '"', description="Around a cell; null where quotes mean nothing."
    )
    trim: bool = Field(
        False,
        description="Take spaces and tabs off both ends of each cell and name before anything "
        "else, as Spark's ignoreLeadingWhiteSpace and ignoreTrailingWhiteSpace; a quote counts "
        "behind them, and those within quotes stay.",
    )
    header: bool = Field(True, description="First line holds the names; else the contract's order.")
    skip_lines: int = Field(0, ge=0, le=1000, description="Lines above the header or first row.")
    encoding: Encoding = Field("utf-8", description="Of the text.")
    nulls: Nulls = Field(("", "NA"), description="Cells that mean: no value.")
    extra_columns: ExtraColumns = Field(
        "fail",
        description="What to do with a column that the contract does not name, or that has no name "
        "in the header; unpivot makes rows of all that have one.",
    )

    lines_per_record: int = Field(
        1, ge=1, le=100, description="Lines of a record; of several each is a cell, as it is."
    )
    unpivot: Unpivot | None = Field(None, description="A row for each cell of a wide table.")
    explode: Explode | None = Field(None, description="A row for each item of cells with lists.")

    @model_validator(mode="after")
    def _apart(self) -> Csv:
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")
        if self.delimiter == BLANKS and self.quote is not None:
            raise ValueError("between blanks quotes mean nothing; write quote: null")
        return self

    @model_validator(mode="after")
    def _one_shape(self) -> Csv:
        if self.unpivot is not None and self.explode is not None:
            raise ValueError("give one of unpivot and explode")
        if self.lines_per_record > 1 and (self.header or self.unpivot is not None):
            raise ValueError("records of several lines have no header, and no cells to unpivot")
        return self


class Json(Settings):
    """Objects: one a line, or the items of an array in one document."""

    records: str | None = Field(
        None,
        max_length=200,
        pattern=r"^(\.|[^.\s]+(\.[^.\s]+)*)$",
        description="Where the array is in a document, as a.b; `.` if it is the document itself. "
        "Without it each line is an object.",
    )
    nulls: Nulls = Field((), description="Texts that mean: no value, besides null.")
    extra_columns: ExtraColumns = Field(
        "fail", description="What to do with a key that the contract does not name."
    )


class FixedWidth(Settings):
    """Text whose columns are at fixed places of a line."""

    columns: dict[str, tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]] = Field(
        min_length=1, description="Name in the contract's physicalName: first and last character."
    )
    skip_lines: int = Field(0, ge=0, le=1000, description="Lines above the first row.")
    encoding: Encoding = Field("utf-8", description="Of the text.")
    nulls: Nulls = Field(("", "NA"), description="Cells that mean: no value.")
    extra_columns: ExtraColumns = Field(
        "fail", description="What to do with a line in which text follows the last column."
    )
    unpivot: Unpivot | None = Field(None, description="A row for each cell of a wide table.")

    @model_validator(mode="after")
    def _in_order(self) -> FixedWidth:
        for name, (first, last) in self.columns.items():
            if last < first:
                raise ValueError(f"{name} ends before it starts")
        return self

    @model_validator(mode="after")
    def _named(self) -> FixedWidth:
        names = set(map(fold, self.columns))
        if len(names) < len(self.columns):
            raise ValueError("each column is named once, whatever its case")
        for name in self.unpivot.ids if self.unpivot is not None else ():
            if fold(name) not in names:
                raise ValueError(f"unpivot.ids names {name}, which is none of columns")
        return self

    @property
    def offered(self) -> tuple[str, ...]:
        """What the rows of every file have, by name."""
        return tuple(self.columns) if self.unpivot is None else self.unpivot.gives


class Parquet(Settings):
    """Apache Parquet; a field of a struct is named as a.b."""

    from_text: bool = Field(
        False, description="Whether text columns may hold numbers and dates, as a text file does."
    )
    nulls: Nulls = Field((), description="Texts that mean: no value, besides null.")
    extra_columns: ExtraColumns = Field(
        "fail", description="What to do with a column that the contract does not name."
    )


class Delta(Settings):
    """A Delta table that is only appended to, by its folder; a field of a struct is named as a.b.

    It lands what its log adds. Where landed rows are changed or deleted later it is refused.
    """

    from_text: bool = Field(
        False, description="Whether text columns may hold numbers and dates, as a text file does."
    )
    nulls: Nulls = Field((), description="Texts that mean: no value, besides null.")
    extra_columns: ExtraColumns = Field(
        "fail", description="What to do with a column that the contract does not name."
    )


class Idx(Settings):
    """Arrays as in MNIST; columns: index, from 0, and value, a number or the bytes of an image."""

    nulls: Nulls = Field((), description="Texts that mean: no value.")

    @property
    def offered(self) -> tuple[str, ...]:
        """What every file has, by name; the sizes are null where items have none."""
        return ("index", "value", "height", "width")


class Files(Settings):
    """A row for each file, or for each member of a tar archive.

    Columns: name, folder (its last one), path, num_bytes, content, and of images width, height and
    channels.
    """

    content: Literal["image", "text", "binary"] = Field(description="What the files hold.")
    encoding: Encoding = Field("utf-8", description="Of text.")
    nulls: Nulls = Field((), description="Texts that mean: no value.")

    @property
    def offered(self) -> tuple[str, ...]:
        """What is known of every file, by name."""
        sizes = ("width", "height", "channels") if self.content == "image" else ()
        return ("name", "folder", "path", "num_bytes", "content", *sizes)


Format = Csv | Json | FixedWidth | Parquet | Delta | Idx | Files
