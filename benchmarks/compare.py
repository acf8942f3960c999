#!/usr/bin/env python3
"""Runs Enkoder and its peers in turn on the same cores and prints the table of ratios.

    cargo build --release --manifest-path benchmarks/Cargo.toml
    ENKODER_TEST_DATA=FOLDER benchmarks/compare.py --jax PYTHON --keras PYTHON --onnxruntime PYTHON --pyod PYTHON --torch PYTHON

FOLDER holds `mnist/` with the four IDX files and, for PyOD, `adbench/` with the tables. Each PYTHON is an interpreter with that peer installed (the first line of each script
in `peers/` says what); a peer that is not given is left out. Machines drift, so each pair is measured `--rounds` times in turn and the
median of the ratios is what counts.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
from datetime import date

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "target", "release", "enkoder-benchmarks")


def run(*command):
    output = subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(output.stdout.splitlines()[-1])


def compare(name, rounds, ours, theirs, figures):
    pairs = [(run(*ours), run(*theirs)) for _ in range(rounds)]
    for figure in figures:
        mine = [a[figure] for a, _ in pairs]
        peer = [b[figure] for _, b in pairs]
        ratio = statistics.median(a / b for a, b in zip(mine, peer))
        label = f"{name} {figure}" if len(figures) > 1 else name
        print(
            f"| {label} | {statistics.median(mine):,.0f} | {statistics.median(peer):,.0f} | {ratio:.2f} | "
            f"{min(a / b for a, b in zip(mine, peer)):.2f}–{max(a / b for a, b in zip(mine, peer)):.2f} | "
            f"{pairs[0][0]['peak_mb']:.0f} / {pairs[0][1]['peak_mb']:.0f} MB | {pairs[0][1]['tool']} |",
            flush=True,
        )


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jax")
    parser.add_argument("--keras")
    parser.add_argument("--onnxruntime")
    parser.add_argument("--pyod")
    parser.add_argument("--torch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    peer = lambda name: os.path.join(HERE, "peers", name)
    print(f"{processor()}, {args.threads} threads, {date.today()}; images a second, median of {args.rounds} rounds\n")
    print("| | Enkoder | peer | ratio | range of ratios | peak memory | peer |\n|---|---|---|---|---|---|---|")
    threads = ["--threads", args.threads]
    for batch in (32, 128, 1024):
        ours = [BINARY, "train", batch, 7, args.threads]
        if args.jax:
            theirs = [args.jax, peer("train_jax.py"), "--batch", batch, "--epochs", 7, *threads]
            compare(f"training, batch {batch}", args.rounds, ours, theirs, ["samples_per_second"])
        if args.keras and batch == 32:
            theirs = [args.keras, peer("train_keras.py"), "--batch", batch, "--epochs", 3, *threads]
            compare(f"training, batch {batch}", args.rounds, ours, theirs, ["samples_per_second"])
    ways_of_torch = ([], ["--channels-last"], ["--compile"]) if args.torch else ()
    ours = [BINARY, "convolve", 128, 5, args.threads]
    for flags in ways_of_torch:
        theirs = [args.torch, peer("train_conv_torch.py"), "--batch", 128, "--epochs", 4, *threads, *flags]
        compare("training, convolutions, batch 128", args.rounds, ours, theirs, ["samples_per_second"])
    if args.keras:
        theirs = [args.keras, peer("train_conv_keras.py"), "--batch", 128, "--epochs", 3, *threads]
        compare("training, convolutions, batch 128", args.rounds, ours, theirs, ["samples_per_second"])
    ours = [BINARY, "denoise", 3, args.threads]
    for flags in ways_of_torch:
        theirs = [args.torch, peer("denoise_torch.py"), "--batch", 16, "--epochs", 3, *threads, *flags]
        compare("denoiser", args.rounds, ours, theirs, ["patches_per_second", "pixels_per_second"])
    if args.onnxruntime:
        figures = [f"{verb}_{batch}" for verb in ("encode", "reconstruct") for batch in (1, 256, 10_000)]
        theirs = [args.onnxruntime, peer("infer_onnxruntime.py"), *threads]
        compare("inference", args.rounds, [BINARY, "infer", args.threads], theirs, figures)
    if args.pyod:
        # Less is better here, so the ratio is turned round.
        theirs = [args.pyod, peer("detect_pyod.py"), "--epochs", 10, *threads]
        pairs = [(run(BINARY, "detect", 10, args.threads), run(*theirs)) for _ in range(args.rounds)]
        mine, peer_s = ([side["seconds"] for side in sides] for sides in zip(*pairs))
        ratios = [b / a for a, b in zip(mine, peer_s)]
        print(
            f"| seconds to fit and score the 21 tables of ADBench, 10 epochs | {statistics.median(mine):.2f} | "
            f"{statistics.median(peer_s):.2f} | {statistics.median(ratios):.2f} | {min(ratios):.2f}–{max(ratios):.2f} | "
            f"{pairs[0][0]['peak_mb']:.0f} / {pairs[0][1]['peak_mb']:.0f} MB | pyod |"
        )


if __name__ == "__main__":
    main()
