"""Data to try things with: what Enkoder makes up, and everything that the command reads.

>>> from enkoder import datasets
>>> digits = datasets.strokes(100)
>>> digits.images.shape, digits.target.shape
((100, 28, 28), (100,))
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import _enkoder
from ._base import Array


class Data(NamedTuple):
    """A data set.

    Attributes
    ----------
    data : array of shape (n_samples, n_features)
    images : array of shape (n_samples, ...)
        The same memory, each sample in its shape.
    target : array of int of shape (n_samples,) or None
        The number of each sample's class.
    target_names : list of str or None
    feature_names : list of str or None
    """

    data: Array
    images: Array
    target: Any
    target_names: list[str] | None
    feature_names: list[str] | None


def _data(read: Any) -> Data:
    values, labels, classes, names = read
    target = None if labels is None else labels.astype(np.int64)
    return Data(values.reshape(values.shape[0], -1), values, target, classes, names)


def strokes(count: int = 20_000, *, seed: int = 0) -> Data:
    """Digits drawn from stroke skeletons: 28 × 28 bytes, with their classes. They need no network."""
    return _data(_enkoder.generated("strokes", count, seed))


def pump(rows: int = 20_000, *, faults: bool = False, seed: int = 0) -> Data:
    """The sensors of a made-up pump; with faults, of which the classes tell, the rows to be judged."""
    return _data(_enkoder.generated("pump-faulty" if faults else "pump", rows, seed))


def fields(steps: int = 200, *, seed: int = 0) -> Data:
    """A made-up climate: maps of float32, one for each step."""
    return _data(_enkoder.generated("fields", steps, seed))


def mnist() -> Data:
    """The 70,000 digits of MNIST, from OpenML; fetched once and kept."""
    return openml(554)


def openml(number: int) -> Data:
    """A data set of OpenML, by its number; fetched once and kept."""
    return load(f"openml:{number}")


def load(
    name: str | os.PathLike[str],
    *,
    label: str | None = None,
    ignore: Sequence[str] = (),
    samples: int | None = None,
    seed: int = 0,
) -> Data:
    """What a name means to the command: a built-in name, ``openml:ID``, or the path of a file or folder.

    Parameters
    ----------
    name : str or path
    label : str, optional
        The column that holds the classes.
    ignore : sequence of str
        Columns that are no features.
    samples : int, optional
        The most samples to read.
    seed : int
        Of data that is made up.
    """
    given = os.fsdecode(name)
    try:
        return _data(_enkoder.read(given, label, list(ignore), samples, seed))
    except ValueError as error:
        # A word alone may have been meant as built-in data, and as a file.
        if ":" in given or os.path.exists(given) or "no file or built-in data" not in str(error):
            raise
        raise FileNotFoundError(str(error)) from None
