"""The codec for Zarr v3: arrays into bytes, found by its name ``enkoder`` wherever Enkoder is installed.

>>> import numpy as np, zarr
>>> from enkoder.zarr import EnkoderCodec
>>> waves = np.sin(np.arange(4000, dtype="f4") / 50).reshape(40, 100)
>>> array = zarr.create_array({}, data=waves, chunks=(20, 100), serializer=EnkoderCodec("abs:0.01"), compressors=None)
>>> bool(np.abs(array[:] - waves).max() <= 0.01)
True
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Self

from zarr.abc.codec import ArrayBytesCodec
from zarr.core.common import parse_named_configuration
from zarr.registry import register_codec

from . import _archive, _codec


@dataclass(frozen=True)
class EnkoderCodec(ArrayBytesCodec):
    """Turns the chunks of an array into bytes, within a bound.

    A chunk that is written in part is read, changed and compressed again. An ``abs:`` bound holds all the same, however often. A bound of the data
    (``rel:``, ``psnr:``, ``prel:``, ``bits:``) does not: each time all of the chunk may move by it once more. There, write whole chunks
    (``dataset.chunk(time=32)``, or a chunk for each day).

    Parameters
    ----------
    bound : str
        As of ``enkoder.compress``. A bound that is relative, or a PSNR, is of each chunk's own range, and a chunk at the end of an axis is filled up
        with the array's fill value, which counts in it: there, take ``abs:``, or NaN as fill value.
    effort : int, optional
        How many ways to predict are tried.

    Raises
    ------
    ValueError
        When there is no such bound or effort. An array of a type that does not go with it is refused before anything is stored.
    """

    is_fixed_size = False

    bound: str = "lossless"
    effort: int | None = None

    def __post_init__(self) -> None:
        _codec.check(self.bound, self.effort)

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Raises a ValueError for an array that cannot be stored so, before its metadata are."""
        if not shape:
            raise ValueError("a single number is no array to compress\nhint: store it without the codec")
        _codec.check(self.bound, self.effort, dtype.to_native_dtype().str)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The codec that an array's metadata name."""
        _, configuration = parse_named_configuration(data, "enkoder", require_configuration=False)
        given: dict[str, Any] = dict(configuration or {})
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """What the metadata of an array say."""
        effort = {} if self.effort is None else {"effort": self.effort}
        return {"name": "enkoder", "configuration": {"bound": self.bound, **effort}}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        """Is not known before the chunk is."""
        raise NotImplementedError

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        values = await asyncio.to_thread(_archive.decompress, chunk_bytes.to_bytes())
        kind = chunk_spec.dtype.to_native_dtype()
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(values.reshape(chunk_spec.shape).astype(kind, copy=False))

    async def _encode_single(self, chunk_array: Any, chunk_spec: Any) -> Any:
        values = chunk_array.as_ndarray_like()
        packed = await asyncio.to_thread(_codec.compress, values, self.bound, effort=self.effort, idempotent=True)
        return chunk_spec.prototype.buffer.from_bytes(bytes(packed))


register_codec("enkoder", EnkoderCodec)
