"""``python -m enkoder`` is the command: what it prints, its exit codes, standard input and output, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np

import enkoder

COMMAND = [sys.executable, "-m", "enkoder"]


def run(*arguments, **options):
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, **options)


def test_help_and_version_are_results_and_a_wrong_word_is_none():
    version = run("--version", text=True)
    assert (version.returncode, version.stdout) == (0, f"enkoder {enkoder.__version__}\n")
    assert run("--help").stdout.startswith(b"Learn the structure of data")
    wrong = run("trian", text=True)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "trian" in wrong.stderr
    missing = run("info", "nothing.safetensors", text=True)
    assert missing.returncode == 1 and missing.stderr.startswith("error: ")


def test_data_goes_through_standard_input_and_output(tmp_path):
    digits = enkoder.datasets.strokes(50).data
    np.save(tmp_path / "digits.npy", digits)
    trained = run("train", tmp_path / "digits.npy", "--hidden", 16, "--latent", 4, "--epochs", 1, "--no-report", "--json",
                  "--out", tmp_path / "run", text=True)
    assert trained.returncode == 0, trained.stderr
    json.loads(trained.stdout)
    with open(tmp_path / "digits.npy", "rb") as file:
        codes = run("encode", tmp_path / "run", "-", stdin=file, text=True)
    assert codes.returncode == 0, codes.stderr
    model = enkoder.Autoencoder.load(tmp_path / "run" / "model.safetensors")
    read = np.loadtxt(codes.stdout.splitlines(), delimiter=",", skiprows=1, dtype=np.float32)
    assert np.array_equal(read, model.transform(digits))


def test_a_reader_that_goes_away_ends_it_quietly():
    encode = subprocess.Popen([*COMMAND, "data", "export", "strokes:2000", "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert encode.stdout.read(10)
    encode.stdout.close()
    assert (encode.stderr.read(), encode.wait(timeout=60)) == (b"", 0)


def test_neither_the_command_nor_the_module_loads_numpy():
    code = "import sys, enkoder, enkoder.__main__; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert set(enkoder.__all__) <= set(dir(enkoder))
    assert not hasattr(enkoder, "Autoencodre")


def test_ctrl_c_keeps_the_best_model_and_says_so(tmp_path):
    out = tmp_path / "run"
    training = subprocess.Popen([*COMMAND, "train", "strokes:500", "--epochs", "100000", "--no-report", "--out", out],
                                stderr=subprocess.PIPE, text=True)
    for line in training.stderr:
        if line.startswith("epoch"):
            break
    time.sleep(0.2)
    os.kill(training.pid, signal.SIGINT)
    said = training.communicate(timeout=60)[1]
    assert training.returncode == 130, said
    assert (out / "model.safetensors").exists()
