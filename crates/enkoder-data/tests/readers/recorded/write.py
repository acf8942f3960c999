"""Writes the files beside it: python write.py, with netCDF4, h5py and hdf5plugin."""
import h5py, hdf5plugin, netCDF4, numpy as np

with netCDF4.Dataset("groups.nc", "w") as file:
    file.createDimension("time", None)
    file.createDimension("lat", 6)
    file.createDimension("lon", 8)
    file.createVariable("time", "f8", ("time",)).units = "hours since 2000-01-01"
    file.createVariable("lat", "f4", ("lat",)).units = "degrees_north"
    file["time"][:] = np.arange(5)
    file["lat"][:] = np.linspace(-50, 50, 6)
    t = file.createVariable("t", "i2", ("time", "lat", "lon"), zlib=True, shuffle=True, fletcher32=True,
                            chunksizes=(2, 3, 8), fill_value=-999)
    t.units, t.long_name, t.scale_factor, t.add_offset = "K", "temperature", 0.01, 273.15
    t.valid_range = np.array([-5000, 5000], "i2")
    t.set_auto_maskandscale(False)
    values = (np.arange(240) * 37 % 4001 - 2000).astype("i2").reshape(5, 6, 8)
    values[1, 2, 3], values[4, 5, 7] = -999, 6000
    t[:] = values
    group = file.createGroup("soil")
    group.createDimension("depth", 3)
    m = group.createVariable("moisture", "f4", ("time", "depth"), zlib=True, chunksizes=(2, 3))
    m[0:3] = np.arange(9, dtype="f4").reshape(3, 3)  # two steps of time are never written
    u = group.createVariable("count", "i1", ("depth",))
    u.setncattr("_Unsigned", "true")
    u.set_auto_maskandscale(False)
    u[:] = np.array([1, -1, -56], "i1")
    kind = group.createEnumType(np.uint8, "kind_t", {"clay": 0, "sand": 1, "peat": 2})
    group.createVariable("kind", kind, ("depth",))[:] = np.array([2, 0, 1], "u1")
    group.createVariable("name", str, ("depth",))[:] = np.array(["top", "middle", "deep"], object)

with h5py.File("types.h5", "w", libver="latest") as file:
    file["half"] = np.linspace(0, 1, 12, dtype="f2").reshape(3, 4)
    file["complex"] = np.ones((3, 2), "c8")
    file["points"] = np.zeros(4, [("x", "f4"), ("y", "i2")])
    file["flags"] = np.array([True, False, True])
    file["big"] = np.arange(12, dtype=">u4").reshape(4, 3)
    file.create_dataset("sparse", (1000, 1000), "f4", chunks=(50, 50), fillvalue=7)[20, 30] = 1
    file.create_dataset("lzf", data=np.arange(100, dtype="i4").reshape(10, 10), chunks=(5, 10), compression="lzf")
    file.create_dataset("petabyte", (1 << 20, 1 << 28), "f4", chunks=(1024, 1024))
    file["scalar"] = 3.5
    file["again"] = file["/"]
    file["gone"] = h5py.SoftLink("/nowhere")
    file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/x")

with netCDF4.Dataset("cdf5.nc", "w", format="NETCDF3_64BIT_DATA") as file:
    file.createDimension("time", None)
    file.createDimension("x", 3)
    file.createVariable("steps", "i8", ("time", "x"))[:] = np.arange(6).reshape(2, 3) + (1 << 40)
    file.createVariable("mask", "u1", ("time",))[:] = np.array([0, 200], "u1")
    v = file.createVariable("v", "u2", ("x",), fill_value=9)
    v.note = "ümlaut"
    v[:] = np.ma.masked_array(np.array([1, 2, 65000], "u2"), [False, True, False])

with h5py.File("filters.h5", "w", libver="latest") as file:
    # 403 values of 4 bytes: chunks that neither 8 values nor a block divide.
    values = (np.arange(1209) % 97 * 1000).astype("i4").reshape(3, 403)
    def add(name, **packed):
        file.create_dataset(name, data=values, chunks=(1, 403), **packed)
    add("lzf", compression="lzf", shuffle=True)
    add("bzip2", **hdf5plugin.BZip2())
    add("zstd", **hdf5plugin.Zstd())
    for name in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]:
        add(f"blosc_{name}", **hdf5plugin.Blosc(name, shuffle=hdf5plugin.Blosc.BITSHUFFLE))
    for name in ["none", "lz4", "zstd"]:
        add(f"bitshuffle_{name}", **hdf5plugin.Bitshuffle(cname=name))
    add("blosc2", **hdf5plugin.Blosc2())
    file["brain"] = np.arange(4, dtype="f4")
    brain = h5py.h5t.IEEE_F32LE.copy()
    brain.set_fields(15, 7, 8, 0, 7)
    brain.set_size(2)
    brain.set_ebias(127)
    del file["brain"]
    h5py.h5d.create(file.id, b"brain", brain, h5py.h5s.create_simple((4,)))
    file["half"] = np.array([1.5, -2, np.nan, 65504], ">f2")
