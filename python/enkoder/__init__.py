"""Autoencoders: learn the structure of data by copying it through a narrow code.

>>> from enkoder import Autoencoder, datasets
>>> digits = datasets.strokes(300)
>>> model = Autoencoder(hidden=(32,), latent=4, epochs=3).fit(digits.data)
>>> model.transform(digits.data).shape
(300, 4)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._enkoder import __version__

if TYPE_CHECKING:
    from . import datasets
    from ._archive import Archive, decompress
    from ._autoencoder import Autoencoder
    from ._codec import Compressed, compress
    from ._denoiser import Denoiser
    from ._detector import AnomalyDetector
    from ._reasons import Change, NearestWindow, Reason

__all__ = [
    "AnomalyDetector",
    "Archive",
    "Autoencoder",
    "Change",
    "Compressed",
    "Denoiser",
    "NearestWindow",
    "Reason",
    "__version__",
    "compress",
    "datasets",
    "decompress",
]

# Where names are found when they are first asked for: ``python -m enkoder`` needs none of them, nor NumPy.
_PLACES = {
    "AnomalyDetector": "._detector",
    "Archive": "._archive",
    "Autoencoder": "._autoencoder",
    "Change": "._reasons",
    "Compressed": "._codec",
    "Denoiser": "._denoiser",
    "NearestWindow": "._reasons",
    "Reason": "._reasons",
    "compress": "._codec",
    "decompress": "._archive",
}


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module(".datasets", __name__)
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_PLACES[name], __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
