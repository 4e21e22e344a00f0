"""The README's table of conventions is written by this file, and each of its cells is true.

``python -m tests.compat.test_readme_table`` writes it anew.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tconv
from tconv.compat import padding
from tconv.compat.conventions import CONVENTIONS, Convention

README = Path(__file__).parents[2] / "README.md"
SECTION = re.compile(r"(?<=<!-- conventions -->\n).*?(?=<!-- /conventions -->)", re.DOTALL)


class Row(NamedTuple):
    """What a framework is told, and the Python that says it to ``conv_transpose`` on one axis."""

    framework: str
    source: str
    told: str
    padding: str


ROWS = [
    Row("PyTorch", "torch", "`p`, `op`", "((p, p-op),)"),
    Row("MLX", "mlx", "`p`, `op`", "((p, p-op),)"),
    Row("ONNX", "onnx", "`[a, b]`, `op`", "((a, b-op),)"),
    Row("", "onnx", '`"SAME_UPPER"`', '"same"'),
    Row("", "onnx", '`"SAME_LOWER"`', '"same_lower"'),
    Row("Equinox", "equinox", "`[(a, b)]`, `op`", "((a, b-op),)"),
    Row("jax.lax, flax", "lax", "`[(a, b)]`", "((K-1-a, K-1-b),)"),
    Row("", "lax", '`"VALID"`', "((0, min(K-s, 0)),)"),
    Row("", "lax", '`"SAME"`', '"same"'),
    Row("`transpose_kernel`", "lax_transpose_kernel", "", ""),
    Row("Haiku", "haiku", "", ""),
    Row("Keras", "keras", '`"valid"`', "((0, min(K-s, 0)),)"),
    Row("", "keras", '`"same"`', '"same"'),
]


def kernel(convention: Convention) -> str:
    """The order of the axes, and which of them spans one group's channels alone."""
    letters = []
    for letter in convention.order:
        part = convention.whole and letter in "IO" and letter != convention.whole
        letters.append({"*": "k"}.get(letter, letter) + "/g" * bool(part))
    return f"({', '.join(letters)})" + ", flipped" * convention.flipped


def table() -> str:
    lines = ["| of | padding | in tconv | kernel |", "|---|---|---|---|"]
    for row in ROWS:
        cell = f"`{row.padding}`" if row.padding else ""
        stored = kernel(CONVENTIONS[row.source]) if row.framework else ""
        cells = (row.framework, row.told, cell, stored)
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return "\n".join(lines).replace("|  ", "| ") + "\n"


def test_the_readme_has_the_table():
    assert SECTION.findall(README.read_text()) == [table()]


GRID = list(itertools.product((1, 2, 3, 4), (1, 2, 3, 5), (1, 2)))


@pytest.mark.parametrize("row", [row for row in ROWS if row.padding], ids=lambda row: row.told)
def test_a_row_says_in_tconv_what_it_says_in_the_framework(row):
    (told, *more) = [cell.strip("`") for cell in row.told.split("`, `")]
    rng = np.random.default_rng(0)
    for kernel_size, stride, dilation in GRID:
        extent = dilation * (kernel_size - 1) + 1
        x = rng.integers(-4, 5, (1, 1, 3)).astype(np.float64)
        w = rng.integers(-4, 5, (1, 1, kernel_size)).astype(np.float64)
        names: dict[str, Any] = {"K": extent, "s": stride, "p": 1, "a": 1, "b": 0}
        names["op"] = min(1, max(stride, dilation) - 1)
        value = eval(told, {}, names)
        pairs = padding(
            value,
            source=row.source,
            kernel_size=kernel_size,
            stride=stride,
            dilation=dilation,
            output_padding=names["op"] if more else None,
        )
        if (3 - 1) * stride + extent - sum(pairs[0]) < 1:
            continue
        options = {"stride": stride, "dilation": dilation}
        said = tconv.conv_transpose(x, w, padding=eval(row.padding, {}, names), **options)
        meant = tconv.conv_transpose(x, w, padding=pairs, **options)
        np.testing.assert_array_equal(said, meant)


def test_frameworks_of_one_row_have_one_convention():
    assert CONVENTIONS["flax"] == CONVENTIONS["lax"]
    assert CONVENTIONS["flax_transpose_kernel"] == CONVENTIONS["lax_transpose_kernel"]


if __name__ == "__main__":
    README.write_text(SECTION.sub(lambda _: table(), README.read_text()))
