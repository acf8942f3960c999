"""What may be given as samples, and what is said of the rest: scikit-learn's words, without scikit-learn."""

from __future__ import annotations

import datetime
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Samples(NamedTuple):
    """Samples as the native module takes them."""

    #: An array of float32, float64 or uint8, an object of Arrow's, or a list of columns.
    given: object
    rows: int
    columns: int
    #: The names of the columns, where they are all strings.
    names: list[str] | None
    #: What the rows are called, where pandas has a name for each.
    index: Any
    #: What pandas calls columns whose names are no strings.
    labels: list[str] | None = None


def not_fitted(estimator: object) -> Exception:
    """The exception for an estimator that was not fitted: scikit-learn's, where it is loaded."""
    text = (
        f"This {type(estimator).__name__} instance is not fitted yet. Call 'fit' with appropriate arguments before "
        "using this estimator."
    )
    if "sklearn" in sys.modules:
        from sklearn.exceptions import NotFittedError as Raised
    else:
        Raised = NotFittedError
    error: Exception = Raised(text)
    return error


class NotFittedError(ValueError, AttributeError):
    """Raised for an estimator that was not fitted, where scikit-learn is not loaded."""


def samples(X: object, name: str, *, most_axes: int = 4) -> Samples:
    """Samples from whatever there is: an array, nested lists, or a table.

    Parameters
    ----------
    X : array of shape (n_samples, n_features), or a table of pandas, polars, Arrow or DuckDB
    name : str
        What wants the samples, for messages.
    most_axes : int
        The most axes that an array may have.

    Raises
    ------
    ValueError
        When there are no samples, or no numbers.
    TypeError
        When it is sparse, or holds objects that are no numbers.
    """
    if hasattr(X, "tocsr") or type(X).__module__.startswith(("scipy.sparse", "sparse")):
        raise TypeError(
            "Sparse data was passed for X, but dense data is required. Use '.toarray()' to convert to a dense numpy array."
        )
    if _is_table(X):
        return _table(X, name)
    values = array(X, name, most_axes=most_axes)
    return Samples(values, values.shape[0], int(np.prod(values.shape[1:])), None, None)


def array(X: object, name: str, *, most_axes: int = 4) -> Array:
    """Samples as an array of float32, float64 or uint8; a view where it is one already."""
    if hasattr(X, "dtype") and hasattr(X, "to_numpy"):
        X = X.to_numpy()
    if isinstance(X, np.ma.MaskedArray):
        X = _unmasked(X)
    for of, hint in _NO_ARRAYS:
        if of(X):
            raise TypeError(f"{name} needs an array or a table, but X is a {type(X).__name__}\nhint: {hint}")
    try:
        values: Array = np.asarray(X)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{error}\nhint: give rows of numbers that are all of one length") from None
    kind = values.dtype.kind
    if kind == "c":
        raise ValueError(f"Complex data not supported\n{values!r}\n")
    if kind in "USTMmV":
        raise ValueError(
            f"{name} needs numbers, but the array is of {values.dtype}\n"
            "hint: give words and dates as a table of pandas, polars or Arrow, of which they are columns"
        )
    if kind == "O":
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{error}\nhint: give words as a table of pandas, polars or Arrow, of which they are a column") from None
    if values.ndim < 2:
        what = "scalar array" if values.ndim == 0 else "1D array"
        raise ValueError(
            f"Expected 2D array, got {what} instead:\narray={values}.\nReshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it contains a single sample."
        )
    if values.ndim > most_axes:
        raise ValueError(f"Found array with dim {values.ndim}, while dim <= {most_axes} is required by {name}.")
    if values.shape[0] == 0:
        raise ValueError(f"Found array with 0 sample(s) (shape={values.shape}) while a minimum of 1 is required by {name}.")
    if 0 in values.shape:
        raise ValueError(f"Found array with 0 feature(s) (shape={values.shape}) while a minimum of 1 is required by {name}.")
    if values.dtype not in (np.float32, np.float64, np.uint8):
        values = values.astype(np.float64 if values.dtype.itemsize > 4 and kind == "f" else np.float32)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    return values if values.flags.aligned else values.copy()


#: What NumPy makes no numbers of, and what to give instead.
_NO_ARRAYS: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (lambda X: isinstance(X, Iterator), "give a list of its rows: list(X)"),
    (lambda X: isinstance(X, Mapping), "make a table of its columns: pandas.DataFrame(X), polars.DataFrame(X) or pyarrow.table(X)"),
    (lambda X: type(X).__name__ == "LazyFrame", "compute it before: X.collect()"),
)


def _unmasked(X: Any) -> Array:
    """A masked array of numbers with NaN where it is masked."""
    if not np.ma.is_masked(X) or X.dtype.kind not in "biuf":
        return np.asarray(X.data)
    wide = X.dtype.itemsize > 4 and X.dtype.kind == "f"
    filled: Array = X.astype(np.float64 if wide else np.float32).filled(np.nan)
    return filled


