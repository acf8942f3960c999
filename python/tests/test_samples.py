"""What may be given, and what is said of the rest."""

import multiprocessing
import os
import shutil
import signal
import threading
import time

import numpy as np
import pytest

from enkoder import AnomalyDetector, Autoencoder, Denoiser, compress, datasets, decompress


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).normal(size=(300, 6))


@pytest.fixture(scope="module")
def model(values):
    return Autoencoder(hidden=(8,), latent=2, epochs=2).fit(values)


def test_views_of_any_strides_give_the_same_bits(values, model):
    codes = model.transform(values)
    wide = np.zeros((600, 13))
    wide[::2, 1::2] = values
    turned = np.asfortranarray(values)
    for view in (wide[::2, 1::2], turned, values[::-1][::-1], values.astype(">f8"), values.astype(np.float32)):
        assert np.array_equal(model.transform(view), codes)
    read_only = values.astype(np.float32)
    read_only.flags.writeable = False
    assert np.array_equal(model.transform(read_only), codes)
    packed = np.zeros(300, dtype=[("byte", "u1"), ("row", "f8", 6)])
    packed["row"] = values
    assert not packed["row"].flags.aligned
    assert np.array_equal(model.transform(packed["row"]), codes)


def test_types_of_the_same_numbers_give_the_same_model():
    digits = datasets.strokes(200).data
    codes = [
        Autoencoder(hidden=(8,), latent=2, epochs=1, scaling="minmax").fit(X).transform(X)
        for X in (digits, digits.astype(np.float32), digits.astype(np.float64), digits.astype(np.int64))
    ]
    assert all(np.array_equal(one, codes[0]) for one in codes[1:])


def test_the_number_of_threads_changes_nothing(values, model):
    again = Autoencoder(hidden=(8,), latent=2, epochs=2, n_jobs=1).fit(values)
    assert np.array_equal(again.transform(values), model.transform(values))


def test_another_state_makes_another_model(values, model):
    other = Autoencoder(hidden=(8,), latent=2, epochs=2, random_state=1).fit(values)
    assert not np.array_equal(other.transform(values), model.transform(values))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([[1.0, 2.0], [3.0]], ValueError, "inhomogeneous"),
        (np.array([["a", "b"], ["c", "d"]]), ValueError, "needs numbers"),
        (np.ones((3, 2)) * 1j, ValueError, "Complex data not supported"),
        (np.array([[1.0, {}], [2.0, 3.0]], dtype=object), TypeError, "number"),
        (np.ones(3), ValueError, "Reshape your data"),
        (np.ones((0, 3)), ValueError, r"0 sample\(s\)"),
        (np.ones((3, 0)), ValueError, r"0 feature\(s\)"),
        (np.ones((1, 3)), ValueError, "n_samples = 1"),
        (np.ones((2, 2, 2, 2, 2)), ValueError, "dim 5"),
        (np.array([[1.0, np.inf], [2.0, 3.0], [4.0, 5.0]] * 5), ValueError, "infinite"),
        (np.array([["2026-01-01"] * 2] * 3, dtype="M8[D]"), ValueError, "needs numbers"),
        ("text", ValueError, "needs numbers"),
        (None, ValueError, "Reshape your data"),
    ],
)
def test_what_is_no_sample_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        Autoencoder(hidden=(4,), latent=1, epochs=1).fit(given)


def test_sparse_matrices_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="Sparse data"):
        Autoencoder().fit(sparse.eye(5).tocsr())


