"""What a network makes of a graph: nodes hear of their neighbours, and all of them become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lepton_spark.models.dropout import Dropout
from lepton_spark.models.lean import keras, tf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lepton_spark.config.train import ModelSettings
    from lepton_spark.models.seeds import Seeds

layers = keras.layers
_ROUNDS = 2


class NeighbourMean(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """The mean of the vectors of the nodes whose edges end at each node; 0 where none does."""

    def call(self, values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
        """Mean over neighbours, `[batch, nodes, channels]`.

        Args:
            values: `[batch, nodes, channels]`.
            edges: int32 `[batch, edges, 2]`: from, to; below 0 is no edge.
        """
        rows, nodes, channels = tf.shape(values)[0], values.shape[1], values.shape[2]
        begin, end = tf.maximum(edges[:, :, 0], 0), tf.maximum(edges[:, :, 1], 0)
        is_edge = tf.cast(edges[:, :, :1] >= 0, values.dtype)
        # A segment a node of the batch, so that no row of it hears of another.
        segments = tf.reshape(tf.range(rows)[:, None] * nodes + end, (-1,))
        told = tf.concat([tf.gather(values, begin, batch_dims=1) * is_edge, is_edge], axis=2)
        told = tf.reshape(told, (-1, channels + 1))
        sums = tf.math.unsorted_segment_sum(told, segments, rows * nodes)
        means = sums[:, :channels] / tf.maximum(sums[:, channels:], 1.0)
        return tf.reshape(means, (-1, nodes, channels))


class MaskedMean(keras.layers.Layer):  # type: ignore[misc]  # as above
    """The mean of the vectors of the nodes that are there; 0 without any."""

    def call(self, values: tf.Tensor, is_node: tf.Tensor) -> tf.Tensor:
        """Mean over nodes, `[batch, channels]`.

        Args:
            values: `[batch, nodes, channels]`.
            is_node: `[batch, nodes]`, 0 or 1.
        """
        sums = tf.reduce_sum(values * is_node[:, :, None], axis=1)
        return sums / tf.maximum(tf.reduce_sum(is_node, axis=1, keepdims=True), 1.0)


def read_graphs(
    graphs: Mapping[str, tuple[int, int, int]], settings: ModelSettings, seeds: Seeds
) -> tuple[dict[str, keras.KerasTensor], list[keras.KerasTensor]]:
    """The inputs of some graphs by name, and what is made of each, `[batch, graph_units]`.

    Args:
        graphs: Nodes, properties and edges of each, by what the names of its inputs begin with.
        settings: Units.
        seeds: Of the weights.
    """
    inputs: dict[str, Any] = {}
    read = []
    for name, (nodes, channels, edges) in graphs.items():
        tensors = {
            f"{name}_nodes": ((nodes, channels), "float32"),
            f"{name}_edges": ((edges, 2), "int32"),
            f"{name}_mask": ((nodes,), "float32"),
        }
        own = {
            key: keras.Input(sizes, dtype=kind, name=key) for key, (sizes, kind) in tensors.items()
        }
        inputs |= own
        read.append(_read(list(own.values()), name, settings, seeds))
    return inputs, read


def _read(
    tensors: list[keras.KerasTensor], name: str, settings: ModelSettings, seeds: Seeds
) -> keras.KerasTensor:
    """Rounds of messages, then the mean of all nodes.

    Source: Hamilton, Ying and Leskovec, Inductive Representation Learning on Large Graphs, 2017,
    with the mean of all neighbours.
    """
    values, edges, is_node = tensors
    for number in range(_ROUNDS):
        heard = NeighbourMean(name=f"{name}_{number}_neighbours", dtype="float32")(values, edges)
        both = layers.Concatenate(name=f"{name}_{number}_both")([values, heard])
        dense = layers.Dense(
            settings.graph_units,
            activation="relu",
            kernel_initializer=seeds.glorot(),
            name=f"{name}_{number}",
        )
        values = dense(both)
    mean = MaskedMean(name=f"{name}_mean", dtype="float32")(values, is_node)
    if settings.dropout:
        drop = Dropout(settings.dropout, seed=seeds.take(), name=f"{name}_dropout")
        mean = drop(mean)
    return mean
