"""Compressed arrays: one, several by name, regions, and what is wrong with them."""

import pickle

import numpy as np
import pytest

from enkoder import Archive, Autoencoder, compress, decompress


@pytest.fixture(scope="module")
def climate():
    rng = np.random.default_rng(2)
    smooth = rng.normal(size=(24, 12, 16)).cumsum(0).cumsum(1).cumsum(2)
    return {
        "t": smooth.astype(np.float32),
        "land": rng.random((12, 16)) < 0.3,
        "count": rng.integers(-5, 1000, 24),
        "half": smooth[0].astype(np.float16),
        "swapped": smooth[1].astype(">f8"),
    }


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "?"])
def test_compressed_arrays_come_back_bit_for_bit(kind):
    numbers = np.random.default_rng(1).integers(0, 100, size=(40, 7, 5)).astype(kind)
    packed = compress(numbers)
    back = decompress(packed)
    assert back.dtype == numbers.dtype and np.array_equal(back, numbers)
    assert np.array_equal(decompress(packed, first=3, end=9), numbers[3:9])


def test_a_bound_is_kept_and_damage_is_found():
    X = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    model = Autoencoder(hidden=(8,), latent=2, epochs=2).fit(X)
    for given in (None, model):
        packed = compress(X, "abs:0.01", model=given)
        assert np.abs(decompress(packed) - X).max() <= 0.01
        assert packed.summary["compressed_bytes"] == len(packed)
    damaged = bytearray(packed)
    damaged[len(damaged) // 2] ^= 255
    with pytest.raises(ValueError):
        decompress(bytes(damaged))
    apart = compress(X, "abs:0.01", model=model, embed_model=False)
    with pytest.raises(ValueError):
        decompress(apart)
    assert np.abs(decompress(apart, model=model) - X).max() <= 0.01


def test_several_arrays_come_back_by_their_names_in_their_shapes_and_types(tmp_path, climate):
    np.savez(tmp_path / "climate.npz", **climate)
    packed = compress(np.load(tmp_path / "climate.npz"))
    assert packed.summary["original_bytes"] == sum(array.nbytes for array in climate.values())
    assert packed.summary["compressed_bytes"] == len(packed)
    assert list(packed.summary["arrays"]) == list(climate)
    (tmp_path / "climate.enk").write_bytes(packed)
    for source in (packed, tmp_path / "climate.enk", str(tmp_path / "climate.enk")):
        archive = Archive(source)
        assert list(archive) == list(climate)
        for name, array in climate.items():
            assert archive.info[name].shape == array.shape and archive.info[name].bound == "lossless"
            assert archive[name].dtype == array.dtype.newbyteorder("=") and np.array_equal(archive[name], array)
    assert np.array_equal(archive.read("t", 5, 9), climate["t"][5:9])
    assert all(np.array_equal(array, climate[name]) for name, array in decompress(packed).items())


def test_regions_exact_values_and_bounds_of_single_arrays_hold(climate):
    t = climate["t"] * (np.abs(climate["t"]) > 5)
    packed = compress(
        t, "rel:0.05", exact=["zeros", "extremes"],
        regions={"land": (climate["land"], "abs:0.01"), "last": (np.arange(24).reshape(-1, 1, 1) == 23, "lossless")},
    )
    back = decompress(packed)
    off = np.abs(back - t)
    assert off[:, climate["land"]].max() <= 0.01 < off.max() <= 0.05 * np.ptp(t)
    assert np.array_equal(back[23], t[23])
    assert (back[t == 0] == 0).all() and (back.min(), back.max()) == (t.min(), t.max())
    (stored,) = Archive(packed).info.values()
    assert stored.regions == {"land": "abs:0.01", "last": "lossless"} and stored.exact == ("zeros", "extremes")
    both = compress({"t": t, "count": climate["count"]}, {"t": "prel:0.01", "count": "lossless"})
    assert (np.abs(decompress(both)["t"] - t) <= 0.01 * np.abs(t)).all()
    assert np.array_equal(Archive(both)["count"], climate["count"])


def test_masks_of_xarray_go_by_the_names_of_axes(climate):
    xarray = pytest.importorskip("xarray")
    dataset = xarray.Dataset(
        {"t": (("time", "lat", "lon"), climate["t"]), "turned": (("lon", "time", "lat"), climate["t"].transpose(2, 0, 1))},
        coords={"lat": np.linspace(30, 60, 12)},
    )
    with pytest.warns(UserWarning, match="does not keep coordinates"):
        packed = compress(dataset, "rel:0.1", regions={"north": (dataset.lat > 50, "lossless")})
    back = dataset.copy(data=decompress(packed))
    for name in dataset:
        assert back[name].dims == dataset[name].dims
        assert back[name].sel(lat=slice(50.1, 90)).equals(dataset[name].sel(lat=slice(50.1, 90)))
        assert not back[name].equals(dataset[name])
    with pytest.raises(ValueError, match="the region 'north' has the axes y, but 't' has time, lat, lon"):
        compress(dataset, "rel:0.1", regions={"north": ((dataset.lat > 50).rename(lat="y"), "lossless")})


def test_of_a_data_set_only_numbers_are_kept_which_is_said(tmp_path, climate):
    xarray = pytest.importorskip("xarray")
    dataset = xarray.Dataset({
        "t": (("time", "lat", "lon"), climate["t"]), "rotated_pole": b"", "char_time": ("time", np.full(24, b"now")),
        "time_bnds": (("time", "bnds"), np.zeros((24, 2), "M8[ns]")),
    })
    with pytest.warns(UserWarning, match="'rotated_pole' is of .*'char_time' is of .*'time_bnds' is of datetime64.*\n.*to_zarr"):
        packed = compress(dataset, dict.fromkeys(dataset, "rel:0.1"))
    back = dataset.copy(data={**dataset, **Archive(packed)})
    assert np.array_equal(back.t, decompress(packed)) and back.time_bnds.equals(dataset.time_bnds)
    np.savez(tmp_path / "mixed.npz", t=climate["t"], year=2026)
    with pytest.warns(UserWarning, match="left out of the file: 'year' is a single number"):
        assert list(Archive(compress(np.load(tmp_path / "mixed.npz")))) == ["t"]


def test_what_will_not_do_is_refused_by_name(climate):
    t = climate["t"]
    for given, options, message in [
        ({"t": t, "one": np.float32(1)}, {}, "'one' is a single number"),
        ({"t": t, "words": np.array(["a", "b"])}, {}, "'words' is of <U1"),
        ({"": t, "arr_0": t}, {}, "one of several arrays has no name"),
        ({"1": t, 1: t}, {}, "two arrays have the name '1'"),
        ({}, {}, "no array"),
        (t[:0], {}, "no samples"),
        ({"t": t, "count": climate["count"]}, {"bound": {"t": "lossless", "cuont": "lossless"}}, "'count', 'cuont'"),
        (t, {"bound": "abs:-1"}, "abs:-1"),
        (t, {"exact": "ones"}, "ones"),
        (t, {"effort": 10}, "effort is 10"),
        (t, {"block_samples": 0}, "block_samples is 0, but must be from 1"),
        (t, {"bound": 0.01}, 'the bound is 0.01, but must be text\nhint: "abs:0.01"'),
        (t, {"exact": [3]}, "exact is [3], but must be some of"),
        (t, {"regions": {"sea": climate["land"]}}, "a region is a ndarray"),
        ("data.nc", {}, "the array is 'data.nc', but must be of numbers\nhint: open the file"),
        ({"t": t}, {"regions": {"T": {"sea": (t > 0, "lossless")}}}, "regions are given for 'T'"),
        (t, {"regions": {"sea": (~climate["land"][:5], "lossless")}}, "'sea' of shape"),
        (t, {"regions": {"sea": (t > 0, "psnr:50")}}, "sea"),
        (t, {"regions": {"sea": (t, "lossless")}}, "is of float32\nhint: a mask is of booleans"),
        (t, {"model": Autoencoder(latent=2, epochs=1).fit(t), "effort": 3}, "a model compresses one array"),
    ]:
        with pytest.raises((ValueError, TypeError)) as raised:
            compress(given, **options)
        assert message in str(raised.value), raised.value
    packed = compress({"t": t, "count": climate["count"]})
    with pytest.raises(ValueError, match="several arrays"):
        decompress(packed, first=3)
    archive = Archive(packed)
    with pytest.raises(KeyError, match="there is no array 'T', but t, count"):
        archive["T"]
    with pytest.raises(ValueError, match="steps 3 to 99 were asked for"):
        archive.read("t", 3, 99)


@pytest.mark.parametrize("bound", ["rel:0.001", "abs:0.01", "lossless"])
def test_masked_floats_are_missing_and_do_not_count_in_the_range(climate, bound):
    t = np.ma.masked_where(np.broadcast_to(climate["land"], climate["t"].shape), climate["t"])
    t.data[t.mask] = 1e30
    with pytest.warns(UserWarning, match="masked cells come back as NaN in t"):
        packed = compress({"t": t, "u": climate["t"]}, bound)
    back = np.ma.masked_invalid(Archive(packed)["t"])
    assert np.array_equal(back.mask, t.mask)
    assert abs(back - t).max() <= {"rel:0.001": 0.001 * (t.max() - t.min()), "abs:0.01": 0.01, "lossless": 0}[bound]


def test_fill_values_that_nobody_masked_are_said(climate):
    xarray = pytest.importorskip("xarray")
    t = xarray.DataArray(np.where(climate["land"], np.float32(1e30), climate["t"]), attrs={"_FillValue": np.float32(1e30)})
    with pytest.warns(UserWarning, match="fill values count in the range of the array"):
        compress(t, "rel:0.001")
    with pytest.warns(UserWarning) as said:
        compress(t, "abs:0.001")
        compress(t.where(t < 1e30).assign_attrs(t.attrs), "rel:0.001")
    assert not any("fill values" in str(warning.message) for warning in said)


def test_masked_integers_come_back_as_their_fill_value_or_are_refused():
    days = np.ma.masked_greater(np.arange(60).reshape(20, 3), 50)
    days.fill_value = -9
    with pytest.warns(UserWarning, match="masked cells come back as -9 in the array"):
        assert np.array_equal(decompress(compress(days)), days.filled())
    with pytest.raises(ValueError, match="cannot be told from others after a change within abs:2"):
        compress(days, "abs:2")
    days.fill_value = 7
    with pytest.raises(ValueError, match="its fill value 7 is also a number of others"):
        compress(days)


def test_one_bound_for_all_is_not_for_integers_and_axes(climate):
    arrays = {"t": climate["t"], "ids": np.arange(192).reshape(12, 16), "lev": np.linspace(0, 1, 9)}
    with pytest.warns(UserWarning, match="every bit is kept of integers, .*: ids, lev. A bound by name holds"):
        packed = compress(arrays, "abs:5", regions={"land": (climate["land"], "abs:0.01")})
    archive = Archive(packed)
    assert [stored.bound for stored in archive.info.values()] == ["abs:5", "lossless", "lossless"]
    assert all(np.array_equal(archive[name], arrays[name]) for name in ("ids", "lev"))
    packed = compress(arrays, {"t": "abs:5", "ids": "abs:2", "lev": "lossless"}, regions={"ids": {"land": (climate["land"], "abs:1")}})
    assert Archive(packed).info["ids"].bound == "abs:2"
    assert [list(stored.regions) for stored in Archive(packed).info.values()] == [[], ["land"], []]


def test_a_compressed_file_is_shown_in_a_line_and_stays_one(climate):
    packed = compress(climate["t"], "abs:0.01")
    assert repr(packed) == str(packed) == (
        f"<Compressed (24, 12, 16) float32 within abs:0.01: 18,432 → {len(packed):,} bytes, {18432 / len(packed):.3g}×>"
    )
    again = pickle.loads(pickle.dumps(packed))
    assert again == packed and again.summary == packed.summary and isinstance(packed[:9], bytes)


def test_an_archive_is_read_in_slices_closed_and_pickled(tmp_path, climate):
    file = tmp_path / "climate.enk"
    file.write_bytes(compress(climate))
    with Archive(file) as archive, open(file, "rb") as opened:
        for steps in (slice(3, 9), slice(-3, None), slice(5, 5), slice(9, 3), slice(0, 99, 5), 23, -1):
            assert np.array_equal(archive["t", steps], climate["t"][steps])
        assert archive.read("t", 5, 5).shape == (0, 12, 16) and archive.read("t", -3).shape == (3, 12, 16)
        for other in (pickle.loads(pickle.dumps(archive)), Archive(opened)):
            assert np.array_equal(other["count"], climate["count"])
        assert "t" in archive and "T" not in archive
    with pytest.raises(ValueError, match="the archive is closed"):
        archive["t"]


def test_a_file_that_is_damaged_or_none_is_refused(tmp_path, climate):
    with pytest.raises(FileNotFoundError, match="none.enk"):
        Archive(tmp_path / "none.enk")
    packed = compress(climate)
    for given in (climate["t"], climate):
        (tmp_path / "cut.enk").write_bytes(compress(given)[:-9])
        with pytest.raises(ValueError, match="cut.enk: .*\n.*`python -m enkoder decompress FILE -o REST --salvage`"):
            decompress(tmp_path / "cut.enk")
    for length in (0, 5, 40, len(packed) // 2, len(packed) - 1):
        with pytest.raises(ValueError):
            Archive(packed[:length])
    for at in range(0, len(packed), 37):
        damaged = bytearray(packed)
        damaged[at] ^= 0x20
        try:
            dict(Archive(bytes(damaged)))
        except ValueError:
            pass