def test_infinite_values_are_refused_when_used(values, model):
    bad = values.copy()
    bad[3, 2] = np.inf
    for verb in (model.transform, model.reconstruct):
        with pytest.raises(ValueError, match="infinity"):
            verb(bad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "deep"}, "dense, linear or conv"),
        ({"loss": "l2"}, "mse, mae, huber, bce"),
        ({"huber_delta": 0.5}, "the loss is not Huber's"),
        ({"schedule": "linear"}, "cosine, constant, one-cycle"),
        ({"scaling": "max"}, "auto, none, unit, minmax or standard"),
        ({"activation": "swish"}, "swish"),
        ({"penalty": "l2:1"}, "l1:WEIGHT"),
        ({"penalty": "kl:1:2"}, "penalty target is 2"),
        ({"noise": "fog:1"}, "fog"),
        ({"validation": 1.5}, "1.5"),
        ({"latent": 0}, "."),
        ({"architecture": "conv"}, "."),
        ({"layers": {"encoder": []}}, "decoder"),
        ({"random_state": -1}, "negative"),
    ],
)
def test_options_that_will_not_do_are_named(values, options, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder(**{"hidden": (4,), "latent": 1, "epochs": 1, **options}).fit(values)


def test_layers_may_be_given_one_by_one(values):
    layers = {
        "encoder": [{"kind": "dense", "units": 5, "activation": "tanh"}, {"kind": "dense", "units": 2, "activation": "linear"}],
        "decoder": [{"kind": "dense", "units": 6, "activation": "linear"}],
    }
    model = Autoencoder(layers=layers, epochs=1).fit(values)
    assert model.model_.summary == "6-5-2-6"


def test_images_go_through_convolutions():
    digits = datasets.strokes(200)
    model = Autoencoder(architecture="conv", channels=(4,), latent=3, epochs=1).fit(digits.images)
    by_rows = Autoencoder(architecture="conv", channels=(4,), latent=3, epochs=1, image_shape=(28, 28)).fit(digits.data)
    assert np.array_equal(model.transform(digits.images), by_rows.transform(digits.data))
    assert model.reconstruct(digits.images).shape == (200, 784)


def test_missing_values_are_filled_in_and_known_ones_stay(values):
    X = values.copy()
    X[::3, 1] = np.nan
    model = Autoencoder(hidden=(8,), latent=3, epochs=3, noise="missing:0.3").fit(X)
    filled = model.fill(X)
    assert np.isfinite(filled).all()
    known = ~np.isnan(X)
    assert np.array_equal(filled[known], X.astype(np.float32)[known])


def test_targets_are_learned(values):
    model = Autoencoder(hidden=(8,), latent=3, epochs=2).fit(values, targets=values[:, :2])
    assert model.reconstruct(values).shape == (300, 2)


def test_a_callback_is_told_and_may_stop(values):
    told = []

    def callback(epoch):
        told.append(epoch["epoch"])
        return epoch["epoch"] == 3

    model = Autoencoder(hidden=(8,), latent=2, epochs=50, callback=callback).fit(values)
    assert told == [1, 2, 3] and len(model.history_) == 3
    assert model.transform(values).shape == (300, 2)


def test_an_exception_of_a_callback_comes_through_and_the_model_stays(values):
    def callback(epoch):
        if epoch["epoch"] == 2:
            raise RuntimeError("enough")

    model = Autoencoder(hidden=(8,), latent=2, epochs=50, callback=callback)
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(values)
    assert model.transform(values).shape == (300, 2)


def test_ctrl_c_stops_a_training_and_keeps_the_best_model():
    X = datasets.strokes(3000).data
    seen = threading.Event()
    model = Autoencoder(epochs=10_000, callback=lambda epoch: seen.set())

    def press():
        seen.wait()
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X)
    presser.join()
    assert len(model.history_) >= 1
    assert model.transform(X[:5]).shape == (5, 10)


def test_ctrl_c_stops_a_fit_of_a_detector():
    def press():
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    detector = AnomalyDetector(method="autoencoder", epochs=1_000_000)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        detector.fit(datasets.pump(5000).data)
    presser.join()
    assert not detector.__sklearn_is_fitted__()


def test_a_checkpoint_that_cannot_be_written_is_refused_before_the_training(values, tmp_path):
    for file, error in ((tmp_path / "none" / "checkpoint", FileNotFoundError), (tmp_path, IsADirectoryError)):
        told = []
        with pytest.raises(error, match="checkpoint"):
            Autoencoder(hidden=(8,), latent=2, epochs=2, checkpoint=file, callback=told.append).fit(values)
        assert told == []


