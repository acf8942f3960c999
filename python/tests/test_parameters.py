"""Parameters: which are refused, and which a file gives back."""

import re

import numpy as np
import pytest

from enkoder import AnomalyDetector, Autoencoder, Denoiser, datasets


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(0).normal(size=(600, 6)).astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Autoencoder, {"latent": 2.0}, "The 'latent' parameter of Autoencoder must be an int in the range [1, inf), or None. Got 2.0 instead."),
        (Autoencoder, {"epochs": -1}, "The 'epochs' parameter of Autoencoder must be an int in the range [1, inf), or None. Got -1"),
        (Autoencoder, {"hidden": (8.5,)}, "Got (8.5,) instead"),
        (Autoencoder, {"hidden": "8"}, "Got '8' instead"),
        (Autoencoder, {"n_jobs": 0}, "The 'n_jobs' parameter"),
        (Autoencoder, {"n_jobs": "x"}, "Got 'x' instead"),
        (Autoencoder, {"checkpoint_every": 0}, "The 'checkpoint_every' parameter"),
        (Autoencoder, {"random_state": "x"}, "random_state is 'x'"),
        (Autoencoder, {"blind": True}, 'hint: take architecture="conv"'),
        (Autoencoder, {"architecture": "conv"}, "hint: say with image_shape"),
        (Autoencoder, {"image_shape": (2, 2)}, "which is 4 values, but a sample has 6"),
        (AnomalyDetector, {"false_alarm": "x"}, "must be a float in the range (0, 1). Got 'x' instead."),
        (AnomalyDetector, {"window": 5, "stride": 0}, "The 'stride' parameter"),
        (AnomalyDetector, {"readings": "kc"}, "must be a sequence of str. Got 'kc' instead."),
        (AnomalyDetector, {"context": ["a"]}, "hint: see them as series, with window"),
        (AnomalyDetector, {"hidden": (4,)}, 'method="autoencoder" alone'),
        (AnomalyDetector, {"ordered": "no"}, "must be True or False"),
    ],
)
def test_what_a_parameter_must_be_is_said(values, kind, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        kind(**options).fit(values)


def test_what_is_not_fitted_says_so(values):
    pytest.importorskip("sklearn")
    from sklearn.exceptions import NotFittedError

    calls = {
        AnomalyDetector(): ["predict", "score_samples", "p_values", "explain", "counterfactual", "discoveries", "save"],
        Autoencoder(): ["transform", "reconstruct", "fill", "score", "reconstruction_error", "inverse_transform", "save", "report"],
        Denoiser(): ["transform", "save"],
    }
    for estimator, names in calls.items():
        for name in names:
            more = {"discoveries": (0.1,), "report": (values,)}.get(name, ())
            with pytest.raises(NotFittedError):
                getattr(estimator, name)(values, *more)
        with pytest.raises(NotFittedError):
            estimator.history_ if isinstance(estimator, Autoencoder) else getattr(estimator, next(iter(estimator._native)))
        assert not hasattr(estimator, "no_such_name")
    duckdb = pytest.importorskip("duckdb")
    from enkoder.duckdb import register

    with pytest.raises(NotFittedError):
        register(duckdb.connect(), "pump", AnomalyDetector())


@pytest.mark.parametrize(
    "model",
    [
        Autoencoder(hidden=(8, 5), latent=3, epochs=2, activation="tanh", learning_rate=0.003, noise="masking:0.1", random_state=4),
        Autoencoder(architecture="linear", latent=2),
        Autoencoder(architecture="conv", channels=(2,), hidden=(), latent=3, epochs=1, image_shape=(2, 3), loss="huber", huber_delta=0.3),
        AnomalyDetector(0.05, method="linear", random_state=3, budget=2.0),
        AnomalyDetector(anomalies=0.1, method="autoencoder", hidden=(4, 2), epochs=2),
    ],
)
def test_a_file_gives_back_the_parameters_that_make_the_same_again(tmp_path, values, model):
    X = np.kron(values.reshape(-1, 2, 3), np.ones((4, 4), np.float32)).reshape(600, -1) if model.get_params().get("image_shape") else values
    model.set_params(**({"image_shape": (8, 12)} if X is not values else {})).fit(X)
    model.save(tmp_path / "file")
    again = type(model).load(tmp_path / "file")
    fresh = type(model)(**again.get_params()).fit(X)
    measure = "score_samples" if isinstance(model, AnomalyDetector) else "transform"
    assert np.array_equal(getattr(fresh, measure)(X), getattr(model, measure)(X))
    assert np.array_equal(getattr(again, measure)(X), getattr(model, measure)(X))


def test_parts_of_other_parameters_are_refused():
    rows = datasets.pump(500).data
    part = AnomalyDetector(0.01, method="linear").see(rows)
    with pytest.raises(ValueError, match="the parts were seen with rule = .*0.01.*has .*0.2"):
        AnomalyDetector(0.2, method="linear").fit_parts([part])
