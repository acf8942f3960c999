"""Writes the files of the tests: graphs as PyTorch and Keras (tf2onnx) export autoencoders, with small random weights, and for each what
onnxruntime makes of two samples, channels last. Run it to make them again: python files.py"""

import pathlib

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent / "files"
random = numpy.random.default_rng(0)


def weight(*shape):
    return (random.uniform(-1, 1, shape) * numpy.sqrt(3 / max(1, numpy.prod(shape[1:])))).astype(numpy.float32)


class Graph:
    def __init__(self, shape, batch="batch"):
        self.nodes, self.constants = [], []
        self.shape = shape
        self.input = helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, *shape])
        self.last = "input"

    def constant(self, values):
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.asarray(values), name))
        return name

    def __call__(self, operator, *constants, name=None, first=None, **attributes):
        inputs = [first or self.last] + [c if isinstance(c, str) else self.constant(c) for c in constants]
        name = name or f"/{operator}_{len(self.nodes)}_output"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name.replace("_output", ""), **attributes))
        self.last = name
        return name

    def save(self, name, shape, opset=17, channels_last=False, compared=True):
        output = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, ["batch", *shape])
        graph = helper.make_graph(self.nodes, "main_graph", [self.input], [output], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, HERE / f"{name}.onnx")
        if not compared:
            return
        samples = random.uniform(0, 1, (2, *self.shape)).astype(numpy.float32)
        session = onnxruntime.InferenceSession(str(HERE / f"{name}.onnx"), providers=["CPUExecutionProvider"])
        (made,) = session.run(None, {"input": samples})
        made = made.reshape(samples.shape)
        if samples.ndim >= 3 and not channels_last:
            samples, made = (numpy.moveaxis(values, 1, -1) for values in (samples, made))
        numpy.concatenate([samples.ravel(), made.ravel()]).astype(numpy.float32).tofile(HERE / f"{name}.f32")


def torch_dense():
    # nn.Flatten, Linear, ReLU, Linear | Linear, LeakyReLU, Linear, Sigmoid, x.view(x.size(0), 1, 4, 5)
    g = Graph([1, 4, 5])
    g("Flatten", axis=1)
    for units, inputs, function in [(8, 20, "Relu"), (3, 8, None), (8, 3, "LeakyRelu"), (20, 8, "Sigmoid")]:
        g("Gemm", weight(units, inputs), weight(units), transB=1, name="/encoder/2/Gemm_output" if units == 3 else None)
        if function:
            g(function, **({"alpha": 0.01} if function == "LeakyRelu" else {}))
    last = g.last
    g("Shape")
    g("Gather", numpy.int64(0), axis=0)
    size = g("Unsqueeze", numpy.int64([0]))
    target = g("Concat", numpy.int64([1, 4, 5]), first=size, axis=0)
    g("Reshape", target, first=last)
    g.save("torch_dense", [1, 4, 5])


def torch_convolutional():
    # Conv2d with stride 2, BatchNorm2d, ReLU, MaxPool2d, Flatten, Linear | Linear, Unflatten, ConvTranspose2d with output_padding
    g = Graph([2, 8, 12])
    g("Conv", weight(4, 2, 3, 3), weight(4), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], dilations=[1, 1], group=1)
    g("BatchNormalization", 1 + weight(4), weight(4), weight(4), numpy.float32([0.5, 1, 2, 0.1]), epsilon=1e-5)
    g("Relu")
    g("Conv", weight(6, 4, 3, 3), weight(6), kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    g("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=0)
    g("Relu")
    g("Flatten", axis=1)
    g("Gemm", weight(5, 36), weight(5), transB=1, name="code")
    g("Gemm", weight(36, 5), weight(36), transB=1)
    g("Relu")
    g("Reshape", numpy.int64([-1, 6, 2, 3]))
    g("ConvTranspose", weight(6, 4, 3, 3), weight(4), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    g("Elu", alpha=1.0)
    g("ConvTranspose", weight(4, 2, 4, 4), weight(2), kernel_shape=[4, 4], strides=[2, 2], pads=[1, 1, 1, 1])
    g("Tanh")
    g.save("torch_convolutional", [2, 8, 12])


def torch_series():
    # Conv1d, ReLU, AvgPool1d | Upsample, Conv1d; BatchNorm1d behind ReLU of a linear layer
    g = Graph([3, 16])
    g("Conv", weight(4, 3, 5), weight(4), kernel_shape=[5], strides=[1], pads=[2, 2])
    g("Relu")
    g("AveragePool", kernel_shape=[4], strides=[4])
    g("Flatten", axis=1)
    g("Gemm", weight(6, 16), weight(6), transB=1)
    g("Relu")
    g("BatchNormalization", 1 + weight(6), weight(6), weight(6), 1 + numpy.abs(weight(6)), epsilon=1e-3)
    g("Gemm", weight(2, 6), weight(2), transB=1)
    g("Gemm", weight(8, 2), weight(8), transB=1)
    g("Reshape", numpy.int64([-1, 4, 2]))
    g("Resize", "", numpy.float32([1, 1, 8]), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    g("Conv", weight(3, 4, 3), weight(3), kernel_shape=[3], strides=[1], pads=[1, 1])
    g.save("torch_series", [3, 16])


def keras_dense():
    # Rescaling, Dense with relu, Dense | Dense, Dense with sigmoid
    g = Graph([12], batch="unk__1")
    g("Mul", numpy.float32(1 / 4))
    g("Add", numpy.float32(-0.5))
    for units, inputs, function in [(7, 12, "Relu"), (3, 7, None), (7, 3, "Relu"), (12, 7, "Sigmoid")]:
        g("MatMul", weight(inputs, units))
        g("Add", weight(units))
        if function:
            g(function)
    g.save("keras_dense", [12])


def keras_convolutional():
    # Conv2D with strides 2 and padding same, MaxPooling2D, Flatten, Dense | Dense, Reshape, Conv2DTranspose, UpSampling2D, Conv2D
    g = Graph([8, 12, 3], batch="unk__1")
    g("Transpose", perm=[0, 3, 1, 2])
    g("Conv", weight(4, 3, 3, 3), weight(4), kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1])
    g("Relu")
    g("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    g("Transpose", perm=[0, 2, 3, 1])
    g("Reshape", numpy.int64([-1, 24]))
    g("MatMul", weight(24, 4))
    g("Add", weight(4), name="dense/BiasAdd:0")
    g("MatMul", weight(4, 24))
    g("Add", weight(24))
    g("Relu")
    g("Reshape", numpy.int64([-1, 2, 3, 4]))
    g("Transpose", perm=[0, 3, 1, 2])
    g("ConvTranspose", weight(4, 5, 3, 3), weight(5), kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    g("Relu")
    g("Resize", "", numpy.float32([1, 1, 2, 2]), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    g("Conv", weight(3, 5, 3, 3), kernel_shape=[3, 3], strides=[1, 1], auto_pad="SAME_UPPER")
    g("Add", weight(1, 3, 1, 1))
    g("Sigmoid")
    g("Transpose", perm=[0, 2, 3, 1])
    g.save("keras_convolutional", [8, 12, 3], channels_last=True)


def refused():
    g = Graph([4])
    g("Gemm", weight(2, 4), transB=1)
    g("Softmax", axis=1)
    g("Gemm", weight(4, 2), transB=1)
    g.save("softmax", [4], compared=False)


HERE.mkdir(exist_ok=True)
for write in [torch_dense, torch_convolutional, torch_series, keras_dense, keras_convolutional, refused]:
    write()
