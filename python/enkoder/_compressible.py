"""What ``compress`` is given: arrays by their names, with masks, bounds and regions, as the native module takes them."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ._base import Array

Region: TypeAlias = tuple[Any, str]
Regions: TypeAlias = Mapping[str, Region | Mapping[str, Region]]


class Named(NamedTuple):
    """An array, what its axes are called, where xarray says it, and its fill values, where attributes name such."""

    values: Array
    dims: tuple[str, ...] | None
    fills: list[Any]


def named(X: Any) -> tuple[dict[str, Named], dict[str, str]]:
    """Arrays by their names, ``""`` for one alone, and by its name why one of a data set or an NPZ file is left out.

    Of a dictionary, which somebody put together for this, nothing is left out.
    """
    arrays: dict[str, Named] = {}
    left_out: dict[str, str] = {}
    for name, of in X.items() if isinstance(X, Mapping) else [("", X)]:
        name = str(name)
        called = repr(name) if name else "the array"
        if name in arrays:
            raise ValueError(f"two arrays have the name {called}\nhint: rename one")
        array = _array(of, called)
        why, way_out = _unsuitable(of, array.values)
        if not why:
            arrays[name] = array
        elif isinstance(X, Mapping) and not isinstance(X, dict):
            left_out[name] = f"{called} is {why}"
        else:
            raise ValueError(f"{called} is {why}, which cannot be compressed\nhint: {way_out}")
    if "" in arrays and len(arrays) > 1:
        raise ValueError("one of several arrays has no name\nhint: give it one in place of ''")
    if not arrays:
        raise ValueError("there is no array to compress" + "".join(f": {why}" for why in list(left_out.values())[:1]))
    return arrays, left_out


def _array(X: Any, called: str) -> Named:
    if isinstance(X, (str, bytes, os.PathLike)):
        raise TypeError(
            f"{called} is {X if len(repr(X)) < 99 else type(X).__name__!r}, but must be of numbers\nhint: open the file, with "
            "numpy.load or xarray.open_dataset, or run `python -m enkoder compress FILE -o FILE.enk --bound BOUND`"
        )
    dims, attributes = getattr(X, "dims", None), getattr(X, "attrs", {})
    fills = [fill for name in ("_FillValue", "missing_value") for fill in np.ravel(attributes.get(name, []))]
    return Named(np.asanyarray(X), None if dims is None else tuple(map(str, dims)), fills)


def _unsuitable(X: Any, values: Array) -> tuple[str, str]:
    """What an array is that the codec does not take, and the way out; nothing of others."""
    if values.dtype.kind not in "iufb" or values.dtype.itemsize > 8:
        kind = f"a {type(X).__name__}" if values.ndim == 0 and values.dtype == object else f"of {values.dtype}"
        return kind, "give integers, floats of 64 bits or less, or booleans, or a mapping of such arrays, as Dataset.variables of netCDF4 is"
    return ("a single number", "numpy.atleast_1d makes an array of it") if values.ndim == 0 else ("", "")


def bounds(
    arrays: Mapping[str, Any], bound: str | Mapping[str, str], left_out: Iterable[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """The bound of each array, and those that keep every bit because no bound names them, as the command chooses them."""
    if isinstance(bound, Mapping):
        own = {str(name): bound_text(of) for name, of in bound.items() if str(name) not in left_out}
        if own.keys() != arrays.keys():
            names = ", ".join(map(repr, sorted(own.keys() ^ arrays.keys())))
            raise ValueError(f"bounds and arrays do not go together: {names}\nhint: give one bound for all, or one for each array")
        return own, []
    axes = {name: sum(length > 1 for length in array.shape) for name, array in arrays.items()}
    most = max(axes.values(), default=0)
    kept = [name for name, array in arrays.items() if array.dtype.kind != "f" or (axes[name] < 2 <= most)]
    if bound_text(bound) == "lossless" or len(kept) == len(arrays):
        kept = []
    return {name: "lossless" if name in kept else bound for name in arrays}, kept


def kept_note(kept: list[str]) -> str:
    """The command's note on arrays that no bound names, and the way out."""
    return (
        f"every bit is kept of integers, and of arrays of one axis beside larger ones: {', '.join(kept)}. A bound by "
        f'name holds for them, too\nhint: name all: {{"{kept[0]}": "lossless", ...}}'
    )


def bound_text(bound: Any) -> str:
    if not isinstance(bound, str):
        raise TypeError(
            f'the bound is {bound!r}, but must be text\nhint: "abs:0.01" for no value off by more than 0.01, "rel:0.001" for a thousandth of '
            'the range, "lossless" for every bit'
        )
    return bound


def exact_text(exact: str | Iterable[str] | None) -> str:
    """What must come back exactly, as the native module reads it."""
    if exact is None or isinstance(exact, str):
        return exact or ""
    parts = list(exact) if isinstance(exact, Iterable) else [exact]
    if not all(isinstance(part, str) for part in parts):
        raise TypeError(f'exact is {exact!r}, but must be some of "zeros", "signs" and "extremes"')
    return ",".join(parts)


