"""Detectors and models as functions of DuckDB.

>>> import duckdb
>>> import enkoder.duckdb
>>> from enkoder import AnomalyDetector
>>> connection = duckdb.connect()
>>> usual = connection.sql("SELECT random() AS flow, random() AS pressure FROM range(2000)")
>>> detector = AnomalyDetector(method="linear").fit(usual)
>>> sorted(enkoder.duckdb.register(connection, "pump", detector))
['pump_flagged', 'pump_p_value', 'pump_score']
>>> connection.sql("SELECT pump_flagged(9, 9)").fetchall()
[(True,)]
"""

from __future__ import annotations

import inspect
import os
from typing import Any

import numpy as np

from ._autoencoder import Autoencoder
from ._detector import AnomalyDetector


def register(connection: Any, name: str, model: Any) -> list[str]:
    """Makes functions of a detector or of a model.

    Of a detector there are ``NAME_score(…)``, how odd a row is, as ``enkoder detect score`` writes it; ``NAME_p_value(…)``; and
    ``NAME_flagged(…)``. Of an autoencoder there are ``NAME_error(…)`` and ``NAME_encode(…)``, a list of numbers. Their arguments are the
    columns that were learned from, in that order: numbers as DOUBLE, words as VARCHAR, NULL where a value is missing.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    name : str
        What the functions' names begin with.
    model : AnomalyDetector, Autoencoder, or the path of a file
        A detector of rows, not of series: rows of a query have no order.

    Returns
    -------
    list of str
        The names of the functions.

    Raises
    ------
    ValueError
        When the file is neither a detector nor a model, or sees rows as a series.
    """
    if not name.isidentifier():
        raise ValueError(f"{name!r} cannot begin the name of a function\nhint: take letters, digits and _")
    if isinstance(model, (str, os.PathLike)):
        model = opened(model)
    functions = _functions(model)
    words = _words(model)
    types = ["VARCHAR" if word else "DOUBLE" for word in words]
    for suffix, (compute, returns) in functions.items():
        connection.create_function(
            f"{name}_{suffix}",
            _batches(compute, words, [column for column, _ in _columns(model)]),
            types,
            returns,
            type="arrow",
            null_handling="special",
        )
    return [f"{name}_{suffix}" for suffix in functions]


def opened(path: str | os.PathLike[str]) -> AnomalyDetector | Autoencoder:
    """The detector or the model of a file."""
    try:
        return AnomalyDetector.load(path)
    except ValueError:
        return Autoencoder.load(path)


def _columns(model: Any) -> list[tuple[str, list[str] | None]]:
    """The columns that were learned from, with the words of each."""
    native = model.detector_ if isinstance(model, AnomalyDetector) else model.model_
    columns: list[tuple[str, list[str] | None]] | None = native.columns
    return columns or [(f"feature{number + 1}", None) for number in range(native.features)]


def _words(model: Any) -> list[bool]:
    return [words is not None for _, words in _columns(model)]


def _functions(model: Any) -> dict[str, tuple[Any, str]]:
    if not isinstance(model, AnomalyDetector):
        native = model.model_
        return {
            "error": (lambda table: native.reconstruction_error(table), "FLOAT"),
            "encode": (lambda table: native.encode(table), "FLOAT[]"),
        }
    detector = model.detector_
    if detector.windows is not None:
        raise ValueError(
            "the detector sees rows as a series, and rows of a query have no order\nhint: score with AnomalyDetector, or fit without window"
        )
    threshold, _, _ = detector.threshold()
    return {
        "score": (lambda table: detector.score(table), "FLOAT"),
        "p_value": (lambda table: detector.p_values(detector.score(table)), "DOUBLE"),
        "flagged": (lambda table: detector.score(table) >= threshold, "BOOLEAN"),
    }


def _batches(compute: Any, words: list[bool], names: list[str]) -> Any:
    """A function of columns of Arrow, as DuckDB calls it with some thousand rows at a time."""
    import pyarrow

    plain = not any(words)

    def function(*columns: Any) -> Any:
        if plain:
            arrays = [column.to_numpy() for column in columns]
            made = compute(np.column_stack(arrays).astype(np.float64, copy=False))
        else:
            made = compute(pyarrow.table(list(columns), names=names))
        if made.ndim == 2:
            flat = pyarrow.array(made.ravel())
            return pyarrow.ListArray.from_arrays(np.arange(0, made.size + 1, made.shape[1], dtype=np.int32), flat)
        # A row without a score has NULL.
        return pyarrow.array(made, from_pandas=True)

    # DuckDB counts the parameters of a function.
    places = [inspect.Parameter(f"column{place}", inspect.Parameter.POSITIONAL_ONLY) for place in range(len(names))]
    setattr(function, "__signature__", inspect.Signature(places))
    return function
