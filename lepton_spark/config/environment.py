"""The environment: where the lake is, which Spark, where experiments are kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lepton_spark.config.location import StoragePath, TrackingUri
from lepton_spark.config.model import Identifier, Settings


class SparkSettings(Settings):
    """The session to start where none is given."""

    master: str | None = Field(
        None, description="As in spark-submit; none keeps the submitted one."
    )
    conf: dict[str, str] = Field(default_factory=dict, description="Spark properties.")


class CatalogSettings(Settings):
    """Tables named in a catalog instead of by location."""

    catalog: Identifier
    schema_: Identifier = Field(alias="schema", description="Tables are <schema>.<layer>_<name>.")


class MlflowSettings(Settings):
    """Where MLflow keeps experiments and models."""

    tracking_uri: TrackingUri = Field(
        description="Such as sqlite:///lakehouse/mlflow.db, or databricks."
    )


class SecuritySettings(Settings):
    """What is true of the place to run, and cannot be seen from within."""

    network: Literal["shared", "isolated"] = Field(
        "shared",
        description="isolated: no host but those of the cluster can reach them. Training on "
        "several hosts, which talk in plain text, asks for it.",
    )


class Environment(Settings):
    """Everything that is particular to one place to run."""

    version: Literal[1] = Field(1, description="Form of this file.")
    name: Identifier = Field(description="As the file is called.")
    lakehouse: StoragePath = Field(
        description="Folder or URI; a relative one is below the project."
    )
    landing: StoragePath | None = Field(None, description="Raw files; default <lakehouse>/landing.")
    catalog: CatalogSettings | None = Field(
        None, description="Where tables are named, not located."
    )
    spark: SparkSettings = Field(
        default_factory=SparkSettings, description="The session to start where none is given."
    )
    mlflow: MlflowSettings = Field(description="Where experiments and models are kept.")
    security: SecuritySettings = Field(
        default_factory=SecuritySettings, description="What guards the traffic between hosts."
    )
    max_workers: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most training processes that fit here."
    )
    lock_wait_seconds: Annotated[float, Field(ge=0)] = Field(
        60.0, description="How long to wait for another run that writes the same table."
    )
