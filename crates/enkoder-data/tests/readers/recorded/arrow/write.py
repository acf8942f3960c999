"""Writes the Arrow files beside it, which a test reads: pip install pyarrow polars, and run it.

`arrow_0.17_lz4.feather` is from pyarrow's tests (`v0.17.0.version.2-compression.lz4.feather`, Apache-2.0), for nothing of today writes such.
"""

import datetime
import decimal
import pathlib

import polars as pl
import pyarrow as pa

here = pathlib.Path(__file__).parent


def table(first, rows):
    """Rows of every type that is read; the second of each five is missing."""
    numbers = [None if i % 5 == 1 else i for i in range(first, first + rows)]

    def column(kind, of=lambda i: i):
        return pa.array([None if i is None else of(i) for i in numbers], kind)

    words = ["low", "high", "a word of more than twelve bytes"]
    day = datetime.date(2024, 1, 1)
    moment = datetime.datetime(2024, 1, 1)
    return pa.table({
        "i8": column(pa.int8()),
        "u64": column(pa.uint64()),
        "f16": column(pa.float16(), lambda i: i / 2),
        "f32": column(pa.float32(), lambda i: i / 4),
        "f64": column(pa.float64(), lambda i: i / 8),
        "flag": column(pa.bool_(), lambda i: i % 2 == 0),
        "price": column(pa.decimal128(10, 2), lambda i: decimal.Decimal(i) / 4),
        "day": column(pa.date32(), lambda i: day + datetime.timedelta(days=i)),
        "moment": column(pa.timestamp("us", "UTC"), lambda i: moment + datetime.timedelta(seconds=i)),
        "took": column(pa.duration("ms"), lambda i: datetime.timedelta(seconds=i / 2)),
        "word": column(pa.string(), lambda i: words[i % 3]),
        "view": column(pa.string_view(), lambda i: words[i % 3]),
        "state": column(pa.string(), lambda i: words[i % 3]).dictionary_encode(),
        "part": column(pa.struct([("x", pa.int16()), ("y", pa.float32())]), lambda i: {"x": i, "y": i / 2}),
        "pair": column(pa.list_(pa.float32(), 2), lambda i: [i, -i]),
        "none": pa.nulls(rows),
        "bytes": column(pa.binary(), lambda i: bytes([i])),
        "lists": column(pa.list_(pa.int8()), lambda i: [1] * (i % 3)),
    })


both = pa.concat_tables([table(0, 7), table(7, 13)])
for name, packing in [("plain", None), ("lz4", "lz4"), ("zstd", "zstd")]:
    options = pa.ipc.IpcWriteOptions(compression=packing, unify_dictionaries=True)
    with pa.ipc.new_file(here / f"{name}.arrow", both.schema, options=options) as writer:
        writer.write_table(both)
# A stream whose dictionary changes, and grows.
options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
with pa.ipc.new_stream(here / "stream.arrows", both.schema, options=options) as writer:
    writer.write_table(both)
# The schema has no length before it, and the dictionary comes last.
pl.DataFrame({
    "x": [1.5, None],
    "word": pl.Series(["u", "v"], dtype=pl.Categorical),
    "list": [[], [3, 4]],
}).write_ipc(here / "polars.arrow")

# Columns of one name, and of none.
array = pa.array([1.0, 2.0])
alike = pa.Table.from_arrays([array, pa.array([3.0, 4.0]), array], names=["a", "a", ""])
with pa.ipc.new_stream(here / "alike.arrows", alike.schema) as writer:
    writer.write_table(alike)
