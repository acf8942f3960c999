"""Autoencoders: learn the structure of data by copying it through a narrow code.

>>> from enkoder import Autoencoder, datasets
>>> digits = datasets.strokes(300)
>>> model = Autoencoder(hidden=(32,), latent=4, epochs=3).fit(digits.data)
>>> model.transform(digits.data).shape
(300, 4)
"""

from __future__ import annotations

from . import datasets
from ._autoencoder import Autoencoder
from ._codec import Compressed, compress, decompress
from ._denoiser import Denoiser
from ._detector import AnomalyDetector, Change, Reason
from ._enkoder import __version__

__all__ = [
    "AnomalyDetector",
    "Autoencoder",
    "Change",
    "Compressed",
    "Denoiser",
    "Reason",
    "__version__",
    "compress",
    "datasets",
    "decompress",
]