def _is_pandas(X: object) -> bool:
    return type(X).__module__.partition(".")[0] == "pandas" and hasattr(X, "columns")


def _is_table(X: object) -> bool:
    return _is_pandas(X) or (hasattr(X, "__arrow_c_stream__") and not (hasattr(X, "dtype") and hasattr(X, "to_numpy")))


def _table(X: Any, name: str) -> Samples:
    if _is_pandas(X):
        return _pandas(X, name)
    if not hasattr(X, "shape") and hasattr(X, "arrow"):
        # A result of DuckDB is read anew each time; as a table it is read once.
        X = X.arrow()
    if not hasattr(X, "shape"):
        import pyarrow

        X = pyarrow.table(X)
    X = _of_polars(X)
    names = [str(column) for column in getattr(X, "column_names", None) or X.columns]
    rows, columns = X.shape
    _check_size(rows, columns, name)
    return Samples(X, rows, columns, names, None)


def _of_polars(X: Any) -> Any:
    """A data frame without the two types that polars does not hand over as others read them: empty columns and whole numbers of 128 bits."""
    if type(X).__module__.partition(".")[0] != "polars":
        return X
    import polars

    odd = [name for name, kind in X.schema.items() if kind in (polars.Null, getattr(polars, "Int128", polars.Null))]
    return X.with_columns(polars.col(odd).cast(polars.Float64)) if odd else X


def chosen(given: Samples, known: Sequence[str]) -> Samples:
    """Samples with these columns of their table alone."""
    table: Any = given.given
    if isinstance(table, list):
        wanted = set(known)
        return given._replace(given=[column for column in table if column[0] in wanted])
    if given.names is None or set(given.names) == set(known) or len(set(given.names)) < len(given.names):
        return given
    if not hasattr(table, "select"):
        return given
    # DuckDB reads expressions.
    is_of_duckdb = "duckdb" in type(table).__module__
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in known)
    return given._replace(given=table.project(quoted) if is_of_duckdb else table.select(list(known)), names=list(known))


def shown(names: Sequence[str]) -> str:
    """Names, or the first few of many."""
    few = ", ".join(names[:8])
    return few if len(names) <= 8 else f"{few}, … ({len(names)} in all)"


def row_numbers(rows: Any, count: int) -> Array:
    """The numbers of some of ``count`` rows, given in any way in which an array of NumPy is indexed."""
    if not isinstance(rows, slice):
        rows = np.atleast_1d(np.asarray(rows))
        rows = rows if rows.size else rows.astype(np.intp)
    numbers: Array = np.arange(count)[rows]
    return numbers


def _pandas(X: Any, name: str) -> Samples:
    rows, columns = X.shape
    _check_size(rows, columns, name)
    labels = list(X.columns)
    named = all(isinstance(label, str) for label in labels)
    if not named and any(isinstance(label, str) for label in labels):
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your input has mixed types of "
            "column names. If you want feature names to be stored and validated, you must convert them all to strings, by "
            "using X.columns = X.columns.astype(str) for example."
        )
    if not named and all(_is_number(kind) for kind in X.dtypes):
        return Samples(array(X.to_numpy(), name), rows, columns, None, X.index, [str(label) for label in labels])
    given = [(str(label), *_column(X.iloc[:, place])) for place, label in enumerate(labels)]
    return Samples(given, rows, columns, [str(label) for label in labels] if named else None, X.index)


def _is_number(kind: Any) -> bool:
    return getattr(kind, "kind", "O") in "biuf"


def _column(column: Any) -> tuple[str, Array | list[str | None]]:
    """What a column of pandas holds, and its values: numbers and times as float32, words as a list."""
    kind = getattr(column.dtype, "kind", "O")
    if kind == "c":
        raise ValueError(f"Complex data not supported: column {column.name!r}")
    if kind == "M":
        return "times", _seconds(column)
    if kind == "m":
        return "numbers", np.asarray(column.dt.total_seconds(), dtype=np.float32)
    if kind not in "biuf":
        missing = column.isna().to_numpy()
        cells = [None if absent else cell for cell, absent in zip(column.to_numpy(dtype=object), missing)]
        read = _of_objects(column, cells)
        if read is not None:
            return read
    try:
        with np.errstate(over="ignore"):
            return "numbers", column.to_numpy(dtype=np.float32, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"column {column.name!r} holds neither numbers, words nor times alone: {error}\nhint: convert it, or leave it out"
        ) from error


def _seconds(column: Any) -> Array:
    """Points in time as seconds since 1970 (UTC)."""
    times = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
    ticks = times.to_numpy(dtype="datetime64[ns]")
    seconds: Array = np.where(np.isnat(ticks), np.nan, ticks.astype(np.int64) / 1e9).astype(np.float32)
    return seconds


