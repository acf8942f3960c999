"""The options of a training, of whatever estimator."""

from __future__ import annotations

import json
import os
from typing import Any

from ._parameters import CALLABLE, FLAG, TEXT, THREADS, VERBOSE, optional, real, seed_of, whole, widths

#: Of every training.
RULES = {
    "epochs": optional(whole(1)),
    "batch_size": optional(whole(1)),
    "learning_rate": optional(real(0, float("inf"))),
    "patience": optional(whole(1)),
    "noise": optional(TEXT),
    "blind": FLAG,
    "n_jobs": THREADS,
    "verbose": VERBOSE,
    "callback": optional(CALLABLE),
}


def options_of(estimator: Any, **fixed: object) -> dict[str, object]:
    """The parameters of an estimator as the native module takes them."""
    given = {**estimator.get_params(), **fixed}
    if estimator.blind and estimator.noise is not None:
        raise ValueError("noise and blind exclude each other: blind learns from images that are noisy already")
    layers = given.get("layers")
    return {
        **given,
        **{name: widths(given.get(name)) for name in ("hidden", "channels")},
        **{name: None if given.get(name) is None else os.fsdecode(given[name]) for name in ("checkpoint", "resume")},
        "layers": None if layers is None else json.dumps(layers),
        "random_state": seed_of(given.get("random_state")),
        "n_jobs": estimator._threads,
    }
