"""The calls that the page offers to copy are run: each gives the definition's values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tconv.explanation.page import page
from tconv.testing import Problem, reference
from tests.explanation.browser import QUESTION, Browser, data_of

MODULES = {
    "tconv": "numpy",
    "PyTorch": "torch",
    "jax.lax": "jax",
    "flax": "flax",
    "ONNX": "onnxruntime",
}
# Padding that PyTorch has, that it has as an output padding, and that it lacks; deeper than the
# kernel, and negative; groups, dilation, bias, one to three axes, with and without a batch.
PROBLEMS = [
    QUESTION,
    Problem((3,), (4,), stride=2, padding=((1, 0),), bias=True, batch=None),
    Problem((4, 3), (2, 3), stride=(1, 2), padding=((0, 1), (-1, 2)), in_channels=2, bias=True),
    Problem((4,), (2,), stride=3, padding=3, output_padding=2, dilation=2, batch=2, seed=1),
    Problem(
        (2, 3), (3, 2), stride=(3, 2), padding=1, output_padding=(2, 1), dilation=(1, 2),
        groups=2, in_channels=4, out_channels=4, bias=True, batch=2, seed=2,
    ),
    Problem(
        (3,), (2,), stride=2, padding=((2, -1),), groups=2, in_channels=2, out_channels=4,
        batch=None, bias=True, seed=3,
    ),
    Problem((2, 2, 3), (2, 1, 2), stride=(2, 3, 1), padding=((0, 0), (0, -2), (1, 0)), seed=4),
    Problem((3, 3), (2, 2), dilation=2, output_padding=1, padding=((3, 2), (0, 0)), seed=5),
    Problem((3,), (3,), stride=2, padding=1, bias=True, dtype="int64", seed=6),
]  # fmt: skip


def copied(browser: Browser, data: dict[str, Any], library: str) -> str:
    """The text of one tab; the same page is opened once for all of them."""
    text = page(data)
    if browser.opened != text:
        browser.open(text)
    browser.run("document.getElementById(arguments[0]).click()", f"tab-{library}")
    browser.settle()
    return browser.text("#call")


def values_of(text: str) -> tuple[Any, dict[str, Any]]:
    names: dict[str, Any] = {}
    exec(text, names)
    return np.asarray(names["y"]), names


@pytest.mark.parametrize("library", MODULES)
@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
def test_a_copied_call_gives_the_definitions_values(browser, problem, library):
    pytest.importorskip(MODULES[library], reason=f"runs the call of {library}")
    y, _ = values_of(copied(browser, data_of(problem), library))
    wanted = reference.conv_transpose(*problem.arrays(), **problem.keywords).astype(np.float64)
    assert y.shape == wanted.shape
    # A sum of at most 17 products of numbers below 4 in float32.
    np.testing.assert_allclose(y, wanted, rtol=0, atol=17 * 16 * 17 * 2.0**-24)


@pytest.mark.parametrize("library", MODULES)
def test_a_call_without_numbers_runs_too(browser, library):
    pytest.importorskip(MODULES[library], reason=f"runs the call of {library}")
    y, names = values_of(copied(browser, data_of(PROBLEMS[4], x=None, w=None), library))
    x, w, b = (np.asarray(names[letter], np.float64) for letter in "xwb")
    wanted = reference.conv_transpose(x, w, b, **PROBLEMS[4].keywords)
    np.testing.assert_allclose(y, wanted, rtol=0, atol=17 * 32 * 17 * 2.0**-24)


@pytest.mark.parametrize(
    ("problem", "note"),
    [
        (PROBLEMS[0], ""),
        (PROBLEMS[1], "a padding with an output padding"),
        (PROBLEMS[2], "PyTorch's padding cannot express this crop"),
    ],
)
def test_the_page_says_what_pytorch_lacks(browser, problem, note):
    copied(browser, data_of(problem), "PyTorch")
    said = browser.text("#call-note")
    assert note in said
    assert bool(note) == bool(said)
