#!/usr/bin/env python3
"""The wheel beside the command and its peers, in one run on the same cores: `pip install` the wheel, PyOD, PyTorch, TensorFlow and Keras, then

    python benchmarks/python.py --command target/release/enkoder --wheel enkoder.whl

Peers are measured where they are installed, and said to be missing elsewhere. What is compared runs in turn, and medians count. Beside
seconds stand seconds of processors: on a machine that does other work, too, they are what can be compared.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from enkoder import AnomalyDetector, Autoencoder, datasets

RUNS = 3
EPOCHS = 5
BATCH = 128


class Spent(NamedTuple):
    """Seconds that went by, and seconds that processors worked, of this process and of those that it waited for."""

    wall: float
    processors: float

    def __str__(self):
        return f"{self.wall:.2f} s ({self.processors:.2f})"


def spent(work):
    start, before = time.perf_counter(), os.times()
    work()
    after = os.times()
    return Spent(time.perf_counter() - start, sum(after[:4]) - sum(before[:4]))


def in_turn(*works):
    """The medians of some works, which run one after the other, several times."""
    rounds = [[spent(work) for work in works] for _ in range(RUNS)]
    return [Spent(*map(statistics.median, zip(*runs))) for runs in zip(*rounds)]


def ratios(theirs, ours):
    return f"{theirs} / {ours} = {theirs.wall / ours.wall:.2f} × ({theirs.processors / ours.processors:.2f})"


def say(what, figure):
    print(f"{what:64} {figure}", flush=True)


def beside_the_command(command, X):
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/X.npy", X)

        def theirs():
            subprocess.run(
                [command, "train", f"{folder}/X.npy", "--epochs", str(EPOCHS), "--no-report", "--force", "--quiet", "--out", f"{folder}/run"],
                check=True, capture_output=True,
            )
            subprocess.run([command, "encode", f"{folder}/run", f"{folder}/X.npy", "-o", f"{folder}/codes.npy", "--force", "--quiet"], check=True)

        theirs, ours = in_turn(theirs, lambda: Autoencoder(epochs=EPOCHS).fit(X).transform(X))
    say("`enkoder train` and `encode` / fit and transform from NumPy", ratios(theirs, ours))


def copies(rows=200_000, columns=256):
    """How much more memory a process needs at its peak for scoring an array, in parts of the array."""
    code = f"""
import resource, numpy as np
from enkoder import Autoencoder
X = np.random.default_rng(0).random(({rows}, {columns}), dtype=np.float32)
model = Autoencoder(architecture="linear", latent=4).fit(X[:1000])
model.transform(X[:1000])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.transform(X)
Autoencoder(hidden=(8,), latent=4, epochs=1).fit(X)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / X.nbytes)
"""
    say("more memory at the peak of fit and transform, X being 1", f"{float(subprocess.check_output([sys.executable, '-c', code])):.2f}")


def two_threads(X):
    """Of a call whose work is nearly all in the network: what holds the interpreter's lock is said beside it."""
    model = Autoencoder(hidden=(512, 256), epochs=1, n_jobs=1).fit(X)
    native = []

    def score():
        before = time.thread_time()
        samples = model._like_model(model._samples(X).given)
        native.append(time.thread_time() - before)
        model.model_.reconstruction_error(samples, 1)

    def both():
        threads = [threading.Thread(target=score) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def twice():
        score()
        score()

    one, two = in_turn(twice, both)
    say("two threads scoring, one being 1", f"{one.wall / two.wall:.2f} (work of the processors: {two.processors / one.processors:.2f})")
    say("of which Python's own code, with its lock, %", f"{100 * statistics.median(native) * 2 / one.processors:.2f}")


def beside_pyod(X):
    try:
        from pyod.models.auto_encoder import AutoEncoder
    except ImportError:
        return say("AnomalyDetector beside PyOD's AutoEncoder", "PyOD is not installed")
    layers = [64, 32]
    theirs, ours = in_turn(
        lambda: AutoEncoder(hidden_neuron_list=layers, epoch_num=EPOCHS, batch_size=32, verbose=0).fit(X),
        lambda: AnomalyDetector(method="autoencoder", hidden=layers, epochs=EPOCHS).fit(X),
    )
    say("PyOD's AutoEncoder / AnomalyDetector, same layers and epochs", ratios(theirs, ours))


def beside_torch(X):
    try:
        import torch
    except ImportError:
        return say("Autoencoder beside PyTorch", "PyTorch is not installed")
    widths = [X.shape[1], 128, 64, 10, 64, 128, X.shape[1]]
    samples = torch.from_numpy(X)

    def train(fused):
        layers = []
        for before, after in zip(widths, widths[1:]):
            layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
        layers[-1] = torch.nn.Sigmoid()
        network = torch.nn.Sequential(*layers)
        adam = torch.optim.Adam(network.parameters(), lr=0.004, fused=fused)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(samples)).split(BATCH):
                loss = torch.nn.functional.mse_loss(network(samples[rows]), samples[rows])
                adam.zero_grad()
                loss.backward()
                adam.step()

    plain, fused, ours = in_turn(lambda: train(False), lambda: train(True), lambda: same_network(X))
    say("PyTorch / Autoencoder, the same network", ratios(plain, ours))
    say("the same with PyTorch's fused Adam, which one has to ask for", ratios(fused, ours))


