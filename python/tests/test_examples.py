"""The examples run, notebooks cell by cell, on few samples."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = sorted(pathlib.Path(__file__).parent.parent.joinpath("examples").glob("*.[ip]*"))


def source(example):
    if example.suffix == ".py":
        return example.read_text()
    cells = json.loads(example.read_text())["cells"]
    assert not any(cell.get("outputs") for cell in cells), "notebooks are kept without their outputs"
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(example, tmp_path):
    text = source(example)
    if "matplotlib" in text:
        pytest.importorskip("matplotlib")
    environment = {**os.environ, "ENKODER_EXAMPLE_COUNT": "600", "ENKODER_EXAMPLE_EPOCHS": "2", "MPLBACKEND": "agg"}
    done = subprocess.run([sys.executable, "-"], input=text, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_there_are_examples():
    assert len(EXAMPLES) == 3
