"""onnxruntime on the same network with random weights: the time does not depend on them. pip install onnx onnxruntime"""

import shared

args = shared.arguments()
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

_, images = shared.digits()
widths = [784, 128, 64, 10, 64, 128, 784]
random = np.random.default_rng(0)


def session(layers):
    nodes, tensors, value = [], [], "x"
    for index, (inputs, outputs) in enumerate(zip(widths[:layers], widths[1:])):
        weight = (random.standard_normal((inputs, outputs)) * inputs**-0.5).astype(np.float32)
        tensors.append(numpy_helper.from_array(weight, f"w{index}"))
        tensors.append(numpy_helper.from_array(np.zeros(outputs, np.float32), f"b{index}"))
        nodes.append(helper.make_node("Gemm", [value, f"w{index}", f"b{index}"], [f"z{index}"]))
        value = f"z{index}"
        kind = {0: "Relu", 1: "Relu", 3: "Relu", 4: "Relu", 5: "Sigmoid"}.get(index)
        if kind:
            nodes.append(helper.make_node(kind, [value], [f"y{index}"]))
            value = f"y{index}"
    describe = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "autoencoder",
        [describe("x", TensorProto.FLOAT, ["n", 784])],
        [describe(value, TensorProto.FLOAT, ["n", widths[layers]])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


result = {}
for name, layers in (("encode", 3), ("reconstruct", 6)):
    run = session(layers)
    for batch in (1, 256, 10_000):
        x = images[:batch]
        result[f"{name}_{batch}"] = shared.rate(batch, lambda: run.run(None, {"x": x}))
shared.emit(tool=f"onnxruntime {onnxruntime.__version__}", **result)
