"""The autoencoder as a transformer of scikit-learn's kind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from . import _parameters, _training, _validation
from ._base import Array, Transformer, opened
from ._enkoder import Model
from ._parameters import LAYERS, PATH, SHAPE, TEXT, WIDTHS, one_of, optional, real, whole
from ._progress import Callback, told_to

Layers = Mapping[str, Any]

RULES = {
    "hidden": optional(WIDTHS),
    "latent": optional(whole(1)),
    "architecture": one_of("dense", "linear", "conv"),
    "channels": optional(WIDTHS),
    "layers": optional(LAYERS),
    **{name: optional(TEXT) for name in "preset activation latent_activation output_activation loss schedule penalty".split()},
    "scaling": TEXT,
    **_training.RULES,
    "huber_delta": optional(real(0, float("inf"))),
    "weight_decay": optional(real(0, 1e9, closed=True)),
    "warmup": optional(real(0, 1, closed=True)),
    "clip": optional(real(0, float("inf"))),
    "validation": real(0, 1),
    "image_shape": optional(SHAPE),
    "checkpoint": optional(PATH),
    "checkpoint_every": whole(1),
    "resume": optional(PATH),
}


class Autoencoder(Transformer):
    """A network that copies its input through a narrow code.

    A fifth of the samples is kept to validate with, and the model of the epoch that does best on it is the one that is kept. The same
    samples and the same ``random_state`` give the same model, bit for bit, with any number of threads: the one that the command
    ``enkoder train`` makes of them.

    Parameters
    ----------
    hidden : sequence of int, optional
        Widths of the hidden layers, from the outermost in; the decoder mirrors them. By default ``(128, 64)``; of ``"conv"`` none.
    latent : int, optional
        Numbers in a code. By default 10, or half as many as a sample has values where this is less and the network only copies.
    epochs : int, optional
        How many times every sample is seen. By default 20.
    architecture : {"dense", "linear", "conv"}
        Dense layers; principal components in closed form; convolutions around a dense code, for images.
    channels : sequence of int, optional
        Channels of the convolutions. By default ``(16, 8)``.
    layers : mapping, optional
        All layers, in place of what is above: ``{"encoder": [...], "decoder": [...]}``, of which each layer is a mapping such as
        ``{"kind": "dense", "units": 64, "activation": "relu"}``. The kinds are those of the command's ``--config``.
    preset : {"reference", "best"}, optional
        Network and options that belong together.
    activation, latent_activation, output_activation : str, optional
        Of hidden layers, of the code and of the output: relu, leaky-relu, elu, gelu, gelu-erf, silu, tanh, sigmoid or linear. The output is by default
        a sigmoid where scaled values lie in 0..1, and linear elsewhere.
    scaling : {"auto", "none", "unit", "minmax", "standard"}
        How values are scaled. It is learned from the training samples and stored with the model.
    batch_size : int, optional
        Samples in one step. By default 128.
    loss : {"mse", "mae", "huber", "bce"}, optional
        What is minimised.
    huber_delta : float, optional
        Where Huber's loss turns from squared to absolute.
    learning_rate, weight_decay : float, optional
        Of Adam.
    schedule : {"cosine", "constant", "one-cycle"}, optional
        How the learning rate changes.
    warmup : float, optional
        The part of the training in which the learning rate rises first.
    clip : float, optional
        Gradients that are longer are shortened to this.
    penalty : str, optional
        Holds the code to a rule: ``"l1:WEIGHT"``, ``"kl:WEIGHT:TARGET"`` or ``"contractive:WEIGHT"``.
    patience : int, optional
        Training stops when the validation loss has not improved for so many epochs.
    noise : str, optional
        Damages the inputs, which the network learns to undo: ``"gaussian:0.3"``, ``"masking:0.25"``, or ``"missing:0.5"`` to learn to
        fill in what is missing.
    blind : bool
        Learns to denoise images from noisy ones alone: of convolutions, and without ``noise``.
    validation : float
        The part of the samples that validates.
    image_shape : sequence of int, optional
        The shape of one sample, ``(height, width)`` or ``(height, width, channels)``, where samples come as rows.
    random_state : int, generator or None
        Seed of the split, the weights and the order of the samples. None draws another one each time.
    n_jobs : int, optional
        Threads. By default all there are; it does not change the result.
    verbose : bool
        Shows progress: a bar where ``tqdm`` is installed, and otherwise a line for each epoch.
    callback : callable, optional
        Called after each epoch with a dictionary of what it was like. Where it gives back something true, training stops.
    checkpoint : path, optional
        A file to write the state of the training to, from which ``resume`` goes on.
    checkpoint_every : int
        After how many epochs each.
    resume : path, optional
        A checkpoint to go on from, with the same samples. Only ``epochs``, ``patience`` and ``n_jobs`` are looked at besides.

    Attributes
    ----------
    model_ : Model
        The trained model.
    history_ : list of dict
        What each epoch was like.
    n_features_in_ : int
        Columns of the samples.
    feature_names_in_ : array of str
        Their names, where the samples were a table.

    Examples
    --------
    >>> from enkoder import Autoencoder, datasets
    >>> X = datasets.strokes(500).data
    >>> model = Autoencoder(hidden=(64,), latent=8, epochs=5).fit(X)
    >>> codes = model.transform(X)
    >>> codes.shape, codes.dtype
    ((500, 8), dtype('float32'))
    >>> model.inverse_transform(codes).shape
    (500, 784)
    """

    _native: ClassVar[dict[str, Callable[[bytes], object]]] = {"model_": Model.from_bytes}

    def __init__(
        self,
        hidden: Sequence[int] | None = None,
        latent: int | None = None,
        epochs: int | None = None,
        *,
        architecture: str = "dense",
        channels: Sequence[int] | None = None,
        layers: Layers | None = None,
        preset: str | None = None,
        activation: str | None = None,
        latent_activation: str | None = None,
        output_activation: str | None = None,
        scaling: str = "auto",
        batch_size: int | None = None,
        loss: str | None = None,
        huber_delta: float | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        schedule: str | None = None,
        warmup: float | None = None,
        clip: float | None = None,
        penalty: str | None = None,
        patience: int | None = None,
        noise: str | None = None,
        blind: bool = False,
        validation: float = 0.2,
        image_shape: Sequence[int] | None = None,
        random_state: Any = 0,
        n_jobs: int | None = None,
        verbose: bool = False,
        callback: Callback | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int = 1,
        resume: str | os.PathLike[str] | None = None,
    ) -> None:
        self.hidden = hidden
        self.latent = latent
        self.epochs = epochs
        self.architecture = architecture
        self.channels = channels
        self.layers = layers
        self.preset = preset
        self.activation = activation
        self.latent_activation = latent_activation
        self.output_activation = output_activation
        self.scaling = scaling
        self.batch_size = batch_size
        self.loss = loss
        self.huber_delta = huber_delta
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.warmup = warmup
        self.clip = clip
        self.penalty = penalty
        self.patience = patience
        self.noise = noise
        self.blind = blind
        self.validation = validation
        self.image_shape = image_shape
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callback = callback
        self.checkpoint = checkpoint
        self.checkpoint_every = checkpoint_every
        self.resume = resume

    def __sklearn_tags__(self) -> Any:
        return self._tags(None, transforms=True)

    def fit(self, X: Any, y: Any = None, *, targets: Any = None) -> Self:
        """Trains the network.

        Ctrl-C stops the training with a ``KeyboardInterrupt``; the best model so far is kept, and can be used.

        Parameters
        ----------
        X : array of shape (n_samples, n_features) or (n_samples, height, width[, channels]), or a table
            float32, float64 and uint8 are read where they lie; NaN is a missing value. Tables of pandas, polars, Arrow and DuckDB may
            have columns of words and of times.
        y : ignored
        targets : like X, optional
            What the inputs should become, sample by sample, where that is not themselves.

        Raises
        ------
        ValueError
            When the samples or an option will not do.
        KeyboardInterrupt
            After Ctrl-C.
        """
        options = self._options()
        given = _validation.samples(X, type(self).__name__)
        if given.rows < 2:
            raise ValueError(
                f"Autoencoder needs samples to learn from and to validate with, but found {given.rows} sample(s): n_samples = 1"
            )
        aim = None if targets is None else _validation.samples(targets, type(self).__name__).given
        try:
            with told_to(self.callback, self.verbose) as progress:
                self.model_, stopped = Model.fit(self._shaped(given.given), options, aim, progress)
        except ValueError:
            # A training counts the samples after it has divided them.
            infinite = _validation.infinite(given)
            if infinite is None:
                raise
            raise ValueError(infinite) from None
        self._learned(given)
        if stopped is not None:
            raise stopped
        return self

    def _options(self) -> dict[str, object]:
        _parameters.check(self, RULES)
        if self.blind and self.layers is None and self.architecture != "conv":
            raise ValueError(
                f"blind hides pixels of images, of which architecture={self.architecture!r} knows nothing\nhint: take architecture=\"conv\""
            )
        return _training.options_of(self, architecture=self.architecture)

    def _shaped(self, given: Any) -> Any:
        """Rows of an array as samples of a shape."""
        if self.image_shape is not None and isinstance(given, np.ndarray):
            values, wanted = int(np.prod(given.shape[1:])), int(np.prod(self.image_shape))
            if values != wanted:
                raise ValueError(f"image_shape is {self.image_shape!r}, which is {wanted} values, but a sample has {values}")
            return given.reshape(given.shape[0], *self.image_shape)
        if self.architecture == "conv" and self.layers is None and isinstance(given, np.ndarray) and given.ndim == 2:
            raise ValueError(
                f"architecture=\"conv\" needs images, but X has rows of {given.shape[1]} numbers\n"
                "hint: say with image_shape what shape a row has, as (height, width) or (height, width, channels)"
            )
        return given

    def _like_model(self, given: Any) -> Any:
        shape = self.model_.shape
        if isinstance(given, np.ndarray) and list(given.shape[1:]) != shape and len(shape) < 4:
            return given.reshape(given.shape[0], *shape)
        return given

    def _made(self, X: Any, verb: Callable[[Model, object, int | None], Array]) -> tuple[Array, Any]:
        """What the model makes of samples, and their index."""
        given = self._samples(X)
        made = verb(self.model_, self._like_model(given.given), self._threads)
        _validation.check_finite(given, made)
        return made, given.index

    @property
    def _n_features_out(self) -> int:
        return self.model_.latent

    def fit_transform(self, X: Any, y: Any = None, *, targets: Any = None) -> Any:
        """Trains the network and gives the codes of the samples."""
        return self.fit(X, y, targets=targets).transform(X)

    def transform(self, X: Any) -> Any:
        """The codes of samples.

        Parameters
        ----------
        X : as in ``fit``

        Returns
        -------
        array of float32 of shape (n_samples, latent), or a data frame after ``set_output``
        """
        codes, index = self._made(X, Model.encode)
        return self._given_out(codes, index)

    def inverse_transform(self, Z: Any) -> Array:
        """Samples from codes.

        Parameters
        ----------
        Z : array of shape (n_samples, latent)

        Returns
        -------
        array of float32 of shape (n_samples, n_features)
            In the units of the data.
        """
        self._check_fitted()
        codes = _validation.array(Z, type(self).__name__, most_axes=2)
        return self.model_.decode(codes, self._threads)

    def reconstruct(self, X: Any) -> Array:
        """What the network makes of samples.

        Returns
        -------
        array of float32 of shape (n_samples, n_features)
        """
        return self._made(X, Model.reconstruct)[0]

    def fill(self, X: Any, iterations: int | None = None) -> Array:
        """Samples with what is missing in them filled in by the network; what is known stays as it is.

        Parameters
        ----------
        X : as in ``fit``
            NaN is missing.
        iterations : int, optional
            How many times the network is asked again, with its own answer.
        """
        return self.model_.fill(self._like_model(self._samples(X).given), iterations, self._threads)

    def reconstruction_error(self, X: Any) -> Array:
        """The mean squared error of each sample, in scaled units.

        Returns
        -------
        array of float32 of shape (n_samples,)
        """
        return self._made(X, Model.reconstruction_error)[0]

    def score(self, X: Any, y: Any = None) -> float:
        """How well samples are copied: the mean of their errors, negated, so that higher is better."""
        return -float(np.mean(self.reconstruction_error(X), dtype=np.float64))

    @property
    def history_(self) -> list[dict[str, Any]]:
        """What each epoch was like."""
        self._check_fitted()
        epochs: list[dict[str, Any]] = self.model_.record.get("epochs", [])
        return epochs

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """A model file that ``save`` or the command wrote.

        It has the parameters that the file knows: the network and how it was trained, but not ``validation`` and what changes no result.
        A table may have more columns than the model knows, in any order: it takes its own by their names.

        Raises
        ------
        FileNotFoundError
            When there is no such file.
        ValueError
            When it is no model.
        """
        return cls()._of_model(opened(Model.load, path))

    def _of_model(self, model: Model) -> Self:
        self.model_ = model
        self._learned_elsewhere(model)
        options = {name: _short(value) for name, value in model.options.items()}
        return self.set_params(**_network(model, trained="epochs" in options), **options)

    def report(self, path: str | os.PathLike[str], X: Any, *, title: str = "Autoencoder") -> None:
        """Writes a page that shows samples beside what the network makes of them.

        Parameters
        ----------
        path : path
            The file to write, as HTML.
        X : as in ``fit``
            Samples to show and to measure on.
        title : str
        """
        page = self.model_.report(self._like_model(self._samples(X).given), title)
        out = os.fsdecode(path)
        partial = f"{out}.partial"
        try:
            with open(partial, "w", encoding="utf-8") as file:
                file.write(page)
            os.replace(partial, out)
        except OSError as error:
            raise type(error)(error.errno, error.strerror, out) from None

    def _repr_html_(self) -> str:
        from ._picture import drawn

        return drawn(self)


def _short(value: Any) -> Any:
    """A number of float32 as one writes it."""
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _network(model: Model, *, trained: bool) -> dict[str, Any]:
    """The parameters that stand for a model's network."""
    if not trained:
        return {"architecture": "linear"}
    network = json.loads(model.architecture)
    encoder, decoder = network["encoder"], network["decoder"]
    widths = [layer.get("units") for layer in encoder]
    inner = {layer.get("activation") for layer in (*encoder[:-1], *decoder[:-1])}
    plain = all(set(layer) == {"kind", "units", "activation"} and layer["kind"] == "dense" for layer in (*encoder, *decoder))
    mirrored = widths[-2::-1] == [layer.get("units") for layer in decoder[:-1]]
    shape = {"image_shape": tuple(model.shape)} if len(model.shape) > 1 else {}
    if not (plain and mirrored and len(inner) <= 1) or network.get("residual"):
        return {"layers": {name: network[name] for name in ("encoder", "decoder", "residual") if name in network}, **shape}
    return {
        "hidden": tuple(widths[:-1]),
        "activation": next(iter(inner), None),
        "latent_activation": encoder[-1]["activation"],
        "output_activation": decoder[-1]["activation"],
        **shape,
    }
