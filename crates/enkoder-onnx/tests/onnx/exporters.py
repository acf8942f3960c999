"""Writes files that PyTorch's and Keras' own exporters make of autoencoders, with small random weights, and for each what onnxruntime
makes of two samples, channels last. Run it to make them again, with torch, keras, onnx, onnxscript and onnxruntime:
python exporters.py [NAME…]"""

import logging
import os
import pathlib
import sys
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
warnings.filterwarnings("ignore")

import keras
import numpy
import onnx
import onnxruntime
import torch
from keras import layers
from torch import nn

logging.disable(logging.WARNING)
HERE = pathlib.Path(__file__).parent / "exported"


class Residual(nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, x):
        return x + self.inside(x)


class Projected(Residual):
    """The shortcut has weights, too."""

    def __init__(self, inside, shortcut):
        super().__init__(inside)
        self.shortcut = shortcut

    def forward(self, x):
        return self.shortcut(x) + self.inside(x)


class Beside(nn.Module):
    """What goes in, beside what comes of it: before it or behind it, and along an axis."""

    def __init__(self, *inside, behind=False, axis=1):
        super().__init__()
        self.inside, self.behind, self.axis = nn.Sequential(*inside), behind, axis

    def forward(self, x):
        parts = (x, self.inside(x))
        return torch.cat(parts[::-1] if self.behind else parts, self.axis)


