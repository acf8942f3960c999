"""Arrays with names: what a model makes of the fields of a data array, and how a data set is stored compressed.

>>> import numpy as np, xarray
>>> import enkoder.xarray
>>> from enkoder import Autoencoder, datasets
>>> maps = xarray.DataArray(datasets.fields(60).images, dims=("time", "lat", "lon"), name="temperature")
>>> model = Autoencoder(architecture="linear", latent=4).fit(maps.values)
>>> codes = enkoder.xarray.encode(model, maps)
>>> codes.dims, codes.shape
(('time', 'code'), (60, 4))
>>> enkoder.xarray.decode(model, codes, maps).dims
('time', 'lat', 'lon')
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from ._autoencoder import Autoencoder
from ._codec import check
from ._compressible import bounds, kept_note


def encode(model: Autoencoder, array: Any, dim: str = "time") -> Any:
    """The codes of the fields along an axis.

    Parameters
    ----------
    model : Autoencoder
        Fitted to the fields, as ``array.transpose(dim, ...).values``.
    array : xarray.DataArray
    dim : str
        The axis that counts the samples.

    Returns
    -------
    xarray.DataArray with the axes ``dim`` and ``code``
    """
    import xarray

    fields = _of_one_variable(array, "array").transpose(dim, ...)
    codes = model.transform(fields.values)
    kept = {name: coordinate for name, coordinate in fields.coords.items() if coordinate.dims == (dim,)}
    return xarray.DataArray(codes, dims=(dim, "code"), coords=kept, name=array.name, attrs=array.attrs)


def decode(model: Autoencoder, codes: Any, like: Any, dim: str = "time") -> Any:
    """The fields of codes.

    Parameters
    ----------
    model : Autoencoder
    codes : xarray.DataArray
        As ``encode`` gives them.
    like : xarray.DataArray
        An array of such fields: its other axes and their coordinates become those of the result.
    dim : str
        The axis that counts the samples.
    """
    import xarray

    codes = _of_one_variable(codes, "codes").transpose(dim, "code")
    of_one = _of_one_variable(like, "like").transpose(dim, ...).isel({dim: 0}, drop=True)
    fields = model.inverse_transform(codes.values).reshape(codes.sizes[dim], *of_one.shape)
    kept = {name: coordinate for name, coordinate in codes.coords.items() if coordinate.dims == (dim,)}
    return xarray.DataArray(
        fields, dims=(dim, *of_one.dims), coords={**of_one.coords, **kept}, name=like.name, attrs=like.attrs
    )


def encoding(dataset: Any, bound: str | Mapping[str, str] = "lossless") -> dict[str, dict[str, Any]]:
    """How ``dataset.to_zarr`` stores the variables of numbers: by the codec for Zarr v3.

    Within a bound of the data, such as ``rel:``, append whole chunks: ``enkoder.zarr.EnkoderCodec`` says why.

    Parameters
    ----------
    dataset : xarray.Dataset
    bound : str, or a mapping of names to str
        As of ``enkoder.compress``: one for all is not for integers, nor for arrays of one axis beside larger ones. They keep every bit, which
        a ``UserWarning`` says.

    Raises
    ------
    ValueError
        When there is no such bound, or it does not go with a variable.

    Examples
    --------
    >>> import numpy as np, xarray, tempfile
    >>> import enkoder.xarray
    >>> wave = np.sin(np.arange(6000, dtype="f4") / 40).reshape(60, 100)
    >>> dataset = xarray.Dataset({"wave": (("time", "x"), wave)})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = dataset.to_zarr(folder, encoding=enkoder.xarray.encoding(dataset, "abs:0.001"), zarr_format=3, consolidated=False)
    ...     read = xarray.open_zarr(folder, consolidated=False).load()
    >>> bool(np.abs(read.wave - wave).max() <= 0.001)
    True
    """
    from .zarr import EnkoderCodec

    if not hasattr(dataset, "data_vars"):
        raise TypeError(f"{type(dataset).__name__} is no xarray.Dataset\nhint: DataArray.to_dataset makes one of an array with a name")
    numbers = {str(name): variable for name, variable in dataset.data_vars.items() if variable.ndim and variable.dtype.kind in "iuf"}
    others = [str(name) for name in dataset.data_vars if str(name) not in numbers]
    each, kept = bounds(numbers, bound, others)
    for name, of in each.items():
        check(of, None, numbers[name].dtype.str)
    if kept:
        warnings.warn(kept_note(kept), UserWarning, stacklevel=2)
    return {name: {"serializer": EnkoderCodec(of).to_dict(), "compressors": None, "filters": None} for name, of in each.items()}


def _of_one_variable(array: Any, name: str) -> Any:
    import xarray

    if isinstance(array, xarray.DataArray):
        return array
    is_dataset = isinstance(array, xarray.Dataset)
    hint = "take one of its variables: dataset[NAME]" if is_dataset else "xarray.DataArray(values, dims=(...)) names the axes"
    raise TypeError(f"{name} is of {type(array).__name__}, but must be an xarray.DataArray\nhint: {hint}")
