"""What the peers' scripts share: arguments, MNIST as they take it, and the line of JSON that they print.

Threads are set before numpy is imported, because its libraries read them when they load.
"""

import argparse
import gzip
import json
import os
import resource
import statistics
import sys
import time

THREADS = next((b for a, b in zip(sys.argv, sys.argv[1:]) if a == "--threads"), "2")
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = THREADS

import numpy as np


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5, help="the first is warm-up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true", help="of PyTorch")
    parser.add_argument("--compile", action="store_true", help="of PyTorch")
    return parser.parse_args()


def digits():
    """Training (56,000) and validation (14,000) images, float32 in 0..1, from the IDX files in $ENKODER_TEST_DATA/mnist."""
    folder = os.path.join(os.environ["ENKODER_TEST_DATA"], "mnist")
    parts = []
    for name in ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"):
        with gzip.open(os.path.join(folder, name)) as file:
            parts.append(np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784))
    images = np.concatenate(parts)
    validation = np.random.default_rng(0).permutation(len(images))[:14_000]
    mask = np.zeros(len(images), bool)
    mask[validation] = True
    scale = np.float32(1 / 255)
    return images[~mask].astype(np.float32) * scale, images[mask].astype(np.float32) * scale


class Epochs:
    """Times epochs; the first does not count."""

    def __init__(self):
        self.seconds = []

    def start(self):
        self.begin = time.perf_counter()

    def stop(self):
        self.seconds.append(time.perf_counter() - self.begin)

    def callback(self, keras):
        """For `fit` of Keras."""
        epochs = self

        class Timing(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                epochs.start()

            def on_epoch_end(self, epoch, logs=None):
                epochs.stop()

        return Timing()

    def report(self, tool, args, samples):
        emit(tool=tool, batch=args.batch, samples_per_second=round(self.rate(samples)))

    def rate(self, samples):
        return samples / statistics.median(self.seconds[1:] or self.seconds)


def rate(samples, work):
    """Samples a second: the median of seven timings of about a third of a second each."""

    def timed(repeats):
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        return time.perf_counter() - start

    repeats = 1
    while timed(repeats) < 0.3:
        repeats *= 2
    return round(statistics.median(repeats * samples / timed(repeats) for _ in range(7)))


def emit(**result):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(result | {"peak_mb": round(peak)}), flush=True)
