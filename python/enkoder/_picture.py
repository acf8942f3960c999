"""How a model shows itself in a notebook: its layers, and the losses of its training."""

from __future__ import annotations

from html import escape
from typing import Any

WIDTH, HEIGHT = 360, 120


def drawn(estimator: Any) -> str:
    """HTML of an estimator: its parameters alone as long as it is not fitted."""
    text = f"<code>{escape(repr(estimator))}</code>"
    if not estimator.__sklearn_is_fitted__():
        return text
    model = estimator.model_
    record = model.record
    facts = f"{escape(model.summary)} · {model.parameters:,} parameters · validation loss {record['validation_loss']:.5g}"
    return f"<div>{text}<br><small>{facts}</small>{_losses(record.get('epochs', []))}</div>"


def _losses(epochs: list[dict[str, Any]]) -> str:
    if len(epochs) < 2:
        return ""
    lines = [[epoch[name] for epoch in epochs] for name in ("train_loss", "validation_loss")]
    high, low = max(map(max, lines)), min(map(min, lines))
    spread = (high - low) or 1.0

    def points(values: list[float]) -> str:
        return " ".join(
            f"{x * (WIDTH - 4) / (len(values) - 1) + 2:.1f},{(high - value) / spread * (HEIGHT - 4) + 2:.1f}"
            for x, value in enumerate(values)
        )

    training, validation = (
        f'<polyline points="{points(values)}" fill="none" stroke="currentColor" stroke-width="1.5" opacity="{opacity}"/>'
        for values, opacity in zip(lines, (0.45, 1.0))
    )
    return (
        f'<br><svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="losses by epoch">{training}{validation}</svg>'
        f"<br><small>training (pale) and validation loss, {low:.4g} to {high:.4g}, over {len(epochs)} epochs</small>"
    )
