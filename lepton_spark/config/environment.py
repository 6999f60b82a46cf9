"""The environment: where the lake is, which Spark, where experiments are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lepton_spark.config.model import Identifier, Settings


class SparkSettings(Settings):
    """The session to start where none is given."""

    master: str | None = Field(None, description="As in spark-submit; none keeps the submitted one.")
    conf: dict[str, str] = Field(default_factory=dict, description="Spark properties.")


class CatalogSettings(Settings):
    """Tables named in a catalog instead of by location."""

    catalog: Identifier
    schema_: Identifier = Field(alias="schema", description="Tables are <schema>.<layer>_<name>.")


class MlflowSettings(Settings):
    """Where MLflow keeps experiments and models."""

    tracking_uri: str = Field(description="Such as sqlite:///lakehouse/mlflow.db, or databricks.")


class Environment(Settings):
    """Everything that is particular to one place to run."""

    name: Identifier
    lakehouse: str = Field(description="Folder or URI; a relative one is below the project.")
    landing: str | None = Field(None, description="Raw files; default <lakehouse>/landing.")
    catalog: CatalogSettings | None = None
    spark: SparkSettings = Field(default_factory=lambda: SparkSettings())
    mlflow: MlflowSettings
    max_workers: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most training processes that fit here."
    )
