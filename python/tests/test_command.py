"""The same data, the same model, the same bits as the command. ``ENKODER_COMMAND`` names it."""

import csv
import os
import subprocess

import numpy as np
import pytest

from enkoder import AnomalyDetector, Archive, Autoencoder, compress, datasets, decompress

COMMAND = os.environ.get("ENKODER_COMMAND")
pytestmark = pytest.mark.skipif(not COMMAND, reason="ENKODER_COMMAND does not name the command enkoder")


def enkoder(*arguments):
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def digits():
    return datasets.strokes(400).data


def test_a_model_of_the_command_gives_the_same_bits_here(tmp_path, digits):
    np.save(tmp_path / "digits.npy", digits)
    enkoder("train", tmp_path / "digits.npy", "--hidden", "16", "--latent", "4", "--epochs", "2", "--seed", "3",
            "--no-report", "--out", tmp_path / "run")
    enkoder("encode", tmp_path / "run", tmp_path / "digits.npy", "-o", tmp_path / "codes.npy")
    model = Autoencoder.load(tmp_path / "run" / "model.safetensors")
    codes = np.load(tmp_path / "codes.npy")
    assert np.array_equal(model.transform(digits), codes)
    trained = Autoencoder(hidden=(16,), latent=4, epochs=2, random_state=3).fit(digits)
    assert np.array_equal(trained.transform(digits), codes)


def test_a_model_from_here_gives_the_same_bits_in_the_command(tmp_path, digits):
    X = digits.astype(np.float32) / 255
    model = Autoencoder(hidden=(16,), latent=4, epochs=2, penalty="l1:0.001", noise="masking:0.2").fit(X)
    model.save(tmp_path / "model.safetensors")
    np.save(tmp_path / "digits.npy", X)
    enkoder("encode", tmp_path / "model.safetensors", tmp_path / "digits.npy", "-o", tmp_path / "codes.npy")
    assert np.array_equal(np.load(tmp_path / "codes.npy"), model.transform(X))


def frame():
    """A table with words, missing values, flags and times."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(5)
    rows = 800
    load = rng.normal(50, 10, rows)
    table = pandas.DataFrame(
        {
            "load": load,
            "heat": (0.5 * load + rng.normal(0, 1, rows)).astype(np.float32),
            "state": rng.choice(["on", "off", "idle"], rows),
            "running": rng.random(rows) < 0.5,
            "count": rng.integers(0, 1000, rows),
            "at": pandas.date_range("2026-01-01", periods=rows, freq="min"),
        }
    )
    table.loc[::7, "heat"] = np.nan
    table.loc[::11, "state"] = None
    return table


def given(kind, table):
    if kind == "pandas":
        return table
    if kind == "polars":
        return pytest.importorskip("polars").from_pandas(table)
    pyarrow = pytest.importorskip("pyarrow")
    if kind == "arrow":
        return pyarrow.Table.from_pandas(table, preserve_index=False)
    if kind == "batches":
        return pyarrow.Table.from_pandas(table, preserve_index=False).to_reader(max_chunksize=100)
    duckdb = pytest.importorskip("duckdb")
    return duckdb.from_df(table)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "batches", "duckdb"])
@pytest.mark.filterwarnings("ignore:columns left out as clocks")
def test_a_detector_of_a_table_gives_the_commands_scores(tmp_path, kind):
    table = frame()
    file = tmp_path / "table.parquet"
    pytest.importorskip("pyarrow")
    table.to_parquet(file, index=False)
    enkoder("detect", "fit", file, "-o", tmp_path / "detector.safetensors", "--seed", "2")
    scored = enkoder("detect", "score", tmp_path / "detector.safetensors", file)
    rows = list(csv.DictReader(scored.splitlines()))
    of_command = AnomalyDetector.load(tmp_path / "detector.safetensors")
    fitted = AnomalyDetector(random_state=2).fit(given(kind, table))
    for detector in (of_command, fitted):
        data = given(kind, table) if detector is fitted else table[list(detector.feature_names_in_)]
        scores = -detector.score_samples(data)
        assert np.array_equal(scores.astype(np.float32), np.float32([row["score"] for row in rows]))
        data = given(kind, table) if detector is fitted else data
        assert np.array_equal(detector.predict(data) == -1, [row["flagged"] == "1" for row in rows])


def test_what_is_compressed_here_the_command_reads_and_back(tmp_path, digits):
    X = digits.reshape(-1, 28, 28)
    (tmp_path / "digits.enk").write_bytes(compress(X))
    enkoder("decompress", tmp_path / "digits.enk", "-o", tmp_path / "back.npy")
    assert np.array_equal(np.load(tmp_path / "back.npy"), X)
    np.save(tmp_path / "digits.npy", X)
    enkoder("compress", tmp_path / "digits.npy", "--bound", "lossless", "-o", tmp_path / "other.enk")
    assert np.array_equal(decompress((tmp_path / "other.enk").read_bytes()), X)


def test_several_arrays_go_through_the_command_and_come_from_it(tmp_path, digits):
    arrays = {"images": digits.reshape(-1, 28, 28), "bright": digits.mean(1).astype(np.float32), "many": digits.sum(1) > 30_000}
    (tmp_path / "here.enk").write_bytes(compress(arrays))
    enkoder("decompress", tmp_path / "here.enk", "-o", tmp_path / "back.npz")
    np.savez(tmp_path / "arrays.npz", **arrays)
    enkoder("compress", tmp_path / "arrays.npz", "--bound", "lossless", "-o", tmp_path / "there.enk")
    for back in (np.load(tmp_path / "back.npz"), Archive(tmp_path / "there.enk")):
        assert set(back) == set(arrays)
        assert all(back[name].dtype == array.dtype and np.array_equal(back[name], array) for name, array in arrays.items())


def test_one_bound_for_all_is_for_the_arrays_that_the_command_takes_it_for(tmp_path, digits):
    arrays = {"t": digits / np.float32(255), "ids": digits[:9].astype("i4"), "lev": np.linspace(0, 1, 9), "row": np.ones((1, 9))}
    np.savez(tmp_path / "arrays.npz", **arrays)
    enkoder("compress", tmp_path / "arrays.npz", "--bound", "abs:0.1", "-o", tmp_path / "there.enk")
    with pytest.warns(UserWarning, match="every bit is kept of integers"):
        here = Archive(compress(arrays, "abs:0.1"))
    there = Archive(tmp_path / "there.enk")
    assert {name: of.bound for name, of in here.info.items()} == {name: there.info[name].bound for name in there}
