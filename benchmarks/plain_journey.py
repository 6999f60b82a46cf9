"""The peer of `fixed`: the steps of the invented plant in plain PySpark, Delta and spark.ml.

`python -m benchmarks.plain_journey LANDING LAKE VALIDATE_FROM TEST_FROM SCORE_DAY`, as a good
engineer would write it for this one case: no contracts, no quarantine, no point in time but what
the windows give, no gate, no trace.
"""

from __future__ import annotations

import sys

import mlflow
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import (
    GBTClassifier,
    LogisticRegression,
    MultilayerPerceptronClassifier,
)
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import (
    Imputer,
    OneHotEncoder,
    StandardScaler,
    StringIndexer,
    VectorAssembler,
)
from pyspark.ml.functions import vector_to_array
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lepton_spark.lake.jars import resolve_jars

SCHEMAS = {
    "machines": "machine string, kind string",
    "shifts": "machine string, day date, load double",
    "sensors": "machine string, measured_at timestamp, temperature double, vibration double",
    "outcomes": "machine string, day date, result string, recorded_at timestamp",
}
KEYS = {"machines": ["machine"], "shifts": ["machine", "day"],
        "sensors": ["machine", "measured_at"], "outcomes": ["machine", "day"]}  # fmt: skip
NUMBERS = ["load", "weekday", "temperature", "vibration"]
SETS: list[list[str]] = [["machine"], ["kind"], []]
WINDOWS = [7, 28]


def start() -> SparkSession:
    """A session with the same settings as ours."""
    return (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", ",".join(resolve_jars()))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config(
            "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        )
        .config("spark.driver.memory", "1g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.databricks.delta.snapshotPartitions", "2")
        .getOrCreate()
    )


def land_and_refine(spark: SparkSession, landing: str, lake: str) -> dict[str, DataFrame]:
    """Raw files to bronze, bronze to silver, a table each."""
    clean = {}
    for name, schema in SCHEMAS.items():
        pattern = f"{landing}/{name}.csv" if name == "machines" else f"{landing}/{name}/*.csv"
        raw = spark.read.csv(pattern, schema=schema, header=True)
        raw.withColumn("_file", F.input_file_name()).write.format("delta").save(
            f"{lake}/bronze/{name}"
        )
        bronze = spark.read.format("delta").load(f"{lake}/bronze/{name}")
        rows = bronze.drop("_file").dropna(subset=KEYS[name])
        rows.dropDuplicates(KEYS[name]).write.format("delta").save(f"{lake}/silver/{name}")
        clean[name] = spark.read.format("delta").load(f"{lake}/silver/{name}")
    return clean


def build_features(silver: dict[str, DataFrame]) -> DataFrame:
    """Own columns, the last measurement, and history by machine, by kind and of all."""
    machines = silver["machines"]
    rows = silver["shifts"].join(machines, "machine", "left")
    moment = F.to_utc_timestamp(F.col("day").cast("timestamp") + F.expr("interval 4 hours"),
                                "Europe/Vienna")  # fmt: skip
    rows = rows.withColumn("weekday", F.dayofweek("day").cast("double")).withColumn("_at", moment)
    rows = rows.join(last_measurement(rows, silver["sensors"]), ["machine", "day"], "left")
    known = silver["outcomes"].join(machines, "machine", "left")
    for by in SETS:
        rows = rows.join(history(rows, known, by), ["machine", "day"], "left")
    return rows.drop("_at")


def last_measurement(rows: DataFrame, sensors: DataFrame) -> DataFrame:
    """The newest measurement of the 24 hours before the moment."""
    known_at = F.col("measured_at") + F.expr("interval 5 minutes")
    near = rows.select("machine", "day", "_at").join(sensors, "machine").filter(
        (known_at <= F.col("_at")) & (known_at > F.col("_at") - F.expr("interval 24 hours"))
    )  # fmt: skip
    newest = F.max_by(F.struct("temperature", "vibration"), "measured_at").alias("newest")
    return near.groupBy("machine", "day").agg(newest).select("machine", "day", "newest.*")


