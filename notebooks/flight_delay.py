# Databricks notebook source
# MAGIC %md
# MAGIC # Which of today's scheduled flights will arrive late?
# MAGIC From raw files to one scored day. Each cell runs one stage of the package; a stage that is
# MAGIC done already says so and writes nothing, so cells may be run again.

# COMMAND ----------

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from lepton_spark.bronze.stage import land
from lepton_spark.dataset.stage import prepare
from lepton_spark.evaluate.stage import evaluate
from lepton_spark.features.stage import build
from lepton_spark.job.request import Request, parse_day
from lepton_spark.job.run import open_context, run_stages
from lepton_spark.lake import tables
from lepton_spark.lake.catalog import TableId
from lepton_spark.registry.stage import register
from lepton_spark.score.stage import score
from lepton_spark.silver.stage import refine
from lepton_spark.train.stage import train


def parameter(name: str, default: str) -> str:
    """A widget on Databricks; anywhere else an environment variable such as LEPTON_AS_OF."""
    if "dbutils" not in globals():
        return os.environ.get(f"LEPTON_{name.upper()}", default)
    dbutils.widgets.text(name, default)  # noqa: F821  # the notebook has it
    return dbutils.widgets.get(name)  # noqa: F821


# COMMAND ----------

request = Request(
    command="notebook",
    case=parameter("case", "flight_delay"),
    as_of=parse_day(parameter("as_of", "2014-01-02"), "as_of"),
    environment=parameter("env", "databricks"),
    conf_dir=Path(parameter("conf_dir", "../conf")),
)
score_day = parse_day(parameter("score_date", "2013-12-15"), "score_date")
opened = ExitStack()
context = opened.enter_context(open_context(request))

# COMMAND ----------

# MAGIC %md Raw files to clean tables: what was refused is in `ops.quarantine`, with its reason.

# COMMAND ----------

run_stages(context, [("land", land), ("refine", refine)])

# COMMAND ----------

# MAGIC %md Features as they were known on each day, and the split into train, validate and test.

# COMMAND ----------

run_stages(context, [("features", partial(build, days="all")), ("dataset", prepare)])

# COMMAND ----------

# MAGIC %md The network on its workers, the baselines beside it, and the gate.

# COMMAND ----------

learned = run_stages(
    context, [("train", train), ("evaluate", evaluate), ("register", register)]
)
for result in learned:
    print(result.stage, dict(result.facts))

# COMMAND ----------

# MAGIC %md One day, scored by the champion.

# COMMAND ----------

from dataclasses import replace

run_stages(replace(context, as_of=score_day), [("score", score)])
predictions = tables.read(context, TableId("gold", f"{request.case}_predictions"))
predictions.filter(predictions["as_of"] == score_day).orderBy("score", ascending=False).show(10)

# COMMAND ----------

opened.close()
