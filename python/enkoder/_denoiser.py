"""The denoiser: learns from images of any sizes, and takes the noise out of pictures of any size."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from . import _enkoder, _parameters, _training
from ._base import Array, Estimator, opened
from ._enkoder import Model
from ._parameters import whole
from ._progress import Callback, told_to


RULES = {"channels": whole(1), "depth": whole(1), "patch": whole(1), "patches": whole(1), **_training.RULES}


class Denoiser(Estimator):
    """Convolutions that find the noise in images of any size.

    Parameters
    ----------
    noise : str, optional
        The noise that is added to clean images while learning: ``"gaussian:25"`` in 255ths, or a range as ``"gaussian:5-50"``, which is
        the default; ``"poisson:30"``, ``"salt-pepper:0.1"``.
    channels : int
        Channels of every layer.
    depth : int
        Convolutions.
    epochs : int, optional
    blind : bool
        Learns from noisy images alone: pixels are hidden, and told from those around them.
    patch : int
        Height and width of the patches that are learned from, in pixels.
    patches : int
        Patches in an epoch.
    batch_size, learning_rate, patience, random_state, n_jobs, verbose, callback : as in ``Autoencoder``

    Attributes
    ----------
    model_ : Model

    Examples
    --------
    >>> import numpy as np
    >>> from enkoder import Denoiser, datasets
    >>> images = [image for image in datasets.strokes(8).images]
    >>> denoiser = Denoiser(channels=4, depth=3, patch=16, patches=64, epochs=1).fit(images)
    >>> denoiser.transform(images[:2])[0].shape
    (28, 28)
    """

    _native: ClassVar[dict[str, Callable[[bytes], object]]] = {"model_": Model.from_bytes}

    def __init__(
        self,
        noise: str | None = None,
        *,
        channels: int = 48,
        depth: int = 8,
        epochs: int | None = None,
        blind: bool = False,
        patch: int = 40,
        patches: int = 50_000,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        patience: int | None = None,
        random_state: Any = 0,
        n_jobs: int | None = None,
        verbose: bool = False,
        callback: Callback | None = None,
    ) -> None:
        self.noise = noise
        self.channels = channels
        self.depth = depth
        self.epochs = epochs
        self.blind = blind
        self.patch = patch
        self.patches = patches
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callback = callback

    def fit(self, images: Sequence[Any], y: Any = None, *, targets: Sequence[Any] | None = None) -> Self:
        """Learns from images.

        Parameters
        ----------
        images : sequence of arrays of uint8 of shape (height, width) or (height, width, channels)
            Clean ones; noisy ones with ``blind`` or with ``targets``.
        y : ignored
        targets : sequence of arrays, optional
            What each image should become.

        Raises
        ------
        ValueError
            When there are fewer than two images, or one is smaller than a patch.
        """
        _parameters.check(self, RULES)
        options = _training.options_of(self, architecture="denoiser")
        given = [_image(image) for image in images]
        aims = None if targets is None else [_image(image) for image in targets]
        with told_to(self.callback, self.verbose) as progress:
            self.model_, stopped = _enkoder.fit_images(given, options, aims, progress)
        if stopped is not None:
            raise stopped
        return self

    def transform(self, images: Sequence[Any] | Array, *, ensemble: bool = False) -> list[Array]:
        """Pictures without their noise, each in the shape and type that it came in.

        Parameters
        ----------
        images : sequence of arrays
            uint8 of 0..255, uint16 of 0..65535, or floats of 0..1, beyond which noise alone may carry them.
        ensemble : bool
            The mean over each picture turned and mirrored in all eight ways: a little less noise is left, eight times as slowly.
        """
        self._check_fitted()
        return [self._denoised(_plain(image), ensemble) for image in images]

    def _denoised(self, image: Array, ensemble: bool) -> Array:
        peak = _peak(image)
        if image.dtype.kind == "f":
            _check_range(image)
        values = _enkoder.denoise(self.model_, np.ascontiguousarray(image, dtype=np.float32), peak, ensemble)
        values = values.reshape(image.shape)
        if image.dtype.kind == "u":
            return np.clip(np.rint(values), 0, peak).astype(image.dtype)
        return values.astype(image.dtype, copy=False)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """A model file that ``save`` or the command wrote, with the parameters of its training.

        Raises
        ------
        FileNotFoundError
            When there is no such file.
        ValueError
            When it is no model of convolutions alone, which pictures of any size need.
        """

        def read(file: str) -> Model:
            model = Model.load(file)
            model.check_denoiser()
            return model

        this = cls()
        this.model_ = opened(read, path)
        known = this._parameters()
        return this.set_params(**{name: value for name, value in this.model_.options.items() if name in known})


def noise_level(image: Array) -> float:
    """The standard deviation of a picture's noise, in its units; fine texture counts as noise."""
    return _enkoder.noise_level(np.ascontiguousarray(image, dtype=np.float32))


def _image(image: Any) -> Array:
    pixels = _plain(image)
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise ValueError(
            f"an image is {pixels.dtype} with {pixels.ndim} axes, but must be uint8 of (height, width) or (height, width, channels)"
        )
    return pixels.reshape(*pixels.shape[:2], -1)


def _plain(image: Any) -> Array:
    if np.ma.is_masked(image):
        raise ValueError("an image has masked pixels, and a denoiser needs all of them\nhint: give image.filled(...)")
    return np.asarray(image)


def _check_range(image: Array) -> None:
    """Refuses floats of another range than 0..1, beyond which noise alone may carry a pixel."""
    low, high = float(np.min(image, initial=0)), float(np.max(image, initial=0))
    if low >= 0 and high <= 1:
        return
    beyond = min(1.0, 6 * noise_level(image)) if np.isfinite([low, high]).all() else 0.0
    if low < -beyond or high > 1 + beyond:
        raise ValueError(
            f"a picture of floats has values of {low:g} to {high:g}, but they are to be of 0..1\n"
            "hint: divide by the largest value there can be, such as 255"
        )


def _peak(image: Array) -> float:
    peaks = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
    if image.dtype in peaks:
        return peaks[image.dtype]
    if image.dtype.kind == "f":
        return 1.0
    raise ValueError(f"a picture of {image.dtype} has no range\nhint: give uint8, uint16, or floats of 0..1")
