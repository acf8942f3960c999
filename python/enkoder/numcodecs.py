"""The codec for numcodecs, and so for stores of Zarr v2. ``enkoder.zarr`` has that of Zarr v3.

>>> import numpy as np
>>> from enkoder.numcodecs import Enkoder
>>> codec = Enkoder("abs:0.01")
>>> waves = np.sin(np.arange(4000, dtype="f4") / 50).reshape(40, 100)
>>> bool(np.abs(codec.decode(codec.encode(waves)) - waves).max() <= 0.01)
True
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ndarray_copy
from numcodecs.registry import register_codec

from . import _archive, _codec


class Enkoder(Codec):  # type: ignore[misc]
    """Compresses the chunks of an array within a bound.

    Each chunk holds all that is needed to read it. Chunks that belong together compress better when they are large.

    A chunk that is written in part is read, changed and compressed again. An ``abs:`` bound holds all the same, however often. A bound of the data
    (``rel:``, ``psnr:``, ``prel:``, ``bits:``) does not: each time all of the chunk may move by it once more. There, write whole chunks
    (``dataset.chunk(time=32)``, or a chunk for each day).

    Parameters
    ----------
    bound : str
        As of ``enkoder.compress``. A bound that is relative, or a PSNR, is of each chunk's own range.
    effort : int, optional
        How many ways to predict are tried.

    Raises
    ------
    ValueError
        When there is no such bound or effort.
    """

    codec_id: ClassVar[str] = "enkoder"

    def __init__(self, bound: str = "lossless", effort: int | None = None) -> None:
        _codec.check(bound, effort)
        self.bound = bound
        self.effort = effort

    def encode(self, buf: Any) -> bytes:
        """The bytes of a chunk."""
        return bytes(_codec.compress(np.asanyarray(buf), self.bound, effort=self.effort, idempotent=True))

    def decode(self, buf: Any, out: Any = None) -> Any:
        """The chunk of some bytes."""
        values = _archive.decompress(bytes(buf))
        return values if out is None else ndarray_copy(values, out)


register_codec(Enkoder)
