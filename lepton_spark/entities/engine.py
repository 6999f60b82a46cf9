"""How Splink reaches Spark here: with bounded plans, few queries, and nothing left behind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import sqlglot
from splink import DuckDBAPI, SparkAPI
from splink.internals.spark.jar_location import similarity_jar_location

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PATTERNS = "__splink__agreement_pattern_counts"
_KEPT = (
    "__splink__df_concat_with_tf",
    "__splink__df_concat_sample",
    "__splink__blocked_id_pairs",
    "__splink__df_comparison_vectors",
)


class Counts(DuckDBAPI):  # type: ignore[misc]  # Splink ships no types
    """Queries over a few hundred counts, in this process and on one thread: always the same sum."""

    def __init__(self) -> None:
        super().__init__(connection=":memory:")
        self.duckdb_con.execute("SET threads TO 1")

    def _setup_for_execute_sql(self, sql: str, physical_name: str) -> str:
        """Splink writes the SQL of the model, which is Spark's."""
        plain = sqlglot.transpile(sql, read="spark", write="duckdb")[0]
        return str(super()._setup_for_execute_sql(plain, physical_name))


class Engine(SparkAPI):  # type: ignore[misc]  # as above
    """Splink's way to Spark.

    From the pairs of a rule Splink counts how often each pattern of levels occurs, and reads these
    counts in each of some twenty iterations: they are collected, as many as there are patterns, and
    the iterations ask Spark nothing.

    Args:
        session: Its views and functions are Splink's; use one for this alone.
        needs_jar: Whether a function is used that only Splink's jar has, such as Jaro-Winkler.
    """

    def __init__(self, session: SparkSession, *, needs_jar: bool) -> None:
        self._stored: list[DataFrame] = []
        self._counts = Counts()
        # On Databricks Splink brings its jar itself. Elsewhere the session is told where it lies:
        # that needs no setting at the start, and costs cases that do without it nothing.
        if needs_jar and "DATABRICKS_RUNTIME_VERSION" not in os.environ:
            session.sql(f"ADD JAR '{similarity_jar_location()}'")
        super().__init__(
            spark_session=session,
            break_lineage_method="persist",
            register_udfs_automatically=needs_jar,
        )

    def sql_pipeline_to_splink_dataframe(self, pipeline: Any) -> Any:
        """Run a query: on the counts in this process, all else in Spark."""
        if any(table.db_api is self._counts for table in pipeline.input_dataframes):
            return self._counts.sql_pipeline_to_splink_dataframe(pipeline)
        table = super().sql_pipeline_to_splink_dataframe(pipeline)
        if pipeline.output_table_name != _PATTERNS:
            return table
        counted = table.as_pyarrow_table()
        ordered = counted.sort_by([(name, "ascending") for name in counted.column_names])
        name = table.physical_name
        self._counts.duckdb_con.register(name, ordered)
        return self._counts.table_to_splink_dataframe(_PATTERNS, name)

    def _break_lineage_and_repartition(
        self, spark_df: DataFrame, templated_name: str, physical_name: str
    ) -> DataFrame:
        del physical_name
        if templated_name in _KEPT:
            self._stored.append(spark_df.persist())
        return spark_df

    def release(self) -> None:
        """Forget all that was stored."""
        for table in self._stored:
            table.unpersist()
        self._stored.clear()
        self._counts.duckdb_con.close()
