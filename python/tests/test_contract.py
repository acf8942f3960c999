"""scikit-learn's contract."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import enkoder
from enkoder import AnomalyDetector, Autoencoder, datasets

#: Checks that fit with 12 and 15 rows: a detector asks for 20, of which it keeps some to calibrate with.
FEW_ROWS = "it learns from 20 rows or more, and says so of fewer"
EXPECTED = {"check_n_features_in_after_fitting": FEW_ROWS, "check_classifier_data_not_an_array": FEW_ROWS}


def expected(estimator):
    return EXPECTED if isinstance(estimator, AnomalyDetector) else {}


@parametrize_with_checks(
    [
        Autoencoder(hidden=(8,), latent=2, epochs=2),
        Autoencoder(architecture="linear", latent=1),
        AnomalyDetector(),
        AnomalyDetector(method="linear"),
        # The checks have so few rows that a threshold for 1 % lies beyond all of them, and theirs ask for a row that is flagged.
        AnomalyDetector(method="autoencoder", epochs=2, false_alarm=0.05),
    ],
    expected_failed_checks=expected,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    return datasets.strokes(600)


def test_a_pipeline_and_a_search_take_it(digits):
    X = digits.data.astype(np.float32) / 255
    search = GridSearchCV(
        make_pipeline(StandardScaler(), Autoencoder(architecture="linear")), {"autoencoder__latent": [1, 8]}, cv=2
    ).fit(X)
    assert search.best_params_ == {"autoencoder__latent": 8}
    assert search.transform(X).shape == (600, 8)


def test_a_clone_has_the_parameters_alone(digits):
    model = Autoencoder(hidden=(16,), latent=3, epochs=1, noise="gaussian:0.1").fit(digits.data)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(digits.data)


def test_what_is_pickled_gives_the_same_bits(digits):
    model = Autoencoder(hidden=(16,), latent=3, epochs=1).fit(digits.data)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.transform(digits.data), model.transform(digits.data))
    detector = AnomalyDetector(method="linear").fit(datasets.pump(500).data)
    again = pickle.loads(pickle.dumps(detector))
    rows = datasets.pump(200, faults=True).data
    assert np.array_equal(again.score_samples(rows), detector.score_samples(rows))


def test_codes_come_as_the_frame_that_was_asked_for(digits):
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    frame = pandas.DataFrame(digits.data[:50, 200:210].astype(np.float32), index=range(100, 150))
    frame.columns = [f"pixel{number}" for number in frame.columns]
    model = Autoencoder(hidden=(4,), latent=2, epochs=1).set_output(transform="pandas").fit(frame)
    codes = model.transform(frame)
    assert list(codes.columns) == ["autoencoder0", "autoencoder1"] and list(codes.index) == list(frame.index)
    assert isinstance(model.set_output(transform="polars").transform(frame), polars.DataFrame)


def test_other_columns_are_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])
    detector = AnomalyDetector(method="linear").fit(frame)
    with pytest.raises(ValueError, match="must be in the same order"):
        detector.predict(frame[["b", "a", "c"]])
    with pytest.raises(ValueError, match="now missing:\n- c"):
        detector.predict(frame[["a", "b"]])
    with pytest.raises(ValueError, match="X has 2 features, but AnomalyDetector is expecting 3"):
        detector.predict(np.zeros((2, 2)))


def test_a_flag_is_what_the_threshold_says():
    usual = datasets.pump(3000).data
    detector = AnomalyDetector(false_alarm=0.05).fit(usual)
    assert detector.guarantee_ == "conformal"
    score, rate, _ = detector.detector_.threshold()
    assert rate == 0.05
    flagged = -detector.score_samples(usual) >= score
    assert np.array_equal(detector.predict(usual) == -1, flagged)
    assert np.array_equal(detector.decision_function(usual) < 0, flagged)
    assert np.array_equal(detector.p_values(usual) <= 0.05, flagged)


def test_scikit_learn_is_not_imported_by_enkoder():
    code = "import sys, enkoder; print([name for name in ('sklearn', 'pandas', 'scipy') if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_all_that_is_public_is_named():
    assert all(hasattr(enkoder, name) for name in enkoder.__all__)
