"""What all estimators share: scikit-learn's protocol, kept without importing scikit-learn."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from . import _validation

Array = _validation.Array
Native = TypeVar("Native")


class Estimator:
    """Parameters are the arguments of ``__init__``, and what was learned ends with an underscore."""

    #: Attributes that hold a native object, with what opens its bytes.
    _native: ClassVar[dict[str, Callable[[bytes], object]]] = {}
    #: Whether it was not fitted here, so that a table may have other columns than those of fitting.
    _of_file = False
    #: What columns without names were called by pandas.
    _labels: list[str] | None = None

    @classmethod
    def _parameters(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name.

        Parameters
        ----------
        deep : bool
            Has no meaning here: no parameter is an estimator.
        """
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self, **params: Any) -> Self:
        """Sets parameters by name.

        Raises
        ------
        ValueError
            When there is no such parameter.
        """
        known = self._parameters()
        for name, value in params.items():
            if name not in known:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: {sorted(known)!r}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if not (value is defaults[name].default or _same(value, defaults[name].default))
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        for name in self._native:
            if name in state:
                state[name] = state[name].to_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, opened in self._native.items():
            if name in state:
                state = {**state, name: opened(state[name])}
        self.__dict__.update(state)

    def __sklearn_is_fitted__(self) -> bool:
        return all(name in vars(self) for name in self._native)

    def __getattr__(self, name: str) -> Any:
        # What was learned is asked for before anything was.
        if name in self._native or (hasattr(type(self), name) and not self.__sklearn_is_fitted__()):
            raise _validation.not_fitted(self)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise _validation.not_fitted(self)

    def _tags(self, estimator_type: str | None, *, transforms: bool) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=estimator_type,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float32"]) if transforms else None,
            regressor_tags=None,
            classifier_tags=None,
            input_tags=InputTags(allow_nan=True),
        )

    def _learned(self, given: _validation.Samples) -> None:
        """Notes what the samples of fitting were like."""
        self._of_file = False
        self._labels = given.labels
        self.n_features_in_ = given.columns
        if given.names is not None:
            self.feature_names_in_ = np.asarray(given.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _samples(self, X: object) -> _validation.Samples:
        """Samples for a fitted estimator, with the columns of fitting."""
        self._check_fitted()
        name = type(self).__name__
        given = _validation.samples(X, name)
        known = self._known()
        if self._of_file:
            given = self._without_unknown(given, known)
        _validation.check_names(self, given.names)
        if given.columns != self.n_features_in_:
            raise ValueError(
                f"X has {given.columns} features, but {name} is expecting {self.n_features_in_} features as input"
            )
        if not self._takes_tables() and not isinstance(given.given, np.ndarray):
            given = given._replace(given=self._as_array(given.given, X))
        # Fitting said what it left out.
        return given if known is None else _validation.chosen(given, known)

    @property
    def _learned_object(self) -> Any:
        return getattr(self, next(iter(self._native)))

    def _known(self) -> list[str] | None:
        """The columns of the table that it learned from."""
        columns = self._learned_object.columns
        return None if columns is None else [name for name, _ in columns]

    def _without_unknown(self, given: _validation.Samples, known: list[str] | None) -> _validation.Samples:
        """Samples with the columns that a file knows alone; of others it says once which there are, but for those that training left out."""
        if given.names is None:
            return given
        if known is None:
            # A file of pixels has no names.
            return given._replace(names=None)
        if not set(known) <= set(given.names):
            return given
        no_news = {*known, *self._learned_object.clocks_and_texts}
        others = [name for name in given.names if name not in no_news]
        if others and not getattr(self, "_said_unknown", False):
            self._said_unknown = True
            warnings.warn(
                f"columns left out, for the model does not know them: {_validation.shown(others)}", UserWarning, stacklevel=5
            )
        return _validation.chosen(given, known)._replace(columns=len(known), names=known)

    def _learned_elsewhere(self, native: Any) -> None:
        """Notes what the samples were like that a native object of a file learned from."""
        columns = native.columns
        self._of_file = True
        self.n_features_in_ = native.features if columns is None else len(columns)
        if columns is not None:
            self.feature_names_in_ = np.asarray([name for name, _ in columns], dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    def _takes_tables(self) -> bool:
        return self._known() is not None

    def _as_array(self, given: object, X: Any) -> Array:
        values = X.to_numpy() if hasattr(X, "to_numpy") else np.column_stack([np.asarray(c) for c in X.columns])
        return _validation.array(values, type(self).__name__)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the file of what was learned, which the command reads too."""
        self._check_fitted()
        self._learned_object.save(os.fsdecode(path))

    @property
    def _threads(self) -> int | None:
        jobs: int | None = self.get_params().get("n_jobs")
        return None if jobs is None or jobs < 1 else jobs


class Transformer(Estimator):
    """An estimator whose codes may be given out as a data frame."""

    def set_output(self, *, transform: str | None = None) -> Self:
        """What ``transform`` gives.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None
            An array of NumPy, or a data frame. None changes nothing.
        """
        if transform not in (None, "default", "pandas", "polars"):
            raise ValueError(f"transform is {transform!r}, but must be default, pandas or polars")
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def get_feature_names_out(self, input_features: object = None) -> Array:
        """The names of the numbers of a code: ``autoencoder0``, ``autoencoder1``, …

        Parameters
        ----------
        input_features : ignored
            Is there for scikit-learn's sake.
        """
        self._check_fitted()
        prefix = type(self).__name__.lower()
        return np.asarray([f"{prefix}{number}" for number in range(self._n_features_out)], dtype=object)

    @property
    def _n_features_out(self) -> int:
        raise NotImplementedError

    def _given_out(self, codes: Array, index: Any) -> Any:
        """Codes as they were asked for."""
        wanted = getattr(self, "_sklearn_output_config", {}).get("transform")
        if wanted is None and "sklearn" in sys.modules:
            from sklearn import get_config

            wanted = get_config()["transform_output"]
        if wanted == "pandas":
            import pandas

            return pandas.DataFrame(codes, index=index, columns=self.get_feature_names_out(), copy=False)
        if wanted == "polars":
            import polars

            return polars.DataFrame(codes, schema=list(self.get_feature_names_out()), orient="row")
        return codes


def _same(a: object, b: object) -> bool:
    if type(a) is not type(b):
        return False
    same = a == b
    return same if isinstance(same, bool) else False


def opened(read: Callable[[str], Native], path: str | bytes | os.PathLike[Any]) -> Native:
    """What ``read`` makes of a file, which its errors name."""
    file = os.fsdecode(path)
    try:
        return read(file)
    except (ValueError, OSError) as error:
        if file in str(error):
            raise
        raise type(error)(f"{file}: {error}") from None