def history(rows: DataFrame, known: DataFrame, by: list[str]) -> DataFrame:
    """Counts and shares over the windows before the moment."""
    name = "_".join(by) or "all"
    facts = known.select(*by, F.col("recorded_at"), (F.col("result") == "failed").alias("bad"))
    asked = rows.select("machine", "day", "_at", *[column for column in by if column != "machine"])
    pairs = asked.join(facts, by) if by else asked.crossJoin(facts)
    pairs = pairs.filter(F.col("recorded_at") <= F.col("_at"))
    measures: list[Column] = []
    for days in WINDOWS:
        inside = F.col("recorded_at") > F.col("_at") - F.expr(f"interval {days} days")
        measures += [
            F.count_if(inside).alias(f"{name}_{days}d_count"),
            F.avg(F.when(inside, F.col("bad").cast("double"))).alias(f"{name}_{days}d_failed"),
        ]
    return pairs.groupBy("machine", "day").agg(*measures)


def estimators(numbers: list[str]) -> dict[str, Pipeline]:
    """A pipeline for each model: network, logistic regression, boosted trees."""
    shared = [
        StringIndexer(inputCol="kind", outputCol="_kind", handleInvalid="keep"),
        OneHotEncoder(inputCols=["_kind"], outputCols=["_kind_hot"]),
        Imputer(inputCols=numbers, outputCols=[f"_{name}" for name in numbers]),
        VectorAssembler(inputCols=[f"_{name}" for name in numbers], outputCol="_numbers"),
        StandardScaler(inputCol="_numbers", outputCol="_scaled"),
        VectorAssembler(inputCols=["_scaled", "_kind_hot"], outputCol="features"),
    ]
    width = len(numbers) + 4
    networks = MultilayerPerceptronClassifier(layers=[width, 16, 2], maxIter=30, seed=7)
    models = {
        "network": networks,
        "logistic": LogisticRegression(),
        "boosted_trees": GBTClassifier(seed=7),
    }
    return {name: Pipeline(stages=[*shared, model]) for name, model in models.items()}


def learn(dataset: DataFrame, lake: str) -> str:
    """Fit, judge and log each model; save the best. Returns where it is."""
    numbers = [name for name, kind in dataset.dtypes if kind in {"double", "bigint"}]
    numbers = [name for name in numbers if name != "label"]
    parts = {name: dataset.filter(F.col("split") == name).cache() for name in ("train", "test")}
    judge = BinaryClassificationEvaluator()
    mlflow.set_tracking_uri(f"sqlite:///{lake}/mlflow.db")
    mlflow.set_experiment("plain")
    best, best_score = "", -1.0
    for name, pipeline in estimators(numbers).items():
        model = pipeline.fit(parts["train"])
        score = judge.evaluate(model.transform(parts["test"]))
        path = f"{lake}/models/{name}"
        model.write().overwrite().save(path)
        with mlflow.start_run(run_name=name):
            mlflow.log_metric("auc", score)
        if score > best_score:
            best, best_score = path, score
    return best


def main(landing: str, lake: str, validate_from: str, test_from: str, score_day: str) -> None:
    """From raw files to one scored day."""
    spark = start()
    silver = land_and_refine(spark, landing, lake)
    build_features(silver).write.format("delta").save(f"{lake}/gold/features")
    features = spark.read.format("delta").load(f"{lake}/gold/features")
    label = silver["outcomes"].select(
        "machine", "day", (F.col("result") == "failed").cast("double").alias("label")
    )
    split = F.when(F.col("day") >= F.lit(test_from), "test").when(
        F.col("day") >= F.lit(validate_from), "validate"
    )
    dataset = features.join(label, ["machine", "day"]).withColumn(
        "split", F.coalesce(split, F.lit("train"))
    )
    dataset.write.format("delta").save(f"{lake}/gold/dataset")
    best = learn(spark.read.format("delta").load(f"{lake}/gold/dataset"), lake)
    scored = PipelineModel.load(best).transform(features.filter(F.col("day") == score_day))
    score = vector_to_array("probability")[1].alias("score")
    predictions = scored.select("machine", "day", score, "prediction")
    predictions.write.format("delta").partitionBy("day").save(f"{lake}/gold/predictions")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
