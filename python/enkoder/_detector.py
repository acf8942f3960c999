"""The detector of anomalies, as an outlier detector of scikit-learn's kind."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from . import _parameters, _validation
from ._base import Array, Estimator, opened
from ._enkoder import Detector, DetectorPart
from ._parameters import FLAG, NAMES, THREADS, WIDTHS, one_of, optional, real, seed_of, whole, widths
from ._reasons import Change, NearestWindow, OfRows, Reason

#: Rows that a detector needs: some to learn from and others to calibrate on.
FEWEST_ROWS = 20

RULES = {
    "false_alarm": real(0, 1),
    "anomalies": optional(real(0, 1)),
    "method": one_of("auto", "marginal", "linear", "autoencoder", "ensemble"),
    "hidden": optional(WIDTHS),
    "epochs": optional(whole(1)),
    "window": _parameters.Rule('a number of rows, "auto", or None', lambda value: value in (None, "auto") or whole(1).fits(value)),
    "stride": whole(1),
    "readings": NAMES,
    "context": NAMES,
    "unchanging": real(0, 1000, closed=True),
    "ordered": FLAG,
    "budget": real(0, float("inf")),
    "n_jobs": THREADS,
}

class AnomalyDetector(Estimator):
    """Finds rows that are odd, with a threshold that keeps what it promises.

    It learns from rows that are mostly normal, without labels. A quarter of them is kept from learning and calibrates the threshold:
    a normal row is flagged with at most the probability ``false_alarm``, whatever the distribution.

    Parameters
    ----------
    false_alarm : float
        The part of normal rows that may be flagged.
    anomalies : float, optional
        The share of rows that are taken to be anomalies, in place of ``false_alarm``: the command's ``--contamination``.
    method : {"auto", "marginal", "linear", "autoencoder", "ensemble"}
        What the detector is made of; ``"auto"`` takes all of them together.
    hidden : sequence of int, optional
        Layers of the autoencoder, from the first hidden one to the code; of ``method="autoencoder"``.
    epochs : int, optional
        How many times the networks see every row.
    window : int or "auto", optional
        Sees the rows as a series, through windows of so many rows.
    stride : int
        Rows between the starts of two windows.
    readings, context : sequence of str
        Columns that are readings whatever they look like, and columns of a series that only accompany them.
    unchanging : float
        How surprising a change is of a column that never changed while learning; 0 ignores such columns.
    ordered : bool
        Whether the rows follow each other in time: the last ones then calibrate.
    budget : float
        About how many seconds of two cores fitting may take. It is counted in work and not by a clock.
    random_state : int, generator or None
        Seed of everything random. None draws another one each time.
    n_jobs : int, optional
        Threads that score. By default all there are.

    Attributes
    ----------
    detector_ : Detector
        The fitted detector.
    offset_ : float
        Rows with a ``score_samples`` below it are flagged.
    guarantee_ : str
        What the threshold rests on: conformal, over_time, tail or quantile.
    n_features_in_ : int
    feature_names_in_ : array of str

    Examples
    --------
    >>> from enkoder import AnomalyDetector, datasets
    >>> usual, faulty = datasets.pump(4000), datasets.pump(400, faults=True)
    >>> detector = AnomalyDetector(false_alarm=0.01, method="linear").fit(usual.data)
    >>> bool((detector.predict(usual.data) == -1).mean() < 0.02)
    True
    >>> detector.p_values(faulty.data).shape
    (400,)
    """

    _native: ClassVar[dict[str, Callable[[bytes], object]]] = {"detector_": Detector.from_bytes}

    def __init__(
        self,
        false_alarm: float = 0.01,
        *,
        anomalies: float | None = None,
        method: str = "auto",
        hidden: Sequence[int] | None = None,
        epochs: int | None = None,
        window: int | str | None = None,
        stride: int = 1,
        readings: Sequence[str] = (),
        context: Sequence[str] = (),
        unchanging: float = 10.0,
        ordered: bool = False,
        budget: float = 4.0,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.false_alarm = false_alarm
        self.anomalies = anomalies
        self.method = method
        self.hidden = hidden
        self.epochs = epochs
        self.window = window
        self.stride = stride
        self.readings = readings
        self.context = context
        self.unchanging = unchanging
        self.ordered = ordered
        self.budget = budget
        self.random_state = random_state
        self.n_jobs = n_jobs

    def __sklearn_tags__(self) -> Any:
        return self._tags("outlier_detector", transforms=False)

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Learns what is usual.

        Parameters
        ----------
        X : array of shape (n_samples, n_features), or a table of pandas, polars, Arrow or DuckDB
            20 rows or more, mostly normal. NaN is a missing value; rows with an infinite value are left out.
        y : ignored
        groups : array of shape (n_samples,), optional
            Which series each row belongs to; windows never mix them. Of ``window`` only.

        Raises
        ------
        ValueError
            When there are too few rows, nothing varies, or an option will not do.
        KeyboardInterrupt
            After Ctrl-C, soon; there is no detector then.

        Warns
        -----
        UserWarning
            Of columns and rows that are left out, of numbers that float32 cannot tell apart, and where too few rows were kept for
            calibration to guarantee the false-alarm rate.
        """
        name = type(self).__name__
        options = self._options()
        given = _validation.samples(X, name)
        if given.rows < FEWEST_ROWS:
            raise ValueError(
                f"{name} needs at least {FEWEST_ROWS} rows to learn from and to calibrate with, but here are "
                f"n_samples = {given.rows} of n_features = {given.columns}"
            )
        if isinstance(given.given, np.ndarray):
            given = given._replace(given=given.given.reshape(given.rows, -1))
        if groups is not None and self.window is None:
            raise ValueError("groups are given, but rows are seen one by one\nhint: see them as series, with window")
        series = None if groups is None else _rows_of(groups, given.rows)
        try:
            self.detector_, stopped = Detector.fit(given.given, options, series)
        except ValueError as error:
            infinite = _validation.infinite(given)
            if infinite is None:
                raise
            raise ValueError(f"{error}\nhint: rows with infinite values are left out. {infinite}") from None
        self._learned(given)
        self._set_threshold()
        self._warn_of_losses()
        if stopped is not None:
            raise stopped
        return self

    def _options(self) -> dict[str, object]:
        _parameters.check(self, RULES)
        if self.hidden is not None and self.method != "autoencoder":
            raise ValueError(f'hidden is of method="autoencoder" alone, but method is {self.method!r}')
        if len(self.context) and self.window is None:
            raise ValueError("context names columns of a series, but rows are seen one by one\nhint: see them as series, with window")
        return {
            "method": self.method,
            "false_alarm": None if self.anomalies is not None else self.false_alarm,
            "contamination": self.anomalies,
            "hidden": widths(self.hidden),
            "epochs": self.epochs,
            "window": 0 if self.window == "auto" else self.window,
            "stride": self.stride,
            "readings": list(self.readings),
            "context": list(self.context),
            "unchanging": self.unchanging,
            "ordered": self.ordered,
            "budget": self.budget,
            "seed": seed_of(self.random_state),
        }

    def _set_threshold(self) -> None:
        score, _, self.guarantee_ = self.detector_.threshold()
        # A row with the threshold's score is flagged, and for scikit-learn one below the offset.
        self.offset_ = -float(np.nextafter(np.float32(score), np.float32(-np.inf)))

    def _warn_of_losses(self) -> None:
        """Says what was left out, and where the threshold promises less than it was asked to."""
        record, said = self.detector_.record, []
        if record["ignored_columns"]:
            columns = _validation.shown([self._column(name) for name in record["ignored_columns"]])
            said.append(
                f"columns not judged, because they are constant, empty or only grow, as a clock does: {columns}\n"
                "hint: name those that are readings in readings"
            )
        if record["rows_left_out"]:
            said.append(f"rows left out, because a value is infinite or beyond float32: {record['rows_left_out']}")
        if record["rows_empty"]:
            said.append(f"rows without any value, which nothing is learned from: {record['rows_empty']}")
        if self.guarantee_ == "tail":
            rows, least = record["calibration_rows"], record["least_rate"]
            said.append(
                f"false_alarm is {self.false_alarm:g}, but the {rows} rows kept for calibration guarantee no less than {least:.2g}: the "
                "threshold is extrapolated, and more normal rows may be flagged\n"
                f"hint: fit with about {int(np.ceil(4 / self.false_alarm))} rows or more, or raise false_alarm"
            )
        for what in said:
            warnings.warn(what, UserWarning, stacklevel=3)

    def _column(self, name: str) -> str:
        """What pandas calls a column that the detector has numbered."""
        number = name.removeprefix("feature")
        if self._labels is None or number == name or not number.isdecimal() or int(number) > len(self._labels):
            return name
        return self._labels[int(number) - 1]

    def score_samples(self, X: Any) -> Array:
        """How usual each row is: its surprise, negated, so that lower is odder.

        The surprise is the mean, over what the detector is made of, of the negative logarithm (base e) of the share of learned rows that
        are as odd.

        Returns
        -------
        array of float64 of shape (n_samples,)
            float32 as the detector computes them. NaN, with a warning, for a row without any value, and for one of a series that no
            window fits around.
        """
        return -self._surprise(X).astype(np.float64)

    def _surprise(self, X: Any) -> Array:
        """The scores as the detector gives them."""
        given = self._rows(X)
        scores = self.detector_.score(given.given, self._threads)
        _validation.check_finite(given, scores)
        _validation.warn_unscored(scores)
        return scores

    def _rows(self, X: Any) -> _validation.Samples:
        given = self._samples(X)
        values = given.given
        return given._replace(given=values.reshape(given.rows, -1)) if isinstance(values, np.ndarray) else given

    def decision_function(self, X: Any) -> Array:
        """``score_samples`` less ``offset_``: below 0 a row is flagged.

        Returns
        -------
        array of float64 of shape (n_samples,)
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Array:
        """-1 for rows that are flagged, 1 for the others, and 0 for rows without a score.

        Returns
        -------
        array of int of shape (n_samples,)
        """
        decision = self.decision_function(X)
        return np.where(np.isnan(decision), 0, np.where(decision < 0, -1, 1))

    def fit_predict(self, X: Any, y: Any = None) -> Array:
        """Learns from rows, and says which of them are flagged."""
        return self.fit(X, y).predict(X)

    def p_values(self, X: Any) -> Array:
        """The conformal p-value of each row: of normal rows, at most the part α has one of at most α.

        Returns
        -------
        array of float64 of shape (n_samples,)
        """
        return self.detector_.p_values(self._surprise(X))

    def discoveries(self, X: Any, rate: float) -> Array:
        """Which rows are flagged together so that at most the part ``rate`` of them is normal, on the average.

        Returns
        -------
        array of bool of shape (n_samples,)
        """
        return np.asarray(self.detector_.discoveries(self._surprise(X).tolist(), rate), dtype=bool)

    def explain(self, X: Any, rows: Any = None, count: int = 3) -> OfRows[list[Reason]]:
        """The columns that add most to the scores of rows, the largest first.

        Parameters
        ----------
        X : as in ``fit``
        rows : sequence of int, mask or slice, optional
            The rows to explain, as NumPy takes an index. By default those that are flagged.
        count : int
            Columns for each.

        Returns
        -------
        list of list of Reason, one for each row
            Its ``rows`` says which row each entry is of. Columns of an array are counted from 1, as the command counts them:
            ``feature1`` is ``X[:, 0]``.

        Examples
        --------
        >>> import numpy as np
        >>> from enkoder import AnomalyDetector
        >>> X = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
        >>> X[70, 2] = 30
        >>> told = AnomalyDetector(method="linear").fit(X).explain(X, X[:, 2] > 20)
        >>> told.rows.tolist(), told[0][0].column
        ([70], 'feature3')
        """
        given, numbers = self._some(X, rows)
        told = self.detector_.explain(given.given, numbers.tolist(), count)
        return OfRows(
            (
                [
                    Reason(self._column(column), *reason, None if nearest is None else NearestWindow(*nearest))  # type: ignore[call-arg, arg-type]
                    for column, *reason, nearest in reasons
                ]
                for reasons in told
            ),
            numbers,
        )

    def _some(self, X: Any, rows: Any) -> tuple[_validation.Samples, Array]:
        """Samples, and the numbers of some of them: by default of those that are flagged."""
        if rows is None:
            rows = self.predict(X) == -1
        given = self._rows(X)
        return given, _validation.row_numbers(rows, given.rows)

    def counterfactual(self, X: Any, rows: Any = None) -> OfRows[list[Change] | None]:
        """The smallest change with which each row would not have been flagged.

        It is found by a search that asks the detector: few columns, each moved no farther than it has to be. There may be a smaller one.

        Parameters
        ----------
        X : as in ``fit``
            Rows of a table, not of a series.
        rows : sequence of int, mask or slice, optional
            The rows to change, as NumPy takes an index. By default those that are flagged.

        Returns
        -------
        list, for each row; its ``rows`` says which
            The columns to change, those that add most to its score first. None where the row is not flagged, and where no change was found.

        Examples
        --------
        >>> import numpy as np
        >>> from enkoder import AnomalyDetector
        >>> usual = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
        >>> detector = AnomalyDetector(method="linear").fit(usual)
        >>> [change.column for change in detector.counterfactual([[9.0, 0.0, 0.0]])[0]]
        ['feature1']
        """
        self._check_fitted()
        if self.detector_.windows is not None:
            raise ValueError("changes are searched for rows of a table, and the detector sees a series")
        given, numbers = self._some(X, rows)
        limit, _, _ = self.detector_.threshold()
        found = self.detector_.counterfactual(given.given, numbers.tolist(), limit)
        changes = (
            None if change is None else [Change(self._column(column), *one) for column, *one in change[0]]
            for change in found
        )
        return OfRows(changes, numbers)

    def see(self, X: Any, sample: int = 1_000_000) -> bytes:
        """What rows tell of what is usual, to be put together with what others tell: ``fit_parts``.

        Parameters
        ----------
        X : as in ``fit``
            Any number of rows; not of a detector with ``window`` or ``ordered``.
        sample : int
            Rows kept at most, each as likely as any other.

        Returns
        -------
        bytes
            A part, as ``enkoder detect fit --part`` writes it.
        """
        return self._part([X], sample)

    def _part(self, tables: Iterable[Any], sample: int) -> bytes:
        if self.window is not None:
            raise ValueError("a part is of rows of a table, and windows see a series\nhint: fit series on one machine")
        part = DetectorPart(self._options(), sample)
        for table in tables:
            part.add(_validation.samples(table, type(self).__name__).given)
        return part.to_bytes()

    def fit_parts(self, parts: Iterable[bytes]) -> Self:
        """Learns from the rows of all parts, as if one had seen them together.

        The detector is, bit for bit, the same for every division of the rows into parts, one part among them. It is not the one that
        ``fit`` makes of the rows: that one keeps other rows to calibrate with.

        Parameters
        ----------
        parts : iterable of bytes
            What ``see`` gave on other machines, by a detector with the same parameters. Their order makes no difference.

        Raises
        ------
        ValueError
            When a part was seen with other parameters, or parts do not go together.

        Examples
        --------
        >>> import numpy as np
        >>> from enkoder import AnomalyDetector
        >>> usual = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
        >>> detector = AnomalyDetector(method="linear")
        >>> parts = [detector.see(usual[:500]), detector.see(usual[500:])]
        >>> detector.fit_parts(parts).predict([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0]]).tolist()
        [1, -1]
        """
        merged: DetectorPart | None = None
        for part in map(DetectorPart.from_bytes, parts):
            if merged is None:
                merged = part
            else:
                merged.merge(part)
        if merged is None:
            raise ValueError("there is no part to learn from")
        merged.check(self._options())
        self._take(merged.fit())
        return self

    def _take(self, detector: Detector) -> None:
        """Has this fitted detector."""
        self.detector_ = detector
        self._learned_elsewhere(detector)
        self._set_threshold()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """A detector that ``save`` or ``enkoder detect fit`` wrote, with the parameters that it was fitted with.

        A table to score may have more columns than the detector knows, in any order: it takes its own by their names.

        Raises
        ------
        FileNotFoundError
            When there is no such file.
        ValueError
            When it is no detector.
        """
        this = cls()
        this._take(opened(Detector.load, path))
        options = this.detector_.options
        this.set_params(**{name: tuple(value) if isinstance(value, list) else value for name, value in options.items()})
        return this


def _rows_of(groups: Any, rows: int) -> list[list[int]]:
    """The rows of each series, in their order."""
    names = np.asarray(groups)
    if names.shape != (rows,):
        raise ValueError(f"groups have the shape {names.shape}, but there are {rows} rows")
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    return [np.flatnonzero(number == group).tolist() for group in np.argsort(first)]
