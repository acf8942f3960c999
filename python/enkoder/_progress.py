"""Progress of a training: a bar, lines, and who else wants to know."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Epoch = dict[str, Any]
Callback = Callable[[Epoch], object]


class Progress:
    """Tells everyone who wants to know what an epoch was like; true where one of them wants the training to stop."""

    def __init__(self, callback: Callback | None, verbose: bool) -> None:
        self._callback = callback
        self._verbose = verbose
        self._bar: Any = None

    def __call__(self, epoch: Epoch) -> bool:
        if self._verbose:
            self._show(epoch)
        return bool(self._callback(epoch)) if self._callback is not None else False

    def _show(self, epoch: Epoch) -> None:
        losses = f"training {epoch['train_loss']:.5f}, validation {epoch['validation_loss']:.5f}"
        if self._bar is None:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                print(f"epoch {epoch['epoch']} of {epoch['epochs']}: {losses}", file=sys.stderr)
                return
            self._bar = tqdm(total=epoch["epochs"], initial=epoch["epoch"] - 1, unit="epoch")
        self._bar.set_postfix_str(losses)
        self._bar.update()

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()


@contextmanager
def told_to(callback: Callback | None, verbose: bool) -> Iterator[Progress | None]:
    """Who is told of epochs; None where nobody wants to know."""
    progress = Progress(callback, verbose)
    try:
        yield progress if verbose or callback is not None else None
    finally:
        progress.close()
