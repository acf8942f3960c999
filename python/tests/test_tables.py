"""Tables of pandas, polars and Arrow: what is left out of them, said once, and what a file takes."""

import datetime
import uuid
import warnings

import numpy as np
import pytest

from enkoder import AnomalyDetector, Autoencoder

pandas = pytest.importorskip("pandas")


def table(rows=600):
    rng = np.random.default_rng(2)
    load = rng.normal(50, 10, rows)
    return pandas.DataFrame(
        {
            "t": pandas.date_range("2026-01-01", periods=rows, freq="min"),
            "load": load,
            "heat": load / 2 + rng.normal(0, 1, rows),
            "count": np.arange(rows) * 3.0,
        }
    )


def silent(work):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return work()


def given(kind, frame):
    if kind == "pandas":
        return frame
    if kind == "polars":
        return pytest.importorskip("polars").from_pandas(frame)
    return pytest.importorskip("pyarrow").Table.from_pandas(frame)


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_what_is_left_out_is_said_once_and_a_file_takes_the_same_table(tmp_path, kind):
    frame = given(kind, table())
    detector = AnomalyDetector(0.05, method="linear")
    with pytest.warns(UserWarning) as told:
        flags = detector.fit_predict(frame)
    told = [str(one.message) for one in told]
    assert sum("left out as clocks" in one and '"t"' in one for one in told) == 1
    assert sum("not judged" in one and "count" in one for one in told) == 1
    assert len(told) == 2, told
    assert np.array_equal(silent(lambda: detector.predict(frame)), flags)
    detector.save(tmp_path / "detector")
    again = AnomalyDetector.load(tmp_path / "detector")
    # The file knows that t is a clock.
    assert np.array_equal(silent(lambda: again.predict(frame)), flags)
    wider = given(kind, table().assign(humidity=1.0))
    with pytest.warns(UserWarning, match="the model does not know them: humidity$"):
        assert np.array_equal(again.predict(wider), flags)
    assert np.array_equal(silent(lambda: again.predict(wider)), flags)
    with pytest.raises(ValueError, match="now missing:\n- load"):
        again.predict(given(kind, table()[["t", "heat", "count"]]))


@pytest.mark.filterwarnings("ignore:columns left out")
def test_a_model_of_a_file_takes_the_table_it_was_fitted_to(tmp_path):
    frame = table()
    model = Autoencoder(hidden=(4,), latent=2, epochs=1).fit(frame)
    model.save(tmp_path / "model")
    assert np.array_equal(Autoencoder.load(tmp_path / "model").transform(frame[["heat", "t", "count", "load"]]), model.transform(frame))


@pytest.mark.filterwarnings("ignore")
def test_objects_of_pandas_are_read_by_their_kind():
    frame = table(60)[["load", "heat"]]
    days = [datetime.date(2026, 1, 1) + datetime.timedelta(day % 7) for day in range(60)]
    frame["day"] = days
    frame["stamp"] = pandas.Series([pandas.Timestamp(day) for day in days], dtype=object)
    frame["month"] = pandas.PeriodIndex(days, freq="D")
    frame["id"] = [uuid.UUID(int=row) for row in range(60)]
    frame["at"] = [datetime.time(row % 24) if row else None for row in range(60)]
    names = AnomalyDetector(0.3, method="marginal").fit(frame).detector_.feature_names
    assert {"load", "heat", "at"} <= set(names) and "id" not in names
    frame["odd"] = [{}] * 60
    with pytest.raises((TypeError, ValueError), match="'odd'.*(?s:.*)leave it out"):
        AnomalyDetector().fit(frame)


@pytest.mark.filterwarnings("ignore:columns")
def test_types_of_polars_that_others_do_not_read():
    polars = pytest.importorskip("polars")
    frame = polars.from_pandas(table()[["load", "heat"]]).with_columns(wide=polars.Series([row % 7 for row in range(600)]).cast(polars.Int128))
    detector = AnomalyDetector(0.05, method="linear").fit(frame)
    scores = detector.score_samples(frame.with_columns(heat=polars.Series([None] * 600, dtype=polars.Null)))
    assert np.isfinite(scores).all()


def test_reasons_name_columns_as_pandas_does():
    values = np.random.default_rng(0).normal(size=(600, 2))
    values[7, 1] = 50
    for columns, name in (([10, 20], "20"), (pandas.MultiIndex.from_tuples([("a", 1), ("b", 2)]), "('b', 2)")):
        frame = pandas.DataFrame(values, columns=columns)
        told = AnomalyDetector(0.05, method="linear").fit(frame).explain(frame, [7], count=1)
        assert told[0][0].column == name
    bad = pandas.DataFrame({"a": values[:, 0], "b": np.where(values[:, 1] > 40, 1e39, values[:, 1])})
    with pytest.raises(ValueError, match="row 7, column 'b'"):
        Autoencoder(hidden=(2,), latent=1, epochs=1).fit(silent(lambda: bad))


def test_too_few_rows_to_keep_the_false_alarm_rate_are_told_of():
    values = np.random.default_rng(0).normal(size=(55, 3))
    with pytest.warns(UserWarning, match=r"guarantee no less than 0.0\d+.*(?s:.*)hint: fit with about 400 rows"):
        AnomalyDetector(0.01).fit(values)