_REGIONS = 'must be of masks and bounds by names\nhint: regions={"land": (mask, "abs:0.01")}'


def regions_of_each(regions: Regions | None, bounds: Mapping[str, str]) -> dict[str, dict[str, Region]]:
    """The regions of each array: those for all, but of arrays that keep every bit beside others that do not, and its own."""
    for_all: dict[str, Region] = {}
    own: dict[str, Mapping[str, Region]] = {}
    if regions is not None and not isinstance(regions, Mapping):
        raise TypeError(f"regions is a {type(regions).__name__}, but {_REGIONS}")
    for name, of in (regions or {}).items():
        if isinstance(of, Mapping):
            own[str(name)] = of
        else:
            for_all[str(name)] = of
    if own.keys() - bounds.keys():
        names = ", ".join(map(repr, sorted(own.keys() - bounds.keys())))
        raise ValueError(f"regions are given for {names}, but there is no such array\nhint: there are {', '.join(map(repr, bounds))}")
    is_lossy = any(bound != "lossless" for bound in bounds.values())
    for of in [*for_all.values(), *(region for regions in own.values() for region in regions.values())]:
        if not isinstance(of, (tuple, list)) or len(of) != 2:
            raise TypeError(f"a region is a {type(of).__name__}, but {_REGIONS}")
    return {
        name: {**({} if is_lossy and bound == "lossless" else for_all), **own.get(name, {})} for name, bound in bounds.items()
    }


def counts_fills(array: Named, bound: str) -> bool:
    """Whether fill values that nobody masked widen the range, and so what a bound that is a part of it allows."""
    return bound.startswith(("rel:", "psnr:")) and not np.ma.is_masked(array.values) and any((array.values == fill).any() for fill in array.fills)


def unmasked(array: Named, called: str, bounds: set[str]) -> tuple[Array, str | None]:
    """The numbers of an array, those of masked cells being NaN, or the fill value of integers; and what they are, where there are such.

    Raises
    ------
    ValueError
        When that would not tell them from others.
    """
    values = array.values
    if not np.ma.is_masked(values):
        return np.asarray(values), None
    if values.dtype.kind == "f" and "none" not in bounds:
        return np.ma.filled(values, np.nan), "NaN"
    if bounds != {"lossless"}:
        raise ValueError(
            f"{called} has masked cells, which cannot be told from others after a change within {', '.join(sorted(bounds))}\n"
            "hint: give floats, such as array.astype('f4'), whose masked cells become NaN, or take lossless"
        )
    numbers, mask = np.ma.filled(values), np.ma.getmaskarray(values)
    fill = numbers[mask][0]
    if (numbers[~mask] == fill).any():
        raise ValueError(
            f"{called} has masked cells, and its fill value {fill} is also a number of others\nhint: set array.fill_value to one that is not, "
            "or compress array.data and array.mask as two arrays"
        )
    return numbers, str(fill)


def native_array(name: str, numbers: Array, array: Named, bound: str, regions: Mapping[str, Region], exact: str) -> dict[str, Any]:
    """An array as the native module takes it, with the header that it has in an NPY file."""
    called = repr(name) if name else "the array"
    kind = numbers.dtype.newbyteorder("<") if numbers.dtype != bool else numbers.dtype
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": ()}
    )
    little = np.ascontiguousarray(numbers, dtype=kind)
    return {
        "name": name,
        "values": little.reshape(-1).view(np.uint8),
        "element": "u8" if kind == bool else f"{kind.kind}{8 * kind.itemsize}",
        "shape": numbers.shape,
        "bound": bound,
        "regions": [
            (str(region), bound_text(of[1]), *_cells(region, of[0], called, numbers.shape, array.dims)) for region, of in regions.items()
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
    only = 'regions={"ARRAY": {"REGION": (mask, bound)}} gives a region to one array alone'
    if of_mask is not None and dims is not None:
        if not set(of_mask) <= set(dims):
            raise ValueError(
                f"the region {region!r} has the axes {', '.join(map(str, of_mask))}, but {called} has {', '.join(dims)}\n"
                f"hint: mask.rename(...) gives it the names of the array; {only}"
            )
        axes = [dims.index(name) for name in of_mask]
        inside = inside.transpose(np.argsort(axes))
        axes.sort()
    else:
        axes = [len(shape) - inside.ndim + axis for axis in range(inside.ndim)]
    if inside.ndim > len(shape) or any(length not in (1, shape[axis]) for axis, length in zip(axes, inside.shape)):
        raise ValueError(
            f"the region {region!r} of shape {inside.shape} does not fit {called}, whose shape is {shape}\n"
            f"hint: its axes are those that the array ends with, each as long or 1 long; {only}"
        )
    # An axis of length 1 says the same of all places.
    told = [(axis, length) for axis, length in zip(axes, inside.shape) if length == shape[axis]]
    return [axis for axis, _ in told], [length for _, length in told], inside.ravel()
