"""Parameters of estimators: what each may be, in scikit-learn's words."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np


class Rule(NamedTuple):
    """What a parameter may be."""

    words: str
    fits: Callable[[Any], bool]


def check(estimator: Any, rules: Mapping[str, Rule]) -> None:
    """Looks at the parameters of an estimator that have a rule.

    Raises
    ------
    ValueError
        By the first that will not do: its name, what it must be, and what it is.
    """
    for name, rule in rules.items():
        value = getattr(estimator, name)
        if not rule.fits(value):
            who = type(estimator).__name__
            raise ValueError(f"The {name!r} parameter of {who} must be {rule.words}. Got {value!r} instead.")


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def whole(least: int) -> Rule:
    return Rule(f"an int in the range [{least}, inf)", lambda value: _is_whole(value) and value >= least)


def real(low: float, high: float, *, closed: bool = False) -> Rule:
    def fits(value: Any) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool):
            return False
        number = float(value)
        return low <= number <= high if closed else low < number < high

    left, right = "[]" if closed else "()"
    return Rule(f"a float in the range {left}{low:g}, {high:g}{right}", fits)


def one_of(*names: str) -> Rule:
    *first, last = names
    return Rule(f"{', '.join(first)} or {last}", lambda value: isinstance(value, str) and value in names)


def optional(rule: Rule) -> Rule:
    return Rule(f"{rule.words}, or None", lambda value: value is None or rule.fits(value))


def _all(value: object, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes)) and all(map(fits, value))


FLAG = Rule("True or False", lambda value: isinstance(value, (bool, np.bool_)))
TEXT = Rule("a str", lambda value: isinstance(value, str))
NAMES = Rule("a sequence of str", lambda value: _all(value, TEXT.fits))
WIDTHS = Rule("an int or a sequence of ints, each 1 or more", lambda value: whole(1).fits(value) or _all(value, whole(1).fits))
SHAPE = Rule("a sequence of ints, each 1 or more", lambda value: _all(value, whole(1).fits))
PATH = Rule("a path", lambda value: isinstance(value, (str, bytes, os.PathLike)))
LAYERS = Rule("a mapping with encoder and decoder", lambda value: isinstance(value, Mapping))
CALLABLE = Rule("callable", callable)
THREADS = optional(Rule("an int, of which one below 0 means all threads, and not 0", lambda value: _is_whole(value) and value != 0))
VERBOSE = Rule("True, False or an int", lambda value: isinstance(value, (bool, np.bool_, Integral)))


def widths(given: Any) -> list[int] | None:
    """One width or several, as a list."""
    return None if given is None else [int(width) for width in np.atleast_1d(np.asarray(given))]


def seed_of(random_state: Any) -> int:
    """The seed that a ``random_state`` stands for: a number, NumPy's generator, or None for another one each time."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**32))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**32))
    if not _is_whole(random_state):
        raise ValueError(f"random_state is {random_state!r}, but must be an int, a generator of NumPy, or None")
    if random_state < 0:
        raise ValueError(f"random_state is {random_state}, but must not be negative")
    return int(random_state)
