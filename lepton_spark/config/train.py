"""Settings of the dataset and train stages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lepton_spark.config.fitted import Outliers, TargetEncodingSettings, TermSettings, TokenSettings
from lepton_spark.config.loss import LossSettings
from lepton_spark.config.model import ColumnName, Settings
from lepton_spark.config.task import Baseline


class TransformSettings(Settings):
    """How feature values become tensors; fitted on training rows only."""

    clip_quantile: float = Field(
        0.001, ge=0, lt=0.5, description="Numbers are clipped to this quantile and its mirror."
    )
    min_category_count: int = Field(
        20, ge=1, description="Rarer categories share the bucket of unseen ones."
    )
    max_categories: int = Field(10_000, ge=2, description="Most categories of one column.")
    drop_constant: bool = Field(
        False, description="Leave out columns that are empty or constant instead of refusing them."
    )
    outliers: dict[str, Outliers] = Field(
        default_factory=dict,
        description="Number feature, * matches any text: its outliers. The first that fits.",
    )
    target_encoding: TargetEncodingSettings | None = Field(
        None, description="Features with many values as the share of positives of each."
    )
    text: dict[ColumnName, TermSettings] = Field(
        default_factory=dict, description="Text feature: how its words become columns."
    )
    tokens: dict[ColumnName, TokenSettings] = Field(
        default_factory=dict, description="Text feature: how its words become a sequence, for gru."
    )


class ModelSettings(Settings):
    """The network."""

    kind: Literal["table_mlp", "gru", "cnn", "graph", "multimodal"] = Field(
        "table_mlp",
        description="Architecture of the network: dense layers over the features of a row, beside "
        "them a GRU over each of features.windows and transform.tokens, convolutions over each "
        "of features.images, or messages along the edges of each of features.graphs; multimodal "
        "has all of them.",
    )
    hidden: tuple[Annotated[int, Field(ge=1, le=65_536)], ...] = Field(
        (256, 128), min_length=1, max_length=16, description="Units of each hidden layer."
    )
    leave_out: tuple[str, ...] = Field(
        (), description="Features that the network is not given; * matches any text."
    )
    input_dropout: float = Field(
        0, ge=0, lt=1, description="Share of number inputs set to 0 in a training step."
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of units left out in training.")
    embedding: int = Field(16, ge=1, le=1024, description="Largest embedding of a category.")
    series_units: int = Field(
        64, ge=1, le=4096, description="Of gru: units that read a window or a text."
    )
    filters: tuple[Annotated[int, Field(ge=8, le=2048, multiple_of=8)], ...] = Field(
        (32, 64, 128),
        min_length=1,
        max_length=8,
        description="Of cnn: filters of each block, after which an image has half its sides.",
    )
    graph_units: int = Field(
        64, ge=1, le=4096, description="Of graph: units of a node in each round of messages."
    )
    flip: bool = Field(
        False, description="Of cnn: an image means the same with left and right changed."
    )
    shift: float = Field(
        0, ge=0, le=0.5, description="Of cnn: in training images move by up to this share of them."
    )


class TrainSettings(Settings):
    """How to train."""

    launcher: Literal["barrier", "stock", "distribute", "local"] = Field(
        "barrier",
        description="Horovod in a Spark barrier stage, horovod.spark.run, the operations of "
        "tf.distribute in a barrier stage (for a cluster without Horovod), or one process.",
    )
    workers: int = Field(2, ge=1, le=4096, description="Training processes, one task slot each.")
    batch_size: int = Field(1024, ge=1, le=1_048_576, description="Rows a step on one worker.")
    epochs: int = Field(20, ge=1, le=10_000, description="Most passes over the training rows.")
    accumulate: int = Field(
        1, ge=1, le=1024, description="Batches of a worker whose gradients make one step."
    )
    optimizer: Literal["adamw", "sgd", "lamb"] = Field(
        "adamw", description="How gradients move weights; lamb is meant for very large steps."
    )
    momentum: float = Field(0.9, ge=0, lt=1, description="Of sgd, after Nesterov.")
    learning_rate: float = Field(1e-3, gt=0, le=10, description="Of the whole job, not per worker.")
    learning_rate_rows: int | None = Field(
        None,
        ge=1,
        description="Rows of a step of all workers that learning_rate is meant for; with more or "
        "fewer it grows or falls in proportion.",
    )
    schedule: Literal["cosine", "step", "constant"] = Field(
        "cosine", description="How the rate changes: half a cosine down to 0, in steps, not at all."
    )
    warm_up_epochs: float = Field(
        0, ge=0, le=1000, description="Epochs in which the rate grows from 0; before the schedule."
    )
    step_epochs: float = Field(10, gt=0, description="Of step: epochs between two falls.")
    step_factor: float = Field(0.1, gt=0, lt=1, description="Of step: what a fall leaves.")
    clip_norm: float | None = Field(
        None, gt=0, description="Longest gradient, over all weights; a longer one is shortened."
    )
    weight_decay: float = Field(1e-4, ge=0, le=1, description="Pull of weights towards 0.")
    weight_average: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Judge and keep a moving average of the weights, in which a step's weights "
        "count 1 less this; such as 0.999.",
    )
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        "float32",
        description="mixed_bfloat16: multiply in 16 bits where all workers have units for it; "
        "weights and scores stay float32. Meant for GPUs: on processors measure it.",
    )
    jit_compile: bool | Literal["auto"] = Field(
        "auto",
        description="Compile gradients with XLA; auto does it on processors, without images and "
        "graphs.",
    )
    loss: LossSettings = Field(
        default_factory=LossSettings, description="What training makes small."
    )
    checkpoint_minutes: float = Field(
        10,
        ge=0,
        description="Within an epoch a checkpoint is written so often, beside the one after each.",
    )
    patience: int = Field(3, ge=1, description="Epochs without a better validation loss.")
    seed: int = Field(7, ge=0, lt=2**31, description="Of first weights, shuffle and dropout.")
    stall_seconds: float = Field(
        120, gt=0, description="Silence after which a rank counts as hung."
    )
    baselines: tuple[Baseline, ...] = Field(
        ("majority", "logistic", "boosted_trees"),
        description="Trained beside the network; of an amount mean, linear and boosted_trees.",
    )
    average: bool = Field(
        False,
        description="One more candidate: the mean of what the network and boosted trees say.",
    )

    @property
    def rows_of_step(self) -> int:
        """Rows after which one worker moves the weights."""
        return self.batch_size * self.accumulate
