"""DuckDB, Zarr and Spark, each with the figures of the estimators themselves."""

import os
import shutil
import sys

import numpy as np
import pytest

from enkoder import AnomalyDetector, Autoencoder, compress, datasets, decompress


@pytest.fixture(scope="module")
def table():
    """A table with words, NULL, NaN, and a word that was not learned."""
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(3)
    rows = 6000
    load = rng.normal(50, 10, rows)
    table = pandas.DataFrame({"load": load, "heat": load / 2 + rng.normal(0, 1, rows), "state": rng.choice(["on", "off"], rows)})
    usual = table.iloc[:4000].copy()
    new = table.iloc[4000:].reset_index(drop=True)
    new.loc[::10, "heat"] = np.nan
    new.loc[5::10, "heat"] = 100.0
    new.loc[::13, "state"] = None
    new.loc[::17, "state"] = "new"
    return usual, new


@pytest.fixture(scope="module")
def detector(table):
    return AnomalyDetector(method="linear").fit(table[0])


@pytest.mark.filterwarnings("ignore:column .* does not know the categories")
def test_duckdb_scores_as_the_detector_does(table, detector, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    from enkoder.duckdb import register

    _, new = table
    file = tmp_path / "detector.safetensors"
    detector.save(file)
    connection = duckdb.connect()
    connection.register("new", new)
    assert register(connection, "pump", file) == ["pump_score", "pump_p_value", "pump_flagged"]
    columns = "load, heat, state"
    found = connection.sql(f"SELECT pump_score({columns}) s, pump_p_value({columns}) p, pump_flagged({columns}) f FROM new").df()
    assert np.array_equal(found.s, -detector.score_samples(new))
    assert np.array_equal(found.p, detector.p_values(new))
    assert np.array_equal(found.f, detector.predict(new) == -1)
    flagged = connection.sql(f"SELECT count(*) FROM new WHERE pump_flagged({columns})").fetchall()[0][0]
    assert flagged == (detector.predict(new) == -1).sum() > 150


def test_duckdb_encodes():
    duckdb, pandas = pytest.importorskip("duckdb"), pytest.importorskip("pandas")
    from enkoder.duckdb import register

    X = np.random.default_rng(0).normal(size=(5000, 3))
    model = Autoencoder(architecture="linear", latent=2).fit(X)
    connection = duckdb.connect()
    connection.register("x", pandas.DataFrame(X, columns=["a", "b", "c"]))
    assert register(connection, "x", model) == ["x_error", "x_encode"]
    found = connection.sql("SELECT x_encode(a, b, c) z, x_error(a, b, c) e FROM x").fetchnumpy()
    assert np.array_equal(np.stack(found["z"]), model.transform(X))
    assert np.array_equal(found["e"], model.reconstruction_error(X))


def test_parts_are_fitted_as_what_one_saw_together(table):
    _, new = table
    detector = AnomalyDetector(method="linear", random_state=3)
    together = detector.fit_parts([detector.see(new)])
    file = together.detector_.to_bytes()
    assert together.predict(new).shape == (len(new),) and list(together.feature_names_in_) == ["load", "heat", "state"]
    apart = [detector.see(new.iloc[rows]) for rows in (slice(1500, None), slice(0, 700), slice(700, 1500))]
    assert detector.fit_parts(apart).detector_.to_bytes() == file
    with pytest.raises(ValueError, match="option seed is 3 in one and 4 in another"):
        detector.fit_parts([apart[0], AnomalyDetector(method="linear", random_state=4).see(new)])
    with pytest.raises(ValueError, match="fit series on one machine"):
        AnomalyDetector(window=9).see(new)


def test_the_smallest_change_is_not_flagged():
    X = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
    detector = AnomalyDetector(method="linear").fit(X)
    odd = np.array([[0, 0, 0], [0, -30, 0]], dtype=np.float32)
    assert detector.counterfactual(odd, [0, 1])[0] is None
    [[change]] = detector.counterfactual(odd)
    assert (change.column, change.observed) == ("feature2", -30)
    odd[1, 1] = change.changed
    assert detector.predict(odd).tolist() == [1, 1]


def test_rows_without_any_value_are_unscored_and_said():
    X = np.random.default_rng(0).normal(size=(400, 3))
    detector = AnomalyDetector(method="linear").fit(np.vstack([X, np.full((2, 3), np.nan)]))
    assert detector.detector_.record["rows_empty"] == 2
    with pytest.warns(UserWarning, match="1 of 3 rows have no score .the first is row 1."):
        assert detector.predict([[0, 0, 0], [np.nan] * 3, [90, np.nan, np.nan]]).tolist() == [1, 0, -1]


def test_a_detector_of_series_is_no_function():
    from enkoder.duckdb import register

    detector = AnomalyDetector(window=10).fit(datasets.pump(600).data)
    with pytest.raises(ValueError, match="rows of a query have no order"):
        register(None, "pump", detector)


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "u1"])
def test_zarr_reads_back_what_it_wrote(tmp_path, kind):
    zarr = pytest.importorskip("zarr", minversion="3")
    from enkoder.zarr import EnkoderCodec

    values = np.random.default_rng(0).integers(0, 90, size=(50, 30, 20)).astype(kind)
    zarr.create_array(
        tmp_path / "a.zarr", data=values, chunks=(20, 30, 20), serializer=EnkoderCodec(), compressors=None, filters=None
    )
    again = zarr.open_array(tmp_path / "a.zarr", mode="r")
    assert again.dtype == values.dtype and np.array_equal(again[:], values)
    assert again.metadata.to_dict()["codecs"][0]["name"] == "enkoder"