def test_a_checkpoint_that_is_not_written_later_is_told_of(values, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    model = Autoencoder(hidden=(8,), latent=2, epochs=3, checkpoint=folder / "checkpoint", callback=lambda e: shutil.rmtree(folder, True))
    with pytest.warns(UserWarning, match="no checkpoint was written after epoch 2"):
        model.fit(values)


def test_masked_cells_are_missing(values):
    holes = np.random.default_rng(1).random(values.shape) < 0.1
    missing = np.where(holes, np.nan, values)
    masked = np.ma.masked_array(np.where(holes, 1e6, values), holes)
    for estimator in (AnomalyDetector(method="linear"), Autoencoder(hidden=(8,), latent=2, epochs=1)):
        one, other = clone_of(estimator).fit(missing), clone_of(estimator).fit(masked)
        measure = "score_samples" if isinstance(one, AnomalyDetector) else "reconstruction_error"
        assert np.array_equal(getattr(one, measure)(missing), getattr(other, measure)(masked))


def clone_of(estimator):
    return type(estimator)(**estimator.get_params())


def test_an_infinite_value_is_named_by_its_row(values):
    bad = values.copy()
    bad[123, 2] = 1e39
    where = r"infinity .*1 of 300 rows .* row 123, column 2"
    with pytest.raises(ValueError, match=where):
        Autoencoder(hidden=(8,), latent=2, epochs=1).fit(bad)
    detector = AnomalyDetector(method="linear")
    with pytest.warns(UserWarning, match="rows left out, because a value is infinite .*: 1"):
        detector.fit(bad)
    with pytest.raises(ValueError, match=where):
        detector.score_samples(bad)
    bad[:, 0] = 1e300
    with pytest.raises(ValueError, match="300 of 300 rows have an infinite value"):
        AnomalyDetector().fit(bad)


def test_numbers_that_float32_cannot_tell_apart_are_told_of(values):
    for estimator in (AnomalyDetector(method="linear"), Autoencoder(hidden=(4,), latent=2, epochs=1)):
        X = np.column_stack([values, 1.6e9 + values[:, 0]])
        with pytest.warns(UserWarning, match="(?s)float32.*feature7.*hint: subtract"):
            estimator.fit(X)


@pytest.mark.filterwarnings("ignore:false_alarm is")
def test_rows_to_explain_are_given_as_numpy_takes_them(values):
    X = values.copy()
    X[[40, 299], 1] = 50
    detector = AnomalyDetector(method="linear").fit(values)
    flagged = detector.explain(X)
    assert list(flagged.rows) == list(np.flatnonzero(detector.predict(X) == -1)) and len(flagged) == len(flagged.rows)
    told = detector.explain(X, [40, 299])
    mask = X[:, 1] == 50
    assert [reasons[0].column for reasons in told] == ["feature2"] * 2
    assert told == detector.explain(X, mask) == detector.explain(X, [40, -1]) == detector.explain(X, np.array([40, 299]))
    assert list(detector.explain(X, slice(-1, None)).rows) == [299] and detector.explain(X, []) == []
    assert list(detector.counterfactual(X, mask).rows) == [40, 299]
    with pytest.raises(IndexError):
        detector.explain(X, [300])
    with pytest.raises(IndexError):
        detector.explain(X, mask[:10])


def test_a_training_goes_on_from_its_checkpoint(values, tmp_path):
    whole = Autoencoder(hidden=(8,), latent=2, epochs=4).fit(values)
    file = tmp_path / "checkpoint.safetensors"
    Autoencoder(hidden=(8,), latent=2, epochs=4, checkpoint=file, callback=lambda e: e["epoch"] == 2).fit(values)
    resumed = Autoencoder(resume=file, epochs=4).fit(values)
    assert np.array_equal(resumed.transform(values), whole.transform(values))


def test_files_of_another_kind_are_refused(tmp_path, values, model):
    with pytest.raises(FileNotFoundError):
        Autoencoder.load(tmp_path / "none.safetensors")
    (tmp_path / "text").write_text("no model")
    for kind in (Autoencoder, AnomalyDetector, Denoiser):
        with pytest.raises(ValueError, match="text: "):
            kind.load(os.fsencode(tmp_path / "text"))
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ValueError):
        AnomalyDetector.load(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="(?s)model.safetensors: .*Denoiser"):
        Denoiser.load(tmp_path / "model.safetensors")
    with pytest.raises(FileNotFoundError, match="nope"):
        datasets.load("nope")
    with pytest.raises(FileNotFoundError, match="r.html'$"):
        model.report(tmp_path / "none" / "r.html", values)
    again = Autoencoder.load(tmp_path / "model.safetensors")
    assert np.array_equal(again.transform(values), model.transform(values))