class Three(nn.Module):
    """A value beside two earlier ones, one of them the sample."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(9, 2, 3, padding=1)

    def forward(self, x):
        first = torch.relu(self.first(x))
        second = torch.relu(self.second(first))
        return self.last(torch.cat([first, second, x], 1))


class Rows(nn.Module):
    """An image as one row, and back, as many write it: by the number of samples that there are."""

    def __init__(self, inside, shape):
        super().__init__()
        self.inside, self.shape = inside, shape

    def forward(self, x):
        return self.inside(x.view(x.size(0), -1)).view(x.size(0), *self.shape)


def dense(*functions):
    hidden = [nn.Linear(12, 9), nn.Linear(9, 3), nn.Linear(3, 9), nn.Linear(9, 12)]
    return nn.Sequential(*(part for pair in zip(hidden, functions) for part in pair))


def mixed(*inside):
    return nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, padding=1), *inside)


def torch_networks():
    relu = nn.ReLU
    yield "relu", (12,), dense(relu(), nn.Identity(), nn.LeakyReLU(), nn.Sigmoid())
    yield "gelu", (12,), dense(nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Tanh())
    yield "gelu-opset17", (12,), dense(nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Sigmoid())
    yield "external", (12,), dense(relu(), nn.Identity(), relu(), nn.Sigmoid())
    yield "elu", (12,), dense(nn.ELU(), nn.Dropout(0.5), relu(), nn.Identity())
    yield "view", (1, 3, 4), Rows(dense(relu(), relu(), relu(), nn.Sigmoid()), (1, 3, 4))
    yield "norms", (12,), nn.Sequential(
        nn.Linear(12, 8), nn.BatchNorm1d(8), relu(), nn.Dropout(0.2), nn.Linear(8, 2), nn.Linear(2, 8), relu(), nn.BatchNorm1d(8), nn.Linear(8, 12)
    )
    yield "conv", (2, 8, 12), nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), relu(),
        nn.Conv2d(4, 6, 3, padding=1, bias=False), nn.LeakyReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(36, 5), nn.Linear(5, 36), nn.GELU(), nn.Unflatten(1, (6, 2, 3)),
        nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1), nn.BatchNorm2d(4), nn.SiLU(),
        nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1), nn.Sigmoid(),
    )
    yield "upsample", (1, 8, 8), nn.Sequential(
        nn.Conv2d(1, 3, (3, 5), padding=(1, 2)), relu(), nn.AvgPool2d(2), nn.Conv2d(3, 2, 3, stride=2, padding=1),
        nn.Upsample(scale_factor=2), nn.Conv2d(2, 3, 3, padding="same"), relu(), nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(3, 1, 3, padding=1),
    )
    yield "shuffle", (3, 8, 8), nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1), relu(), nn.Conv2d(4, 2, 3, stride=2, padding=1),
        nn.Conv2d(2, 16, 3, padding=1), nn.BatchNorm2d(16), relu(), nn.PixelShuffle(2), nn.Conv2d(4, 12, 3, padding=1), nn.PixelShuffle(2),
    )
    yield "shuffled-rows", (2, 4, 4), nn.Sequential(
        nn.Flatten(), nn.Linear(32, 4), nn.Linear(4, 32), nn.Unflatten(1, (8, 2, 2)), nn.PixelShuffle(2), nn.Sigmoid()
    )
    yield "series", (3, 16), nn.Sequential(
        nn.Conv1d(3, 4, 5, padding=2), relu(), nn.AvgPool1d(4), nn.Flatten(), nn.Linear(16, 3), nn.Linear(3, 16), nn.Unflatten(1, (4, 4)),
        nn.ConvTranspose1d(4, 4, 4, stride=2, padding=1), nn.BatchNorm1d(4), relu(), nn.ConvTranspose1d(4, 3, 2, stride=2),
    )
    yield "residual", (6,), nn.Sequential(
        nn.Linear(6, 4), Residual(nn.Sequential(relu(), nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 4))), relu(), nn.Linear(4, 2),
        nn.Linear(2, 4), Residual(nn.Sequential(nn.Linear(4, 4), nn.SiLU())), nn.Linear(4, 6), nn.Sigmoid(),
    )
    yield "residual-images", (2, 8, 8), nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), relu(),
        Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), relu(), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4))),
        relu(), nn.Flatten(), nn.Linear(64, 3), nn.Linear(3, 64), nn.Unflatten(1, (4, 4, 4)),
        Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), relu())), nn.ConvTranspose2d(4, 2, 2, stride=2), nn.Sigmoid(),
    )
    yield "residual-whole", (2, 8, 8), Residual(
        nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), relu(), nn.Conv2d(3, 1, 3, padding=1), relu(), nn.Conv2d(1, 2, 3, padding=1))
    )
    yield "groups", (2, 8, 8), nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1), relu(), nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 2, 1), relu(),
        nn.Conv2d(2, 4, 3, padding=1, groups=2), nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1, groups=2), nn.Conv2d(6, 2, 3, padding=1),
    )
    # Skip connections that put images side by side, the earlier ones before and behind the later ones.
    for name, behind in (("unet", False), ("unet-behind", True)):
        yield name, (2, 8, 8), nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1), relu(),
            Beside(
                nn.MaxPool2d(2), nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), relu(),
                Beside(nn.Conv2d(4, 5, 3, stride=2, padding=1), relu(), nn.ConvTranspose2d(5, 4, 2, stride=2), relu(), behind=behind),
                nn.ConvTranspose2d(8, 6, 2, stride=2), nn.SiLU(), behind=behind,
            ),
            nn.Conv2d(9, 4, 3, padding=1), relu(), nn.Conv2d(4, 2, 1), nn.Sigmoid(),
        )
    yield "beside-norms", (2, 8, 8), nn.Sequential(
        Beside(nn.Conv2d(2, 3, 3, padding=1)), nn.BatchNorm2d(5), relu(), Beside(nn.Conv2d(5, 2, 3, padding=1)), nn.AvgPool2d(2),
        Beside(relu(), nn.Conv2d(7, 1, 1)), nn.Upsample(scale_factor=2), nn.Conv2d(8, 2, 3, padding=1, groups=2),
    )
    yield "beside-code", (2, 8, 8), nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2, padding=1), Beside(nn.Conv2d(3, 2, 3, padding=1), relu()), nn.Flatten(), nn.Linear(80, 3),
        nn.Linear(3, 64), nn.Unflatten(1, (4, 4, 4)), Beside(nn.GELU(), nn.Conv2d(4, 4, 1)), nn.ConvTranspose2d(8, 2, 2, stride=2),
    )
    yield "beside-series", (3, 16), nn.Sequential(
        nn.Conv1d(3, 4, 5, padding=2), relu(), Beside(nn.AvgPool1d(2), nn.Conv1d(4, 2, 3, padding=1), relu(), nn.ConvTranspose1d(2, 3, 2, stride=2)), nn.Conv1d(7, 3, 1)
    )
    yield "beside-three", (2, 8, 8), Three()
    # What is no chain of known layers.
    yield "refused-height", (2, 8, 8), mixed(relu(), Beside(nn.Conv2d(4, 4, 1), axis=2), nn.ConvTranspose2d(4, 2, (1, 2), stride=(1, 2)))
    yield "refused-rows", (4,), nn.Sequential(nn.Linear(4, 3), Beside(relu(), nn.Linear(3, 2)), nn.Linear(5, 4))
    yield "refused-projection", (4,), nn.Sequential(
        nn.Linear(4, 3), Projected(nn.Sequential(nn.Linear(3, 2), relu()), nn.Linear(3, 2)), nn.Linear(2, 4)
    )
    yield "refused-bilinear", (2, 8, 8), mixed(relu(), nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(4, 2, 3, padding=1))
    yield "refused-overlap", (2, 8, 8), mixed(nn.MaxPool2d(3, stride=1, padding=1), nn.ConvTranspose2d(4, 2, 2, stride=2))
    yield "refused-slope", (12,), dense(nn.LeakyReLU(0.2), nn.Identity(), relu(), nn.Identity())
    yield "refused-gaps", (2, 8, 8), mixed(nn.Conv2d(4, 4, 3, padding=2, dilation=2), nn.ConvTranspose2d(4, 2, 2, stride=2))
    yield "refused-softplus", (12,), dense(nn.Softplus(), nn.Identity(), relu(), nn.Identity())
    yield "refused-layernorm", (12,), dense(nn.LayerNorm(9), nn.Identity(), relu(), nn.Identity())


def keras_networks():
    yield "dense", (12,), [
        layers.Rescaling(1 / 4, -0.5), layers.Dense(7, "relu"), layers.Dense(3), layers.Dense(7, "gelu"), layers.Dropout(0.1), layers.Dense(12, "sigmoid"),
    ]
    yield "conv", (8, 12, 3), [
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(4),
        layers.Dense(24, "silu"), layers.Reshape((2, 3, 4)), layers.Conv2DTranspose(5, 3, strides=2, padding="same"), layers.BatchNormalization(),
        layers.Activation("relu"), layers.UpSampling2D(2), layers.Conv2D(3, 3, padding="same", activation="sigmoid"),
    ]
    yield "series", (16, 3), [
        layers.Conv1D(4, 4, strides=2, padding="same", activation="relu"), layers.Conv1D(2, 3, strides=2, padding="same"),
        layers.Conv1DTranspose(4, 3, strides=2, padding="same", activation="elu"), layers.Conv1DTranspose(3, 5, strides=2, padding="same"),
    ]


def unet(*, behind=False):
    """A network that is no row of layers."""
    sample = keras.Input((8, 8, 2))
    outer = layers.Conv2D(3, 3, padding="same", activation="relu")(sample)
    inner = layers.Conv2D(4, 3, padding="same", activation="relu")(layers.MaxPooling2D(2)(outer))
    inner = layers.Conv2DTranspose(3, 2, strides=2, activation="relu")(layers.Conv2D(4, 3, padding="same")(inner))
    joined = layers.Concatenate()([inner, outer] if behind else [outer, inner])
    return keras.Model(sample, layers.Conv2D(2, 1, activation="sigmoid")(layers.BatchNormalization()(joined)))


def random_weights(module):
    """Weights that tell one order from another, and statistics other than 0 and 1."""
    for name, values in [*module.named_parameters(), *module.named_buffers()]:
        if values.dtype.is_floating_point:
            with torch.no_grad():
                values.uniform_(0.5, 2) if "var" in name else values.uniform_(-0.7, 0.7)


def outputs(path, samples):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (made,) = session.run(None, {session.get_inputs()[0].name: samples})
    return made


def record(path, shape, channels_last):
    """Writes the samples and what the file makes of them, unless it is there to be refused."""
    onnx.checker.check_model(str(path), full_check=True)
    if path.name.startswith("refused"):
        return
    samples = numpy.random.default_rng(0).uniform(0, 1, (2, *shape)).astype(numpy.float32)
    made = outputs(path, samples)
    if samples.ndim >= 3 and not channels_last:
        samples, made = (numpy.moveaxis(values, 1, -1) for values in (samples, made))
    numpy.concatenate([samples.ravel(), made.ravel()]).astype(numpy.float32).tofile(path.with_suffix(".f32"))


def export_torch(name, shape, network):
    random_weights(network)
    network.eval()
    given = torch.zeros(2, *shape)
    legacy = HERE / f"{name}-torchscript.onnx"
    # Before its version 20 ONNX has no GELU.
    opset = 17 if name.endswith("opset17") else None
    torch.onnx.export(network, (given,), str(legacy), dynamo=False, opset_version=opset, input_names=["input"], dynamic_axes={"input": {0: "batch"}})
    record(legacy, shape, False)
    if name.startswith("refused") or opset:
        return
    new = HERE / f"{name}-dynamo.onnx"
    batch = torch.export.Dim("batch")
    external = name == "external"
    torch.onnx.export(network, (given,), str(new), dynamo=True, external_data=external, dynamic_shapes=({0: batch},), verbose=False)
    slim(new)
    record(new, shape, False)


def slim(path):
    """Without the traces of the source that the new exporter writes, which are most of the file and say where it was made."""
    model = onnx.load(path, load_external_data=False)
    for node in [*model.graph.node, *(node for function in model.functions for node in function.node)]:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.save(model, path)


def export_keras(name, shape, network):
    generator = numpy.random.default_rng(1)
    for weight in network.weights:
        low, high = (0.5, 2) if "variance" in weight.path else (-0.7, 0.7)
        weight.assign(generator.uniform(low, high, weight.shape).astype("float32"))
    network(numpy.zeros((1, *shape), numpy.float32))
    path = HERE / f"{name}-keras.onnx"
    network.export(str(path), format="onnx", verbose=False)
    slim(path)
    record(path, shape, True)


def main():
    HERE.mkdir(exist_ok=True)
    torch.manual_seed(0)
    wanted = sys.argv[1:]
    for name, shape, network in torch_networks():
        if not wanted or name in wanted:
            export_torch(name, shape, network)
    for name, shape, parts in keras_networks():
        if not wanted or name in wanted:
            export_keras(name, shape, keras.Sequential([keras.Input(shape), *parts]))
    for name, network in (("unet", unet()), ("unet-behind", unet(behind=True))):
        if not wanted or name in wanted:
            export_keras(name, (8, 8, 2), network)


main()
