"""The codec: arrays in, bytes out, within a bound that is kept for every value. ``_archive`` is the way back."""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from . import _enkoder
from ._compressible import Regions, bound_text, bounds, counts_fills, exact_text, kept_note, named, native_array, regions_of_each, unmasked
from ._enkoder import Model


class Compressed(bytes):
    """A compressed file, with what was measured while it was written.

    Attributes
    ----------
    summary : dict
        Shape, type and bound, bytes before and after, the largest error and the mean squared error. Of several arrays the bytes of all, and
        under ``"arrays"`` the same of each by its name.
    """

    summary: dict[str, Any]

    def __repr__(self) -> str:
        summary = getattr(self, "summary", None)
        if summary is None:
            return f"<Compressed {len(self):,} bytes>"
        arrays = ", ".join(said(name, **of) for name, of in summary.get("arrays", {"": summary}).items())
        before = summary["original_bytes"]
        return f"<Compressed {arrays}: {before:,} → {len(self):,} bytes, {before / len(self):.3g}×>"

    __str__ = __repr__


def said(name: str, *, shape: tuple[int, ...], dtype: Any, bound: str, **_: Any) -> str:
    """An array in few words."""
    return f"{name} {shape} {dtype}".lstrip() + (", lossless" if bound == "lossless" else f" within {bound}")


def compress(
    X: Any,
    bound: str | Mapping[str, str] = "lossless",
    *,
    regions: Regions | None = None,
    exact: str | Iterable[str] | None = (),
    model: Any = None,
    embed_model: bool = True,
    effort: int | None = None,
    block_samples: int | None = None,
    idempotent: bool = False,
) -> Compressed:
    """Compresses arrays, and proves it: every block is decoded again and compared before it is given out.

    Parameters
    ----------
    X : array of shape (n_samples, ...), or a mapping of names to arrays
        Integers, floats or booleans. Of a mapping (a dictionary, what ``np.load`` gives for an NPZ file, an ``xarray.Dataset``) each array may have
        its own shape and type. Coordinates and attributes of xarray are not kept, nor single numbers, texts and times of a data set or an NPZ
        file, which a ``UserWarning`` says. Masked cells do not count in the range. They come back as NaN, those of integers, which have to be
        lossless, as the fill value.
    bound : str, or a mapping of names to str
        What may change: ``"lossless"``, ``"abs:0.01"`` (no value by more than this), ``"rel:0.001"`` (of the range), ``"prel:0.001"`` (of each
        value), ``"bits:12"`` (so many significant bits stay), or ``"psnr:60"``. Of a mapping of arrays, one for all or one for each. One for
        all is not for integers, nor for arrays of one axis beside larger ones: they keep every bit, which a ``UserWarning`` says.
    regions : mapping of names to (mask, bound), optional
        Cells with a bound of their own; where they overlap, the last holds. A mask is of booleans, and is repeated over the array as NumPy
        repeats it, or by the names of its axes where both are of xarray. Of several arrays each has these regions that is not lossless;
        ``{"t": {"land": (mask, bound)}}`` is for the array ``"t"`` alone.
    exact : str or iterable of str
        What comes back exactly, whatever the bound: ``"zeros"``, ``"signs"``, ``"extremes"``.
    model : Autoencoder, optional
        A fitted model to predict with, of one array. Without one, predictions are learned on the array itself. With one there are neither
        ``regions``, ``exact`` nor ``effort``.
    embed_model : bool
        Whether what is needed of the model is stored with the data. Otherwise it has to be given to ``decompress``.
    effort : int, optional
        How many ways to predict are tried without a model, from 1 to 9. By default 5.
    block_samples : int, optional
        Samples in a block, which can be read alone.
    idempotent : bool
        Whether an ``abs:`` bound holds as well for values that are decompressed and compressed again, however often, as a store does whose chunks are
        written in part. Errors would add up otherwise. It takes a little more space.

    Returns
    -------
    Compressed
        The bytes of an ``.enk`` file, as the command reads and writes them.

    Raises
    ------
    ValueError
        When an array, a bound or a region will not do.
    TypeError
        When something else is given in place of one.

    Examples
    --------
    >>> import numpy as np
    >>> from enkoder import Archive, compress, decompress
    >>> waves = np.sin(np.arange(20000, dtype=np.float32) / 50).reshape(100, 200)
    >>> packed = compress(waves, "abs:0.001")
    >>> bool(np.abs(decompress(packed) - waves).max() <= 0.001)
    True
    >>> len(packed) < waves.nbytes / 4
    True

    Several arrays, and some columns of one that come back as they were:

    >>> packed = compress({"waves": waves, "steps": np.arange(100)}, {"waves": "abs:0.01", "steps": "lossless"})
    >>> Archive(packed)["steps"].dtype
    dtype('int64')
    >>> shore = np.arange(200) < 20
    >>> packed = compress(waves, "abs:0.01", regions={"shore": (shore, "lossless")})
    >>> bool((decompress(packed)[:, :20] == waves[:, :20]).all())
    True
    """
    arrays, left_out = named(X)
    each, kept = bounds({name: array.values for name, array in arrays.items()}, bound, left_out)
    exact = exact_text(exact)
    if model is not None and (len(arrays) != 1 or regions or exact or effort is not None or idempotent):
        raise ValueError(
            "a model compresses one array within one bound, without regions, exact, effort or idempotent\nhint: leave out the model"
        )
    effort = _whole("effort", effort, 9)
    block_samples = _whole("block_samples", block_samples, 2**32 - 1)
    given, masked = [], {}
    for name, own in regions_of_each(regions, each).items():
        promised = {each[name], *(str(of) for _, of in own.values())}
        numbers, missing = unmasked(arrays[name], repr(name) if name else "the array", promised)
        if missing:
            masked[name or "the array"] = missing
        given.append({**native_array(name, numbers, arrays[name], each[name], own, exact), "idempotent": idempotent})
    # The codec knows booleans as bytes.
    headers = b"".join(array["header"] for array in given) if any(array["is_bool"] for array in given) else b""
    packed, summaries = _enkoder.compress(given, headers, native(model), embed_model, effort, block_samples)
    filled = [name or "the array" for name, array in arrays.items() if counts_fills(array, each[name])]
    for note in _notes(X, left_out, kept, masked, filled):
        warnings.warn(note, UserWarning, stacklevel=2)
    compressed = Compressed(packed)
    told = {
        name: {"shape": array.values.shape, "dtype": array.values.dtype, "bound": each[name], **summary}
        for (name, array), summary in zip(arrays.items(), summaries)
    }
    compressed.summary = next(iter(told.values())) if len(told) == 1 else {
        "original_bytes": sum(summary["original_bytes"] for summary in summaries),
        "compressed_bytes": len(packed),
        "arrays": told,
    }
    return compressed