def beside_keras(X):
    try:
        import keras
    except ImportError:
        return say("Keras / Autoencoder", "Keras is not installed")
    widths = [128, 64, 10, 64, 128]
    hidden = [keras.layers.Dense(width, "relu") for width in widths]

    def train():
        network = keras.Sequential([keras.Input((X.shape[1],)), *map(keras.layers.Dense.from_config, (layer.get_config() for layer in hidden)),
                                    keras.layers.Dense(X.shape[1], "sigmoid")])
        network.compile(keras.optimizers.Adam(0.004), "mse")
        network.fit(X, X, batch_size=BATCH, epochs=EPOCHS, verbose=0)

    theirs, ours = in_turn(train, lambda: same_network(X))
    say(f"Keras ({keras.backend.backend()}) / Autoencoder, the same network", ratios(theirs, ours))


def same_network(X):
    # All samples train there, so that as many are seen in an epoch as here of a set a quarter larger.
    Autoencoder(epochs=EPOCHS, batch_size=BATCH).fit(np.concatenate([X, X[: len(X) // 4]]))


def import_time():
    """Of all that ten lines need: names are looked up when they are first asked for."""
    measured = "import time; start, before = time.perf_counter(), time.process_time(); {}; print(time.perf_counter() - start, time.process_time() - before)"

    def milliseconds(code):
        runs = [subprocess.check_output([sys.executable, "-c", measured.format(code)]).split() for _ in range(5)]
        wall, processors = (1000 * min(map(float, times)) for times in zip(*runs))
        return f"{wall:.0f} ({processors:.0f})"

    ours = milliseconds("from enkoder import Autoencoder, AnomalyDetector, Denoiser, compress, datasets")
    say("import of enkoder and all its names, ms (of a processor)", f"{ours}, of which NumPy {milliseconds('import numpy')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", help="the command enkoder")
    parser.add_argument("--wheel", type=Path, help="the file of the wheel")
    options = parser.parse_args()
    X = datasets.strokes(10_000).data.astype(np.float32) / 255
    import_time()
    if options.wheel:
        say("the wheel, MB", f"{options.wheel.stat().st_size / 1e6:.1f}")
    if options.command:
        beside_the_command(options.command, X)
    copies()
    two_threads(X)
    beside_pyod(datasets.pump(10_000).data)
    beside_torch(X)
    beside_keras(X)


if __name__ == "__main__":
    main()
