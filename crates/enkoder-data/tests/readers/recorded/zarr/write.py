"""Writes the zip files of Zarr beside it, which a test reads: pip install "zarr<3.2" numcodecs, and run it."""

import pathlib

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BloscCodec
from zarr.storage import ZipStore

here = pathlib.Path(__file__).parent
smooth = (np.arange(100 * 41) // 7).astype("f4").reshape(100, 41)
# Nine thousand bytes that cannot be packed, again and again: matches from afar.
state, noise = 1, []
for _ in range(9000):
    state = state * 1103515245 + 12345 & 0x7FFFFFFF
    noise.append(state >> 16 & 0xFF)
far = np.resize(np.array(noise, "u1"), 40000)


def create(group, name, values, chunks, compressor):
    array = group.create_array(name, shape=values.shape, chunks=chunks, dtype=values.dtype, compressors=compressor)
    array[:] = values


with ZipStore(here / "v2.zarr.zip", mode="w") as store:
    group = zarr.create_group(store, zarr_format=2)
    for packer in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]:
        for shuffle in [0, 1, 2]:
            create(group, f"{packer}_{shuffle}", smooth, (60, 41), numcodecs.Blosc(packer, 5, shuffle))
    create(group, "far", far, (40000,), numcodecs.Blosc("blosclz", 9, 0))
    # Blocks of 4096 bytes, of which the last is not full.
    create(group, "blocks", smooth, (100, 41), numcodecs.Blosc("lz4", 1, 1, blocksize=4096))
    create(group, "noise", far[:1000], (1000,), numcodecs.Blosc("lz4", 1, 1))
with ZipStore(here / "v3.zarr.zip", mode="w") as store:
    group = zarr.create_group(store, zarr_format=3)
    deep = group.create_group("deep")
    create(deep, "t", smooth, (60, 41), BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle"))