def _notes(X: Any, left_out: dict[str, str], kept: list[str], masked: dict[str, str], filled: list[str]) -> list[str]:
    """What the file does not keep as it was given, or keeps although a bound would allow less."""
    notes = []
    if hasattr(X, "coords") and (len(X.coords) or X.attrs or left_out):
        back = "Dataset.copy(data={**dataset, **Archive(packed)})" if isinstance(X, Mapping) else "DataArray.copy(data=decompress(packed))"
        notes.append(
            "the file does not keep coordinates and attributes" + "".join(f"; {why}" for why in left_out.values())
            + f"\nhint: {back} puts arrays back among them, and to_zarr with enkoder.xarray.encoding stores all"
        )
    elif left_out:
        notes.append(f"left out of the file: {'; '.join(left_out.values())}\nhint: keep them beside it, or give them as arrays of numbers")
    if kept:
        notes.append(kept_note(kept))
    if masked:
        names = ", ".join(f"{missing} in {name}" for name, missing in masked.items())
        notes.append(
            f"masked cells come back as {names}\nhint: numpy.ma.masked_invalid masks NaN again, and numpy.ma.masked_equal a fill value"
        )
    if filled:
        notes.append(
            f"fill values count in the range of {', '.join(filled)}, of which the bound is a part\nhint: mask them, as xarray.open_dataset does "
            "unless told otherwise, or take a bound of abs:"
        )
    return notes


def _whole(name: str, number: int | None, most: int) -> int | None:
    """A whole number from 1 on, or none."""
    if number is None:
        return None
    try:
        whole = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} is {number!r}, but must be a whole number") from None
    if not 1 <= whole <= most:
        raise ValueError(f"{name} is {number}, but must be from 1 to {most}")
    return whole


def check(bound: str, effort: int | None, dtype: str = "f4") -> None:
    """Raises what ``compress`` raises for arrays of this type within this bound, before there is an array."""
    _checked(bound_text(bound), effort, dtype)


@functools.lru_cache(maxsize=256)
def _checked(bound: str, effort: int | None, dtype: str) -> None:
    compress(np.zeros(2, dtype), bound, effort=effort)


def native(model: Any) -> Model | None:
    """The native model of an estimator."""
    if model is None or isinstance(model, Model):
        return model
    fitted: Model | None = getattr(model, "model_", None)
    if fitted is None:
        raise ValueError(f"{type(model).__name__} is no fitted model\nhint: fit it, or load it, first")
    return fitted