def test_a_chunk_that_is_written_row_by_row_keeps_an_absolute_bound(tmp_path):
    zarr = pytest.importorskip("zarr", minversion="3")
    from enkoder.zarr import EnkoderCodec

    days = np.random.default_rng(4).normal(size=(30, 12, 16)).cumsum(0).cumsum(1).cumsum(2).astype(np.float32)
    codec = EnkoderCodec("abs:0.01")
    array = zarr.create_array(tmp_path / "a.zarr", shape=days.shape, dtype="f4", chunks=(16, 12, 16), serializer=codec, compressors=None)
    for number, day in enumerate(days):
        array[number] = day
    assert np.abs(array[:] - days).max() <= 0.01
    # Without, errors add up.
    kept = drifted = days
    for _ in range(9):
        kept, drifted = (decompress(compress(of, "abs:0.01", idempotent=way)) for of, way in ((kept, True), (drifted, False)))
    assert np.abs(kept - days).max() <= 0.01 < np.abs(drifted - days).max()



def test_what_cannot_be_stored_is_refused_before_the_store_has_it(tmp_path):
    zarr, xarray = pytest.importorskip("zarr", minversion="3"), pytest.importorskip("xarray")
    import enkoder.xarray
    from enkoder.numcodecs import Enkoder
    from enkoder.zarr import EnkoderCodec

    for codec in (Enkoder, EnkoderCodec):
        with pytest.raises(ValueError, match='"foo" is no bound'):
            codec("foo")
        with pytest.raises(TypeError, match="the bound is 0.1, but must be text"):
            codec(0.1)
    for kind, bound in [("i4", "bits:9"), ("M8[s]", "lossless")]:
        with pytest.raises(ValueError):
            zarr.create_array(tmp_path / kind, shape=(9,), dtype=kind, serializer=EnkoderCodec(bound), compressors=None)
        assert not [*tmp_path.rglob("zarr.json")]
    dataset = xarray.Dataset({"t": (("y", "x"), np.zeros((3, 4), "f4")), "ids": (("y", "x"), np.ones((3, 4), "i4")), "now": np.datetime64(0, "s")})
    with pytest.raises(ValueError, match="is no bound"):
        enkoder.xarray.encoding(dataset, {"t": "foo", "ids": "lossless"})
    with pytest.raises(ValueError, match="bounds and arrays do not go together: 'ids'"):
        enkoder.xarray.encoding(dataset, {"t": "abs:1"})
    with pytest.warns(UserWarning, match="every bit is kept of integers"):
        stored = enkoder.xarray.encoding(dataset, "abs:5")
    assert {name: of["serializer"]["configuration"]["bound"] for name, of in stored.items()} == {"t": "abs:5", "ids": "lossless"}


