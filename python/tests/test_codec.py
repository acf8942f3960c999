"""Compressed arrays: one, several by name, regions, and what is wrong with them."""

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


def test_what_will_not_do_is_refused_by_name(climate):
    t = climate["t"]
    for given, options, message in [
        ({"t": t, "one": np.float32(1)}, {}, "'one' is a single number"),
        ({"t": t, "words": np.array(["a", "b"])}, {}, "('words')"),
        ({}, {}, "no array"),
        (t[:0], {}, "no samples"),
        ({"t": t, "count": climate["count"]}, {"bound": {"t": "lossless", "cuont": "lossless"}}, "'count', 'cuont'"),
        (t, {"bound": "abs:-1"}, "abs:-1"),
        (t, {"exact": "ones"}, "ones"),
        (t, {"effort": 10}, "effort is 10"),
        (t, {"regions": {"sea": (~climate["land"][:5], "lossless")}}, "'sea' of shape"),
        (t, {"regions": {"sea": (t > 0, "psnr:50")}}, "sea"),
        (t, {"regions": {"sea": (t, "lossless")}}, "is of float32\nhint: a mask is of booleans"),
        (t, {"model": Autoencoder(latent=2, epochs=1).fit(t), "effort": 3}, "a model compresses one array"),
    ]:
        with pytest.raises(ValueError) as raised:
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


def test_a_file_that_is_damaged_or_none_is_refused(tmp_path, climate):
    with pytest.raises(FileNotFoundError):
        Archive(tmp_path / "none.enk")
    packed = compress(climate)
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
