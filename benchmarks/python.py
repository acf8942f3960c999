#!/usr/bin/env python3
"""The wheel beside the command and its peers, in one run on the same cores: `pip install` the wheel, then

    python benchmarks/python.py --command target/release/enkoder [--wheel enkoder.whl]

Peers (PyOD, PyTorch) are measured where they are installed, and said to be missing elsewhere. Of several runs the quickest counts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from enkoder import AnomalyDetector, Autoencoder, datasets

RUNS = 3
EPOCHS = 5
BATCH = 128


def quickest(work):
    def seconds():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return min(seconds() for _ in range(RUNS))


def say(what, figure):
    print(f"{what:64} {figure}", flush=True)


def beside_the_command(command, X):
    ours = quickest(lambda: Autoencoder(epochs=EPOCHS).fit(X))
    trained = Autoencoder(epochs=EPOCHS).fit(X).model_.record
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/X.npy", X)

        def run():
            out = subprocess.run(
                [command, "train", f"{folder}/X.npy", "--epochs", str(EPOCHS), "--no-report", "--json", "--force", "--quiet",
                 "--out", f"{folder}/run"],
                check=True, capture_output=True, text=True,
            )
            return json.loads(out.stdout)

        theirs = quickest(run)
    say("fit from NumPy, seconds", f"{ours:.2f} (of which training {trained['seconds']:.2f})")
    say("`enkoder train` on the same samples, reading and writing included", f"{theirs:.2f}")
    say("speed of fit, the command's being 1", f"{theirs / ours:.2f}")


def beside_pyod(X):
    try:
        from pyod.models.auto_encoder import AutoEncoder
    except ImportError:
        return say("AnomalyDetector beside PyOD's AutoEncoder", "PyOD is not installed")
    layers = [64, 32]
    theirs = quickest(lambda: AutoEncoder(hidden_neuron_list=layers, epoch_num=EPOCHS, batch_size=32, verbose=0).fit(X))
    ours = quickest(lambda: AnomalyDetector(method="autoencoder", hidden=layers, epochs=EPOCHS).fit(X))
    say("AnomalyDetector beside PyOD's AutoEncoder, same layers and epochs", f"{theirs:.2f} s / {ours:.2f} s = {theirs / ours:.1f} ×")


def beside_torch(X):
    try:
        import torch
    except ImportError:
        return say("Autoencoder beside PyTorch", "PyTorch is not installed")
    widths = [X.shape[1], 128, 64, 10, 64, 128, X.shape[1]]
    samples = torch.from_numpy(X)

    def train():
        layers = []
        for before, after in zip(widths, widths[1:]):
            layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
        layers[-1] = torch.nn.Sigmoid()
        network = torch.nn.Sequential(*layers)
        adam = torch.optim.Adam(network.parameters(), lr=0.004)
        for _ in range(EPOCHS):
            for rows in torch.randperm(len(samples)).split(BATCH):
                loss = torch.nn.functional.mse_loss(network(samples[rows]), samples[rows])
                adam.zero_grad()
                loss.backward()
                adam.step()

    theirs = quickest(train)
    # All samples train there, so that as many are seen in an epoch as here of a set a quarter larger.
    ours = quickest(lambda: Autoencoder(epochs=EPOCHS, batch_size=BATCH).fit(np.concatenate([X, X[: len(X) // 4]])))
    say("Autoencoder beside PyTorch, the same network", f"{theirs:.2f} s / {ours:.2f} s = {theirs / ours:.1f} ×")


def import_time():
    code = "import time; start = time.perf_counter(); import enkoder; print(time.perf_counter() - start)"
    seconds = min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5))
    numpy = code.replace("enkoder", "numpy")
    of_numpy = min(float(subprocess.check_output([sys.executable, "-c", numpy])) for _ in range(5))
    say("import enkoder, ms", f"{1000 * seconds:.0f} (of which NumPy {1000 * of_numpy:.0f})")


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
    beside_pyod(datasets.pump(10_000).data)
    beside_torch(X)


if __name__ == "__main__":
    main()
