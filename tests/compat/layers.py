"""Settings of a layer of flax, drawn; the two modules of tests share them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from hypothesis import strategies as st

SETTINGS = 10  # each compiles two programs


@dataclass(frozen=True)
class Problem:
    """A call of a layer with 3 features of inputs and 2 of outputs."""

    size: tuple[int, ...]
    batch: tuple[int, ...]
    kernel_size: Any
    options: dict[str, Any]

    @property
    def padding(self) -> Any:
        return self.options["padding"]

    @property
    def transpose_kernel(self) -> bool:
        return self.options["transpose_kernel"]


def integers(key: Any, shape: Any, dtype: Any = "float32", out_sharding: Any = None) -> Any:
    """Whole numbers, whose sums of products are exact."""
    drawn = jax.random.randint(key, shape, -3, 4).astype(dtype)
    return drawn if out_sharding is None else jax.device_put(drawn, out_sharding)


@st.composite
def problems(draw: Any) -> Problem:
    """Every form of every argument, on one or two axes."""
    axes = draw(st.integers(1, 2))

    def ints(low: int, high: int) -> Any:
        forms = st.lists(st.integers(low, high), min_size=axes, max_size=axes)
        return draw(st.one_of(st.integers(low, high), forms, forms.map(tuple)))

    kernel_size = draw(st.tuples(*[st.integers(1, 4)] * axes))
    entry = st.one_of(st.integers(0, 3), st.tuples(st.integers(0, 3), st.integers(0, 3)))
    words = st.sampled_from(["SAME", "VALID", "CIRCULAR"])
    padding = draw(st.one_of(words, words, st.integers(0, 3), st.tuples(*[entry] * axes)))
    strides = draw(st.sampled_from([None, ints(1, 3)]))
    transpose_kernel = draw(st.booleans())
    channels = (2, 3) if transpose_kernel else (3, 2)
    masks = [None, np.arange(np.prod(kernel_size) * 6).reshape(*kernel_size, *channels) % 2]
    mask = draw(st.sampled_from(masks))
    return Problem(
        size=draw(st.tuples(*[st.integers(1, 4)] * axes)),
        batch=draw(st.sampled_from([(), (2,), (2, 3)])),
        kernel_size=kernel_size[0] if axes == 1 and draw(st.booleans()) else kernel_size,
        options={
            "strides": strides,
            "kernel_dilation": draw(st.sampled_from([None, ints(1, 2)])),
            "padding": padding,
            "use_bias": draw(st.booleans()),
            "mask": None if mask is None else mask.astype("float32"),
            "transpose_kernel": transpose_kernel,
        },
    )


def output_sizes(problem: Problem) -> list[int]:
    """Along each axis, where the padding is made of numbers."""
    if isinstance(problem.padding, str):
        return [1]
    sizes = []
    for axis, size in enumerate(problem.size):
        kernel, stride, dilation = (
            one if isinstance(one, int) else one[axis]
            for one in (
                problem.kernel_size,
                problem.options["strides"] or 1,
                problem.options["kernel_dilation"] or 1,
            )
        )
        entry = problem.padding if isinstance(problem.padding, int) else problem.padding[axis]
        pads = 2 * entry if isinstance(entry, int) else sum(entry)
        sizes.append((size - 1) * stride + 1 + pads - dilation * (kernel - 1))
    return sizes


def circular_settings() -> Iterator[tuple[int, int, int, int]]:
    """(input size, kernel size, stride, dilation) of one axis."""
    yield from itertools.product((3,), (2, 3, 4), (1, 2, 3), (1,))
    yield from [(2, 3, 2, 2), (3, 4, 1, 3), (1, 5, 2, 1), (3, 5, 4, 1), (4, 2, 3, 2)]
