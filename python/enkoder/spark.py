"""Detectors and models over data frames of Spark, by ``mapInArrow``.

The model is broadcast once and opened once by each worker. A worker scores on one thread, for Spark gives each task a core.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from ._autoencoder import Autoencoder
from ._detector import AnomalyDetector
from ._enkoder import Detector, Model

#: Models that this worker has opened, by their bytes.
_OPENED: dict[bytes, Any] = {}


def score(df: Any, detector: Any) -> Any:
    """The rows with three columns more: ``score``, ``p_value`` and ``flagged``, as ``enkoder detect score`` writes them.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    detector : AnomalyDetector or the path of a file
        A detector of rows, not of series.

    Raises
    ------
    ValueError
        When the data frame lacks a column that was learned from, or has one of the three already.
    """
    fitted = detector if isinstance(detector, AnomalyDetector) else AnomalyDetector.load(detector)
    if fitted.detector_.windows is not None:
        raise ValueError("the detector sees rows as a series, and rows of a data frame have no order")
    _check(df, fitted.detector_.columns, ["score", "p_value", "flagged"])
    return _mapped(df, fitted.detector_.to_bytes(), "score float, p_value double, flagged boolean", _scored)


def fit(df: Any, detector: AnomalyDetector | None = None, sample: int = 1_000_000) -> AnomalyDetector:
    """A detector of all rows of a data frame, in one pass: each task sees its rows, and the driver puts together what they tell.

    Where a table has no more rows than ``sample``, the detector does not depend on how the data frame is divided.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    detector : AnomalyDetector, optional
        What to fit, of rows and not of series. By default one with default parameters.
    sample : int
        Rows that are learned from at most, drawn so that each is as likely as any other.

    Returns
    -------
    AnomalyDetector
    """
    _check(df, None, [])
    this = AnomalyDetector() if detector is None else detector

    def parts(rows: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        part = this._part(filter(len, map(_table, rows)), sample)
        yield pyarrow.RecordBatch.from_arrays([pyarrow.array([part], pyarrow.binary())], names=["part"])

    return this.fit_parts(bytes(row.part) for row in df.mapInArrow(parts, "part binary").toLocalIterator())


def encode(df: Any, model: Any) -> Any:
    """The rows with one column more: ``code``, a list of numbers.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    model : Autoencoder or the path of a file

    Raises
    ------
    ValueError
        When the data frame lacks a column that was learned from, or has a column ``code`` already.
    """
    fitted = model if isinstance(model, Autoencoder) else Autoencoder.load(os.fspath(model))
    _check(df, fitted.model_.columns, ["code"])
    return _mapped(df, fitted.model_.to_bytes(), "code array<float>", _encoded)


def _check(df: Any, learned: list[tuple[str, list[str] | None]] | None, added: list[str]) -> None:
    """Raises what is wrong with a data frame before Spark's workers find it."""
    if not hasattr(df, "mapInArrow"):
        raise TypeError(
            f"df is a {type(df).__name__} of {type(df).__module__.partition('.')[0]}, and no data frame of Spark\nhint: "
            "spark.createDataFrame(df) makes one; AnomalyDetector and Autoencoder themselves take tables of pandas, polars and Arrow"
        )
    if lacking := [name for name, _ in learned or [] if name not in df.columns]:
        raise ValueError(
            f"the data frame lacks columns that were learned from: {', '.join(lacking)}\nhint: it has {', '.join(df.columns)}; "
            "df.withColumnRenamed(old, new) renames one"
        )
    # Spark takes names of other case for the same.
    if taken := [name for name in df.columns if name.casefold() in added]:
        raise ValueError(
            f"the data frame has columns already that are to be added: {', '.join(taken)}\nhint: df.drop({', '.join(map(repr, taken))}), "
            "or df.withColumnRenamed(old, new) to keep them"
        )


def _mapped(df: Any, model: bytes, more: str, work: Callable[[Any, bytes], dict[str, Any]]) -> Any:
    import pyspark.sql.types as types

    added: Any = types._parse_datatype_string(more)
    schema = types.StructType([*df.schema.fields, *added.fields])
    shared = df.sparkSession.sparkContext.broadcast(model)

    def batches(rows: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        for batch in rows:
            columns = work(batch, shared.value)
            yield pyarrow.RecordBatch.from_arrays(
                [*batch.columns, *columns.values()], names=[*batch.schema.names, *columns]
            )

    return df.mapInArrow(batches, schema)


def _scored(batch: Any, model: bytes) -> dict[str, Any]:
    import pyarrow

    detector: Detector = _opened(model, Detector.from_bytes)
    scores = detector.score(_table(batch), 1)
    threshold, _, _ = detector.threshold()
    return {
        "score": pyarrow.array(scores, from_pandas=True),
        "p_value": pyarrow.array(detector.p_values(scores), from_pandas=True),
        "flagged": pyarrow.array(scores >= threshold),
    }


def _encoded(batch: Any, model: bytes) -> dict[str, Any]:
    import numpy as np
    import pyarrow

    native: Model = _opened(model, Model.from_bytes)
    codes = native.encode(_table(batch), 1)
    ends = np.arange(0, codes.size + 1, codes.shape[1], dtype=np.int32)
    return {"code": pyarrow.ListArray.from_arrays(ends, pyarrow.array(codes.ravel()))}


def _table(batch: Any) -> Any:
    import pyarrow

    return pyarrow.Table.from_batches([batch])


def _opened(model: bytes, open: Callable[[bytes], Any]) -> Any:
    if model not in _OPENED:
        _OPENED[model] = open(model)
    return _OPENED[model]