def _of_objects(column: Any, cells: list[Any]) -> tuple[str, Array | list[str | None]] | None:
    """A column of objects that are words, times, or all of one type that is written as a word; None of others, and where all is missing."""
    kinds = {type(cell) for cell in cells if cell is not None}

    def are(*types: type) -> bool:
        return bool(kinds) and all(issubclass(kind, types) for kind in kinds)

    if are(str):
        return "words", cells
    if are(datetime.date) or {kind.__name__ for kind in kinds} == {"Period"}:
        import pandas

        periods = not are(datetime.date)
        times = pandas.Series([cell.start_time if periods and cell is not None else cell for cell in cells])
        return "times", _seconds(pandas.to_datetime(times, utc=True))
    if are(datetime.timedelta):
        return "numbers", _numbers(cells, lambda cell: cell.total_seconds())
    if are(datetime.time):
        return "numbers", _numbers(cells, lambda cell: (cell.hour * 60 + cell.minute) * 60 + cell.second + cell.microsecond / 1e6)
    if len(kinds) == 1 and not are(float, int, bool, list, tuple, set, dict, np.ndarray, np.generic) and not hasattr(
        next(iter(kinds)), "__float__"
    ):
        return "words", [None if cell is None else str(cell) for cell in cells]
    return None


def _numbers(cells: list[Any], number: Any) -> Array:
    return np.asarray([np.nan if cell is None else number(cell) for cell in cells], dtype=np.float32)


def _check_size(rows: int, columns: int, name: str) -> None:
    shape = (rows, columns)
    if rows == 0:
        raise ValueError(f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required by {name}.")
    if columns == 0:
        raise ValueError(f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required by {name}.")


def check_names(estimator: Any, names: Sequence[str] | None) -> None:
    """Compares the names of columns with those of fitting, as scikit-learn does.

    Raises
    ------
    ValueError
        When both have names, and not the same in the same order.
    """
    fitted = getattr(estimator, "feature_names_in_", None)
    name = type(estimator).__name__
    if fitted is None and names is None:
        return
    if fitted is None:
        warnings.warn(f"X has feature names, but {name} was fitted without feature names", stacklevel=4)
        return
    if names is None:
        warnings.warn(f"X does not have valid feature names, but {name} was fitted with feature names", stacklevel=4)
        return
    if list(fitted) == list(names):
        return
    message = "The feature names should match those that were passed during fit.\n"
    for what, these, others in (
        ("Feature names unseen at fit time:", names, fitted),
        ("Feature names seen at fit time, yet now missing:", fitted, names),
    ):
        alone = sorted(set(these) - set(others))
        if alone:
            message += what + "\n" + "".join(f"- {column}\n" for column in alone[:5])
            message += "- ...\n" if len(alone) > 5 else ""
    if set(fitted) == set(names):
        message += "Feature names must be in the same order as they were in fit.\n"
    raise ValueError(message)


def check_finite(given: Samples, made: Array) -> None:
    """Raises for infinite samples, which are looked for only where something that was made of them is not finite."""
    if not np.isfinite(made).all():
        found = infinite(given)
        if found is not None:
            raise ValueError(found)


def infinite(given: Samples) -> str | None:
    """Where samples are infinite, or beyond float32; None where they are not."""
    rows: set[int] = set()
    first: tuple[int, str] | None = None
    for start, name, values in _columns(given):
        found = np.flatnonzero(np.abs(values) > np.finfo(np.float32).max)
        if found.size:
            rows.update((found + start).tolist())
            place = (int(found[0]) + start, name)
            first = place if first is None or place[0] < first[0] else first
    if first is None:
        return None
    what = f"{len(rows)} of {given.rows} rows have an infinite value; the first is row {first[0]}, {first[1]}"
    return f"Input X contains infinity or a value too large for dtype('float32'): {what}"


def _columns(given: Samples) -> Iterator[tuple[int, str, Array]]:
    """The columns of floats, in pieces: the row that each begins with, what it is called, and its values."""
    values: Any = given.given
    if isinstance(values, np.ndarray):
        if values.dtype.kind != "f":
            return
        for start in range(0, len(values), 4096):
            block = values[start : start + 4096].reshape(-1, given.columns)
            for place in np.flatnonzero((np.abs(block) > np.finfo(np.float32).max).any(axis=0)).tolist():
                yield start, f"column {place}" if given.labels is None else f"column {given.labels[place]!r}", block[:, place]
    elif isinstance(values, list):
        for name, kind, column in values:
            if kind != "words":
                yield 0, f"column {name!r}", column
    else:
        for name in given.names or []:
            try:
                column = values[name].to_numpy()
            except (TypeError, ValueError, NotImplementedError):
                continue
            if column.dtype.kind == "f":
                yield 0, f"column {name!r}", column


def warn_unscored(scores: Array) -> None:
    """Warns of rows without a score."""
    unscored = np.flatnonzero(np.isnan(scores))
    if unscored.size:
        warnings.warn(
            f"{unscored.size} of {scores.size} rows have no score (the first is row {unscored[0]}): they have no value in any column "
            "that is judged, or no window fits around them",
            UserWarning,
            stacklevel=4,
        )