def _entry_points(values, file):
    """What every entry point makes of the same samples."""
    pictures = [np.tile(np.arange(24, dtype=np.uint8) * 10, (24, 1))] * 3
    model = Autoencoder(hidden=(8,), latent=2, epochs=2, checkpoint=file).fit(values)
    linear = Autoencoder(architecture="linear", latent=2).fit(values)
    images = Autoencoder(architecture="conv", channels=(2,), hidden=(), latent=2, epochs=1).fit(values.reshape(-1, 2, 3)[:, :, :2].repeat(4, 1).repeat(8, 2))
    detector = AnomalyDetector(method="autoencoder", epochs=2).fit(values)
    series = AnomalyDetector(window=8).fit(values)
    parts = AnomalyDetector(method="linear")
    denoiser = Denoiser(channels=4, depth=3, patch=16, patches=64, epochs=1).fit(pictures)
    made = [
        model.transform(values), model.score(values), linear.transform(values), images.model_.to_bytes(),
        detector.score_samples(values), detector.explain(values, [1]), series.score_samples(values),
        parts.fit_parts([parts.see(values)]).p_values(values), denoiser.transform(pictures)[0],
        decompress(compress(values.astype(np.float32), "abs:0.1")), datasets.strokes(20).data,
    ]
    return [np.asarray(one).tobytes() if isinstance(one, np.ndarray) else repr(one) for one in made]


def _in_child(queue, values, file):
    queue.put(_entry_points(values, file))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore")
def test_a_forked_process_goes_on_by_every_entry_point(values, tmp_path):
    made = _entry_points(values, tmp_path / "checkpoint")
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue, values, tmp_path / "checkpoint"))
    child.start()
    try:
        assert queue.get(timeout=120) == made
        child.join(timeout=60)
    finally:
        child.kill()


def test_threads_score_beside_each_other(values, model):
    codes = model.transform(values)
    made = [None] * 4

    def work(number):
        made[number] = model.transform(values)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(one, codes) for one in made)


def test_a_denoiser_takes_noise_away():
    rng = np.random.default_rng(0)
    clean = [np.kron(rng.integers(60, 200, (6, 6)), np.ones((8, 8))).astype(np.uint8) for _ in range(12)]
    denoiser = Denoiser("gaussian:25", channels=8, depth=4, patch=24, patches=2000, epochs=4).fit(clean)
    noisy = [np.clip(image + rng.normal(0, 25, image.shape), 0, 255).astype(np.uint8) for image in clean]
    made = denoiser.transform(noisy)
    error = [np.mean([np.square(a.astype(float) - b).mean() for a, b in zip(these, clean)]) for these in (noisy, made)]
    assert made[0].dtype == np.uint8 and error[1] < error[0] / 2
    pictures = [image / 255 for image in noisy]
    assert np.abs(denoiser.transform(pictures)[0] - made[0] / 255).max() < 0.01
    with pytest.raises(ValueError, match="0..1"):
        denoiser.transform([image.astype(float) for image in noisy])


def test_a_report_is_a_page(tmp_path, values, model):
    model.report(tmp_path / "report.html", values, title="Values")
    page = (tmp_path / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "Values" in page
    assert "<svg" in model._repr_html_()


def test_a_reading_in_a_series_is_explained_beside_the_normal_window_that_is_most_like_it():
    rng, steps = np.random.default_rng(0), np.arange(4000)
    usual = np.stack([np.sin(steps / 25), np.cos(steps / 40)], 1) + rng.normal(0, 0.05, (4000, 2))
    detector = AnomalyDetector(window=60).fit(usual.astype(np.float32))
    stuck = usual[:1000].astype(np.float32)
    stuck[500:540, 0] = 0
    (reason,) = detector.explain(stuck, [520], count=1)[0]
    assert reason.column == "feature1" and reason.spread > 0
    seen = reason.nearest.observed
    assert seen.shape == reason.nearest.nearest.shape and len(seen) * reason.nearest.rows <= 60
    assert (seen == 0).sum() >= 15 and not (reason.nearest.nearest == 0).any()


@pytest.mark.parametrize(
    ("given", "way_out"),
    [
        ((row for row in [[1.0, 2.0]] * 30), "list\\(X\\)"),
        ({"a": [1.0] * 30}, "DataFrame\\(X\\)"),
        ([[1.0, 2.0], [3.0]], "all of one length"),
        (np.array([[1.0, "a"]] * 30, dtype=object), "as a table"),
    ],
)
def test_what_is_no_array_is_refused_with_the_way_out(given, way_out):
    with pytest.raises((TypeError, ValueError), match=f"\nhint: .*{way_out}"):
        AnomalyDetector(method="linear").fit(given)
