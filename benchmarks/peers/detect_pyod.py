"""Seconds that PyOD's AutoEncoder takes to fit and score the tables of ADBench. pip install torch pyod (CPU)

    detect_pyod.py --epochs 10 --threads 2

Its defaults: layers 64 and 32 and back, batch 32, batch normalisation, dropout 0.2, learning rate 0.001, 10 epochs.
"""

import argparse
import glob
import json
import os
import resource
import time
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import torch
from pyod.models.auto_encoder import AutoEncoder

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()
torch.set_num_threads(args.threads)

seconds = 0.0
files = sorted(glob.glob(os.path.join(os.environ["ENKODER_TEST_DATA"], "adbench", "*.npz")))
for file in files:
    data = np.load(file)
    rows, labels = data["X"].astype(np.float32), data["y"].astype(int)
    random = np.random.RandomState(1)
    if len(labels) < 1000:
        chosen = random.choice(len(labels), 1000, replace=True)
    else:
        chosen = random.permutation(len(labels))[:10_000]
    rows = rows[chosen]
    cut = round(len(rows) * 0.7)
    low, high = rows[:cut].min(0), rows[:cut].max(0)
    rows = (rows - low) / np.where(high > low, high - low, 1)
    start = time.perf_counter()
    detector = AutoEncoder(epoch_num=args.epochs, random_state=1, verbose=0)
    detector.fit(rows[:cut])
    detector.decision_function(rows[cut:])
    seconds += time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"tool": "pyod", "seconds": seconds, "sets": len(files), "peak_mb": peak}))
