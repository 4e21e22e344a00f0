"""The interactive page: one HTML file that needs nothing but a browser."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any

# Each file holds one subject; together they are one script.
_SCRIPTS = (
    *("geometry", "values", "state", "grids", "telling", "pictures", "distribution"),
    *("collection", "tables", "calls", "controls", "player", "main"),
)


# The page draws no array of more numbers (MOST in state.js), so it need not carry them.
_MOST = 20_000


def page(data: dict[str, Any]) -> str:
    """The page that explains one transposed convolution, as text.

    Args:
        data: ``parameters``, a dict of input_size, kernel_size, stride, output_padding and
            dilation (one int a spatial axis), padding (one [lo, hi] a spatial axis), groups,
            in_channels, out_channels and batch (None for an x without a batch axis); ``x``,
            ``w`` and ``b``, nested lists of numbers, or None for letters instead of numbers
            and for no bias; ``dtype``, the name of theirs.  The page computes y itself.

    Returns:
        A whole HTML document. It makes no request, from disk or inside a notebook.
    """
    embedded = {name: data[name] for name in ("parameters", "x", "w", "b", "dtype")}
    if max(map(_count, (embedded["x"], embedded["w"]))) > _MOST:
        embedded |= dict.fromkeys("xwb")
    # "<" would let a text end the script that holds it.
    text = json.dumps(_plain(embedded), allow_nan=False).replace("<", "\\u003c")
    return _template().replace("{{data}}", text)


@cache
def _template() -> str:
    """The document with style and script in place."""
    folder = files(__name__)
    html, css = (folder.joinpath(f"page.{kind}").read_text("utf-8") for kind in ("html", "css"))
    script = "\n".join(folder.joinpath(f"{name}.js").read_text("utf-8") for name in _SCRIPTS)
    return html.replace("{{css}}", css).replace("{{js}}", script)


def _count(value: Any) -> int:
    """How many numbers nested lists hold."""
    return sum(map(_count, value)) if isinstance(value, list) else 1


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: these become the texts that JavaScript reads as such."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value
