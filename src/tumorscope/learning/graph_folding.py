"""Rewrite an exported network so that ONNX Runtime is faster at it; its answers stay the same.

A block is Conv, MaxPool, a norm (Mul and Add by the exporter) and Relu. Where a norm multiplies by
positive numbers it may as well come before the pooling, and then it is a matter of the
convolution's weights: Conv, Relu, MaxPool, of which ONNX Runtime makes two steps without a change
of memory layout in between.
"""

import numpy as np
import onnx
from onnx import numpy_helper

ALIGNMENT = 8  # channels that ONNX Runtime's layout takes at once, 16 with AVX-512
_NORM = ("MaxPool", "Mul", "Add", "Relu")


def fold_norms(model: onnx.ModelProto) -> None:
    """Fold norms that follow a pooling into the convolution before it, in place.

    Norms that multiply a channel by zero or less are left as they are: its maximum would become
    its minimum. Where only convolutions read a block, its channels are filled up with zeros to a
    multiple of ALIGNMENT.

    Args:
        model: as Keras exports it; convolutions without a bias, norms with constants.
    """
    graph = _Graph(model.graph)
    for convolution in [node for node in model.graph.node if node.op_type == "Conv"]:
        block = graph.chain_after(convolution)
        if block:
            graph.fold(convolution, *block)
    del model.graph.value_info[:]  # shapes of what was rewired; ONNX Runtime infers them anew


class _Graph:
    """A graph with its constants, and who reads what."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.constants = {each.name: each for each in graph.initializer}
        self.outputs = {each.name for each in graph.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def chain_after(self, convolution: onnx.NodeProto) -> list[onnx.NodeProto] | None:
        """The block's other nodes, each the only reader of the one before; else None."""
        chain, node = [], convolution
        for kind in _NORM:
            readers = self.readers.get(node.output[0], [])
            if len(readers) != 1 or readers[0].op_type != kind or node.output[0] in self.outputs:
                return None
            node = readers[0]
            chain.append(node)
        constants = (convolution.input[1], chain[1].input[1], chain[2].input[1])
        own = all(self.is_own_constant(name) for name in constants)
        return chain if len(convolution.input) == 2 and own else None

    def is_own_constant(self, name: str) -> bool:
        """Whether this is a constant that one node alone reads, so that it may be changed."""
        return name in self.constants and len(self.readers[name]) == 1

    def fold(self, convolution, pool, scaling, shift, relu) -> None:
        """Rewire a block, unless it multiplies a channel by zero or less."""
        weights, scale, bias = (
            self.value(name) for name in (convolution.input[1], scaling.input[1], shift.input[1])
        )
        if scale.min() <= 0:
            return
        missing = self.missing_channels(weights.shape[0], relu.output[0])
        weights = weights * np.broadcast_to(scale.reshape(-1), len(weights)).reshape(-1, 1, 1, 1)
        bias = np.broadcast_to(bias.reshape(-1), len(weights))
        self.replace(convolution.input[1], _filled(weights, 0, missing))
        self.replace(shift.input[1], _filled(bias, 0, missing))
        convolution.input.append(shift.input[1])
        for reader in self.readers[relu.output[0]] if missing else []:
            self.replace(reader.input[1], _filled(self.value(reader.input[1]), 1, missing))
        for node in (pool, scaling, shift, relu):
            self.graph.node.remove(node)
        self.graph.initializer.remove(self.constants.pop(scaling.input[1]))  # in the weights now
        before = pool.output[0]  # a name that nobody uses any more
        relu.input[0], pool.input[0], pool.output[0] = convolution.output[0], before, relu.output[0]
        relu.output[0] = before
        place = list(self.graph.node).index(convolution) + 1
        self.graph.node.insert(place, relu)
        self.graph.node.insert(place + 1, pool)

    def missing_channels(self, channels: int, name: str) -> int:
        """How many channels to add to this value; none unless plain convolutions alone read it."""
        readers = self.readers.get(name, [])
        plain = all(
            node.op_type == "Conv" and node.input[0] == name and self.is_own_constant(node.input[1])
            for node in readers
        )
        return -channels % ALIGNMENT if plain and name not in self.outputs else 0

    def value(self, name: str) -> np.ndarray:
        return numpy_helper.to_array(self.constants[name])

    def replace(self, name: str, value: np.ndarray) -> None:
        value = np.ascontiguousarray(value, np.float32)
        self.constants[name].CopyFrom(numpy_helper.from_array(value, name))


def _filled(value: np.ndarray, axis: int, missing: int) -> np.ndarray:
    """Zeros at the end of an axis."""
    return np.pad(value, [(0, missing if each == axis else 0) for each in range(value.ndim)])