def test_fields_of_xarray_are_of_one_variable():
    xarray = pytest.importorskip("xarray")
    from enkoder.xarray import decode, encode

    maps = xarray.DataArray(np.random.default_rng(0).normal(size=(30, 4, 5)), dims=("time", "y", "x"), name="t")
    model = Autoencoder(architecture="linear", latent=2).fit(maps.values)
    with pytest.raises(TypeError, match="array is of Dataset, but must be an xarray.DataArray\nhint: take one"):
        encode(model, maps.to_dataset())
    with pytest.raises(TypeError, match="like is of Dataset"):
        decode(model, encode(model, maps), maps.to_dataset())


def test_zarr_of_version_2_reads_back_what_it_wrote():
    zarr = pytest.importorskip("zarr", minversion="3")
    from enkoder.numcodecs import Enkoder

    values = np.sin(np.arange(6000, dtype="f4") / 30).reshape(60, 100)
    array = zarr.create_array({}, data=values, chunks=(20, 100), zarr_format=2, compressors=Enkoder("abs:0.01"), filters=None)
    assert np.abs(array[:] - values).max() <= 0.01


def test_spark_says_what_is_wrong_with_a_data_frame_before_its_workers_do(table, detector):
    from enkoder.spark import encode, fit, score

    class Frame:
        """All that is asked of a data frame before Spark has work."""

        mapInArrow = None

        def __init__(self, *columns):
            self.columns = list(columns)

    model = Autoencoder(architecture="linear", latent=2).fit(table[0][["load", "heat"]])
    for call in (lambda: fit(table[1]), lambda: score(table[1], detector), lambda: encode(table[1], model)):
        with pytest.raises(TypeError, match="df is a DataFrame of pandas, and no data frame of Spark"):
            call()
    with pytest.raises(ValueError, match="lacks columns that were learned from: heat\nhint: it has load, state;"):
        score(Frame("load", "state"), detector)
    with pytest.raises(ValueError, match="has columns already that are to be added: Score, flagged"):
        score(Frame("load", "heat", "state", "Score", "flagged"), detector)
    with pytest.raises(ValueError, match="already that are to be added: code"):
        encode(Frame("load", "heat", "code"), model)


@pytest.mark.filterwarnings("ignore")
def test_spark_scores_as_the_detector_does(table, detector, monkeypatch):
    pytest.importorskip("pyspark")
    if shutil.which("java") is None or not os.environ.get("ENKODER_TEST_SPARK"):
        pytest.skip("Spark is tried where ENKODER_TEST_SPARK is set and there is Java")
    from enkoder.spark import encode, fit, score

    _, new = table
    new = new.assign(row=np.arange(len(new)))
    from pyspark.sql import SparkSession

    # Workers need the interpreter that has the wheel.
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", False).getOrCreate()
    try:
        found = score(spark.createDataFrame(new).repartition(6), detector).toPandas().sort_values("row")
        assert np.array_equal(found.score.astype(np.float64), -detector.score_samples(new[["load", "heat", "state"]]))
        assert np.array_equal(found.flagged, detector.predict(new[["load", "heat", "state"]]) == -1)
        rows = new[["load", "heat", "state"]]
        apart = fit(spark.createDataFrame(rows).repartition(6), AnomalyDetector(method="linear"))
        together = AnomalyDetector(method="linear")
        assert apart.detector_.to_bytes() == together.fit_parts([together.see(rows)]).detector_.to_bytes()
        model = Autoencoder(architecture="linear", latent=2).fit(table[0][["load", "heat"]])
        codes = encode(spark.createDataFrame(new[["load", "heat", "row"]]), model).toPandas().sort_values("row")
        assert np.array_equal(np.stack(codes.code), model.transform(new[["load", "heat"]]))
    finally:
        spark.stop()
