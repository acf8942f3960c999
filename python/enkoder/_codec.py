"""The codec: arrays in, bytes out, within a bound that is kept for every value. ``_archive`` is the way back."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from . import _enkoder
from ._base import Array
from ._enkoder import Model

Regions: TypeAlias = Mapping[str, tuple[Any, str]]


class Compressed(bytes):
    """A compressed file, with what was measured while it was written.

    Attributes
    ----------
    summary : dict
        Bytes before and after, the largest error and the mean squared error. Of several arrays the bytes of all, and under ``"arrays"`` the same
        of each by its name.
    """

    summary: dict[str, Any]


def compress(
    X: Any,
    bound: str | Mapping[str, str] = "lossless",
    *,
    regions: Regions | None = None,
    exact: str | Iterable[str] = (),
    model: Any = None,
    embed_model: bool = True,
    effort: int | None = None,
    block_samples: int | None = None,
) -> Compressed:
    """Compresses arrays, and proves it: every block is decoded again and compared before it is given out.

    Parameters
    ----------
    X : array of shape (n_samples, ...), or a mapping of names to arrays
        Integers, floats or booleans. Of a mapping (a dictionary, what ``np.load`` gives for an NPZ file, an ``xarray.Dataset``) each array may have
        its own shape and type. Coordinates and attributes of xarray are not kept, which a ``UserWarning`` says.
    bound : str, or a mapping of names to str
        What may change: ``"lossless"``, ``"abs:0.01"`` (no value by more than this), ``"rel:0.001"`` (of the range), ``"prel:0.001"`` (of each
        value), ``"bits:12"`` (so many significant bits stay), or ``"psnr:60"``. Of a mapping of arrays, one for all or one for each.
    regions : mapping of names to (mask, bound), optional
        Cells with a bound of their own; where they overlap, the last holds. A mask is of booleans, and is repeated over the array as NumPy
        repeats it, or by the names of its axes where both are of xarray.
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

    Returns
    -------
    Compressed
        The bytes of an ``.enk`` file, as the command reads and writes them.

    Raises
    ------
    ValueError
        When an array, a bound or a region will not do.

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
    arrays = {str(name): array for name, array in X.items()} if isinstance(X, Mapping) else {"": X}
    if hasattr(X, "coords") and (len(X.coords) or X.attrs):
        warnings.warn(
            "the file does not keep coordinates and attributes\nhint: Dataset.copy(data=...) puts arrays back among them, and "
            "to_zarr with enkoder.xarray.encoding stores all",
            UserWarning,
            stacklevel=2,
        )
    bounds = dict.fromkeys(arrays, bound) if isinstance(bound, str) else {str(name): one for name, one in bound.items()}
    if bounds.keys() != arrays.keys():
        names = ", ".join(map(repr, sorted(bounds.keys() ^ arrays.keys())))
        raise ValueError(f"bounds and arrays do not go together: {names}\nhint: give one bound for all, or one for each array")
    if model is not None and (len(arrays) != 1 or regions or exact or effort is not None):
        raise ValueError("a model compresses one array within one bound, without regions, exact or effort\nhint: leave out the model")
    exact = exact if isinstance(exact, str) else ",".join(exact)
    if not arrays:
        raise ValueError("there is no array to compress")
    if effort is not None and not 1 <= effort <= 9:
        raise ValueError(f"effort is {effort}, but must be from 1 to 9")
    given = [_given(name, array, bounds[name], regions or {}, exact) for name, array in arrays.items()]
    # The codec knows booleans as bytes.
    headers = b"".join(array["header"] for array in given) if any(array["is_bool"] for array in given) else b""
    packed, summaries = _enkoder.compress(given, headers, native(model), embed_model, effort, block_samples)
    compressed = Compressed(packed)
    compressed.summary = summaries[0] if len(summaries) == 1 else {
        "original_bytes": sum(summary["original_bytes"] for summary in summaries),
        "compressed_bytes": len(packed),
        "arrays": dict(zip(arrays, summaries)),
    }
    return compressed


def _given(name: str, X: Any, bound: str, regions: Regions, exact: str) -> dict[str, Any]:
    """An array as the native module takes it, with the header that it has in an NPY file."""
    values = np.asarray(X)
    called = f"{name!r}" if name else "the array"
    if values.ndim == 0:
        raise ValueError(f"{called} is a single number, and no array to compress")
    header = io.BytesIO()
    kind = values.dtype.newbyteorder("<") if values.dtype != bool else values.dtype
    if kind.kind not in "iufb":
        raise ValueError(f"values of {values.dtype} cannot be compressed ({called})\nhint: give integers, floats or booleans")
    np.lib.format.write_array_header_1_0(
        header, {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": ()}
    )
    little = np.ascontiguousarray(values, dtype=kind)
    dims = getattr(X, "dims", None)
    return {
        "name": name,
        "values": little.reshape(-1).view(np.uint8),
        "element": "u8" if kind == bool else f"{kind.kind}{8 * kind.itemsize}",
        "shape": values.shape,
        "bound": bound,
        "regions": [
            (str(region), of, *_cells(region, mask, called, values.shape, dims)) for region, (mask, of) in regions.items()
        ],
        "exact": exact or None,
        "is_bool": kind == bool,
        "header": header.getvalue(),
    }


def _cells(
    region: str, mask: Any, called: str, shape: tuple[int, ...], dims: Sequence[str] | None
) -> tuple[list[int], list[int], Array]:
    """The axes of an array that a mask speaks of, their lengths, and the mask along them."""
    inside = np.asarray(mask)
    if inside.dtype != bool:
        raise ValueError(f"the region {region!r} is of {inside.dtype}\nhint: a mask is of booleans: give mask > 0, or the like")
    of_mask = getattr(mask, "dims", None)
    wrong = ValueError(
        f"the region {region!r} of shape {inside.shape} does not fit {called}, whose shape is {shape}\n"
        "hint: its axes are those that the array ends with, each as long or 1 long; compress arrays that have no such cells by themselves"
    )
    if of_mask is not None and dims is not None:
        if not set(of_mask) <= set(dims):
            raise wrong
        axes = [dims.index(name) for name in of_mask]
        inside = inside.transpose(np.argsort(axes))
        axes.sort()
    else:
        axes = [len(shape) - inside.ndim + axis for axis in range(inside.ndim)]
    if inside.ndim > len(shape) or any(length not in (1, shape[axis]) for axis, length in zip(axes, inside.shape)):
        raise wrong
    # An axis of length 1 says the same of all places.
    told = [(axis, length) for axis, length in zip(axes, inside.shape) if length == shape[axis]]
    return [axis for axis, _ in told], [length for _, length in told], inside.ravel()


def native(model: Any) -> Model | None:
    """The native model of an estimator."""
    if model is None or isinstance(model, Model):
        return model
    fitted: Model | None = getattr(model, "model_", None)
    if fitted is None:
        raise ValueError(f"{type(model).__name__} is no fitted model\nhint: fit it, or load it, first")
    return fitted
