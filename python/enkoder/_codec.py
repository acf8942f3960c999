"""The codec: arrays in, bytes out, within a bound that is kept for every value."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _enkoder
from ._base import Array
from ._enkoder import Model


class Compressed(bytes):
    """A compressed file, with what was measured while it was written.

    Attributes
    ----------
    summary : dict
        Bytes before and after, the largest error and the mean squared error.
    """

    summary: dict[str, Any]


def compress(
    X: Any,
    bound: str = "lossless",
    *,
    model: Any = None,
    embed_model: bool = True,
    effort: int | None = None,
    block_samples: int | None = None,
) -> Compressed:
    """Compresses an array, and proves it: every block is decoded again and compared before it is given out.

    Parameters
    ----------
    X : array of shape (n_samples, ...)
        Integers or floats of NumPy.
    bound : str
        What may change: ``"lossless"``, ``"abs:0.01"`` (no value by more than this), ``"rel:0.001"`` (of the range), or ``"psnr:60"``.
    model : Autoencoder, optional
        A fitted model to predict with. Without one, predictions are learned on the array itself.
    embed_model : bool
        Whether what is needed of the model is stored with the data. Otherwise it has to be given to ``decompress``.
    effort : int, optional
        How many ways to predict are tried without a model.
    block_samples : int, optional
        Samples in a block, which can be read alone.

    Returns
    -------
    Compressed
        The bytes of an ``.enk`` file, as the command reads and writes them.

    Examples
    --------
    >>> import numpy as np
    >>> from enkoder import compress, decompress
    >>> waves = np.sin(np.arange(20000, dtype=np.float32) / 50).reshape(100, 200)
    >>> packed = compress(waves, "abs:0.001")
    >>> bool(np.abs(decompress(packed) - waves).max() <= 0.001)
    True
    >>> len(packed) < waves.nbytes / 4
    True
    """
    values = np.asarray(X)
    if values.ndim == 0:
        raise ValueError("a single number is no array to compress")
    if values.dtype.kind == "b":
        values = values.view(np.uint8)
    if values.dtype.kind not in "iuf":
        raise ValueError(f"values of {values.dtype} cannot be compressed\nhint: give integers or floats")
    sample = values.shape[1:] or (1,)
    little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    packed, summary = _enkoder.compress(
        little.tobytes(), f"{values.dtype.kind}{8 * values.dtype.itemsize}", sample, bound, _native(model),
        embed_model, effort, block_samples,
    )
    compressed = Compressed(packed)
    compressed.summary = summary
    return compressed


def decompress(data: bytes, *, model: Any = None, first: int = 0, end: int | None = None) -> Array:
    """The array of a compressed file, or some of its samples.

    Parameters
    ----------
    data : bytes
    model : Autoencoder, optional
        The model that it was compressed with, where it does not lie in the file.
    first, end : int
        The samples to read. By default all.

    Raises
    ------
    ValueError
        When the bytes are damaged, or the model is missing or another one.
    """
    values, element, shape = _enkoder.decompress(bytes(data), _native(model), first, end)
    read: Array = np.frombuffer(values, dtype=np.dtype(f"<{element[0]}{int(element[1:]) // 8}"))
    return read.reshape(shape).copy()


def _native(model: Any) -> Model | None:
    if model is None or isinstance(model, Model):
        return model
    fitted: Model | None = getattr(model, "model_", None)
    if fitted is None:
        raise ValueError(f"{type(model).__name__} is no fitted model\nhint: fit it, or load it, first")
    return fitted
