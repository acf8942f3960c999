"""Compressed files, whose arrays are read by name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from . import _enkoder
from ._base import Array
from ._codec import native


class Stored(NamedTuple):
    """What a compressed file says of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    #: What was promised of its values.
    bound: str
    #: Names of the regions with bounds of their own, and these.
    regions: dict[str, str]
    #: What comes back exactly, whatever the bound.
    exact: tuple[str, ...]
    #: Whether the model that predicts it lies in the file; false where it must be given, and where there is none.
    has_model: bool
    #: The SHA-256 of that model, "" where there is none.
    model_hash: str


class Archive(Mapping[str, Array]):
    """The arrays of a compressed file, each of which is decoded when it is asked for.

    Parameters
    ----------
    source : path or bytes
        An ``.enk`` file that ``compress`` or the command wrote. Of a file only what is needed is read.
    model : Autoencoder, optional
        The model that it was compressed with, where it does not lie in the file.

    Attributes
    ----------
    info : dict of str to Stored
        Shape, type and bounds of each array. One without a name is called ``"arr_0"``, as in NPZ files.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no compressed file, or damaged; when an array is read, also where the model is missing or another one.

    Examples
    --------
    >>> import numpy as np
    >>> from enkoder import Archive, compress
    >>> wind = np.sin(np.arange(6000, dtype="f4") / 30).reshape(20, 15, 20)
    >>> archive = Archive(compress({"wind": wind, "mask": wind[0] > 0, "time": np.arange(20)}, {"wind": "bits:12", "mask": "lossless", "time": "lossless"}))
    >>> archive
    <Archive of wind (20, 15, 20) float32 within bits:12, mask (15, 20) bool, lossless, time (20,) int64, lossless>
    >>> bool((archive["mask"] == (wind[0] > 0)).all())
    True
    >>> archive.read("wind", 5, 8).shape
    (3, 15, 20)
    """

    def __init__(self, source: str | os.PathLike[str] | bytes, model: Any = None) -> None:
        is_bytes = isinstance(source, (bytes, bytearray, memoryview))
        self._file = _enkoder.Archive.from_bytes(bytes(source)) if is_bytes else _enkoder.Archive.open(source)  # type: ignore[arg-type]
        self._model = native(model)
        self.info: dict[str, Stored] = {}
        for number, array in enumerate(self._file.arrays):
            exact = tuple(array["exact"].split(",")) if array["exact"] else ()
            self.info[array["name"] or f"arr_{number}"] = Stored(
                tuple(array["shape"]), _dtype(array["dtype"]), array["bound"], dict(array["regions"]), exact, array["has_model"], array["model_hash"]
            )

    def read(self, name: str, first: int = 0, end: int | None = None) -> Array:
        """An array, or steps ``first`` to ``end`` of its leading axis, for which only the blocks that they lie in are decoded.

        Raises
        ------
        KeyError
            When there is no array of this name.
        ValueError
            When there are no such steps.
        """
        names = list(self.info)
        if name not in self.info:
            raise KeyError(f"there is no array {name!r}, but {', '.join(names)}")
        stored = self.info[name]
        first, end = int(first), stored.shape[0] if end is None else int(end)
        if not 0 <= first < end <= stored.shape[0]:
            raise ValueError(f"steps {first} to {end} were asked for, but {name!r} has {stored.shape[0]}")
        values, element, shape = self._file.read(names.index(name), self._model, (first, end))
        return values.view(_dtype(element)).reshape(shape).astype(stored.dtype, copy=False)

    def __getitem__(self, name: str) -> Array:
        return self.read(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.info)

    def __len__(self) -> int:
        return len(self.info)

    def __repr__(self) -> str:
        def said(name: str, of: Stored) -> str:
            return f"{name} {of.shape} {of.dtype}" + (", lossless" if of.bound == "lossless" else f" within {of.bound}")

        return f"<Archive of {', '.join(said(name, stored) for name, stored in self.info.items())}>"


def _dtype(element: str) -> np.dtype[Any]:
    return np.dtype(bool) if element == "bool" else np.dtype(f"<{element[0]}{int(element[1:]) // 8}")


def decompress(data: bytes, *, model: Any = None, first: int = 0, end: int | None = None) -> Any:
    """The array of a compressed file, or some of its samples; of several arrays a dictionary.

    Parameters
    ----------
    data : bytes
    model : Autoencoder, optional
        The model that it was compressed with, where it does not lie in the file.
    first, end : int
        The samples to read, of a file of one array. By default all.

    Returns
    -------
    array, or dict of str to array

    Raises
    ------
    ValueError
        When the bytes are damaged, or the model is missing or another one.
    """
    archive = Archive(data, model)
    if len(archive) == 1:
        return archive.read(next(iter(archive)), first, end)
    if first != 0 or end is not None:
        raise ValueError("the file holds several arrays, and samples are those of one\nhint: Archive(data).read(name, first, end)")
    return dict(archive)
