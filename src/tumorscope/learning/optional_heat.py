"""One ONNX graph that computes the heat only where it is asked for.

ONNX Runtime executes a whole graph, whichever outputs are fetched: its option
`only_execute_path_to_fetches` changes nothing in its builds for inference. So the nodes that only
the heat needs are moved into a branch, behind an input that is false where it is not given.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from tumorscope_serving.predictor import EXPLAIN, HEAT, SCORE


def make_heat_optional(path: Path) -> None:
    """Rewrite a graph with the outputs SCORE and HEAT in place.

    Afterwards it has one more input, EXPLAIN, a bool without dimensions, by default false. Where
    it is false, the heat has no rows.
    """
    model = onnx.load(path)
    graph = model.graph
    branch = _needed(graph, HEAT) - _needed(graph, SCORE)
    (score,) = (output for output in graph.output if output.name == SCORE)
    (heat,) = (output for output in graph.output if output.name == HEAT)
    cells = heat.type.tensor_type.shape.dim[1].dim_value
    shape = [0, cells, cells, 1]
    nothing = helper.make_tensor("nothing", TensorProto.FLOAT, shape, [])
    choice = helper.make_node(
        "If",
        [EXPLAIN],
        [HEAT],
        then_branch=helper.make_graph(
            [node for index, node in enumerate(graph.node) if index in branch], HEAT, [], [heat]
        ),
        else_branch=helper.make_graph(
            [helper.make_node("Constant", [], ["no_heat"], value=nothing)],
            "no_heat",
            [],
            [helper.make_tensor_value_info("no_heat", TensorProto.FLOAT, shape)],
        ),
    )
    given = helper.make_tensor_value_info(HEAT, TensorProto.FLOAT, ["heats", cells, cells, 1])
    rewritten = helper.make_graph(
        [node for index, node in enumerate(graph.node) if index not in branch] + [choice],
        graph.name,
        [*graph.input, helper.make_tensor_value_info(EXPLAIN, TensorProto.BOOL, [])],
        [score, given],
        [*graph.initializer, helper.make_tensor(EXPLAIN, TensorProto.BOOL, [], [False])],
    )
    finished = helper.make_model(
        rewritten, opset_imports=model.opset_import, ir_version=model.ir_version
    )
    onnx.checker.check_model(finished)
    onnx.save(finished, path)


def _needed(graph: onnx.GraphProto, output: str) -> set[int]:
    """Indices of the nodes that an output is computed by."""
    maker = {name: index for index, node in enumerate(graph.node) for name in node.output}
    needed, names = set(), [output]
    while names:
        index = maker.get(names.pop())
        if index is not None and index not in needed:
            needed.add(index)
            names += graph.node[index].input
    return needed
