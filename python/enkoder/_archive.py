"""Compressed files, whose arrays are read by name."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np

from . import _enkoder
from ._base import Array
from ._codec import native, said


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
    source : path, bytes or open file
        An ``.enk`` file that ``compress`` or the command wrote. Of a path only what is needed is read, of an open file all.
    model : Autoencoder, optional
        The model that it was compressed with, where it does not lie in the file.

    Attributes
    ----------
    info : dict of str to Stored
        Shape, type and bounds of each array. One without a name is called ``"arr_0"``, as in NPZ files.

    An archive is closed at the end of ``with Archive(path) as archive:``, or by ``close()``, and can be pickled by its path or bytes.

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
    >>> archive["wind", 5:8].shape  # only the blocks that these steps lie in are decoded
    (3, 15, 20)
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | BinaryIO, model: Any = None) -> None:
        self._called = ""
        if isinstance(source, (bytes, bytearray, memoryview)):
            self._source: str | bytes = bytes(source)
        elif hasattr(source, "read"):
            self._source = source.read()
        else:
            self._called = f"{os.fspath(source)}: "
            self._source = os.path.abspath(source)
            # Python's own error, with the name of the file, where there is none.
            open(source, "rb").close()
        with _told(self._called):
            self._file: _enkoder.Archive | None = (
                _enkoder.Archive.open(self._source) if isinstance(self._source, str) else _enkoder.Archive.from_bytes(self._source)
            )
        self._given = model
        self._model = native(model)
        self.info: dict[str, Stored] = {}
        arrays = self._file.arrays
        taken = {array["name"] for array in arrays}
        for number, array in enumerate(arrays):
            exact = tuple(array["exact"].split(",")) if array["exact"] else ()
            name = array["name"] or next(free for free in map("arr_{}".format, itertools.count(number)) if free not in taken)
            taken.add(name)
            self.info[name] = Stored(
                tuple(array["shape"]), _dtype(array["dtype"]), array["bound"], dict(array["regions"]), exact, array["has_model"], array["model_hash"]
            )

    def read(self, name: str, first: int = 0, end: int | None = None) -> Array:
        """An array, or steps ``first`` to ``end`` of its leading axis, for which only the blocks that they lie in are decoded.

        Steps below 0 count from the end. ``archive[name, first:end]`` is the same, cut as NumPy cuts where there are fewer.

        Raises
        ------
        KeyError
            When there is no array of this name.
        ValueError
            When there are no such steps, or the archive is closed.
        """
        names = list(self.info)
        if name not in self.info:
            raise KeyError(f"there is no array {name!r}, but {', '.join(names)}")
        if self._file is None:
            raise ValueError("the archive is closed\nhint: read within `with Archive(...) as archive:`, or open it again")
        stored = self.info[name]
        count = stored.shape[0]
        first, end = (step + count if step < 0 else step for step in (int(first), count if end is None else int(end)))
        if not 0 <= first <= end <= count:
            raise ValueError(f"steps {first} to {end} were asked for, but {name!r} has {count}")
        if first == end:
            return np.empty((0, *stored.shape[1:]), stored.dtype)
        with _told(self._called):
            values, element, shape = self._file.read(names.index(name), self._model, (first, end))
        return values.view(_dtype(element)).reshape(shape).astype(stored.dtype, copy=False)

    def __getitem__(self, key: str | tuple[str, int | slice]) -> Array:
        if not isinstance(key, tuple):
            return self.read(key)
        name, steps = key
        count = self.info[name].shape[0] if name in self.info else 0
        if not isinstance(steps, slice):
            one: Array = self.read(name, steps, steps + 1 if steps != -1 else None)[0]
            return one
        first, end, stride = steps.indices(count)
        if stride < 0:
            raise ValueError(f"{name!r} is read forwards\nhint: archive[{name!r}][{steps.start}:{steps.stop}:{stride}] decodes all of it")
        return self.read(name, first, max(first, end))[::stride]

    def close(self) -> None:
        """Lets go of the file. ``info`` stays."""
        self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._source, self._given)

    def __contains__(self, name: object) -> bool:
        return name in self.info

    def __iter__(self) -> Iterator[str]:
        return iter(self.info)

    def __len__(self) -> int:
        return len(self.info)

    def __repr__(self) -> str:
        arrays = (said(name, shape=of.shape, dtype=of.dtype, bound=of.bound) for name, of in self.info.items())
        return f"<Archive of {', '.join(arrays)}>"


@contextmanager
def _told(called: str) -> Iterator[None]:
    """Says of what is wrong with a file which one it is."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{called}{error}") from None


def _dtype(element: str) -> np.dtype[Any]:
    return np.dtype(bool) if element == "bool" else np.dtype(f"<{element[0]}{int(element[1:]) // 8}")


def decompress(data: bytes | str | os.PathLike[str] | BinaryIO, *, model: Any = None, first: int = 0, end: int | None = None) -> Any:
    """The array of a compressed file, or some of its samples; of several arrays a dictionary.

    Parameters
    ----------
    data : bytes, path or open file
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
