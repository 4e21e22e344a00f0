"""The usual suspects: what people get wrong, each computed from the reference.

A suspect is a sentence and a function that gives the result that an implementation with this
mistake would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.testing import reference
from tconv.testing.problems.problem import Problem

Array = NDArray[Any]
Suspect = tuple[str, Callable[[], Array]]


def suspects(problem: Problem, x: Array, w: Array, b: Array | None) -> Iterator[Suspect]:
    """Every suspect that applies to this problem."""
    result = partial(_result, problem)
    yield from kernel_suspects(problem, x, w, b)
    yield from _channels(problem, x, w, b)
    yield from _padding(problem, partial(result, x, w, b))
    if problem.transposed:
        yield from _output_padding(problem, x, w, b)
    yield from _steps(problem, partial(result, x, w, b))
    if b is not None:
        yield from _bias(problem, x, w, b)
    yield from _samples(problem, x, w, b)


def named_axes(ndim: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Sets of spatial axes by names that mean the same in any number of dimensions."""
    axes = tuple(range(ndim))
    yield "every spatial axis", axes
    yield "the first spatial axis alone", axes[:1]
    yield "the last spatial axis alone", axes[-1:]
    yield "all spatial axes but the first", axes[1:]
    yield "all spatial axes but the last", axes[:-1]
    yield "the middle spatial axis alone", axes[1:-1]


def _result(p: Problem, x: Array, w: Array, b: Array | None, **changed: Any) -> Array:
    function = reference.conv_transpose if p.transposed else reference.conv
    return np.asarray(function(x, w, b, **{**p.keywords, **changed}))


def kernel_suspects(p: Problem, x: Array, w: Array, b: Array | None) -> Iterator[Suspect]:
    """Flipped, transposed and conjugated kernels."""
    for name, flipped in named_axes(p.ndim):
        spatial = tuple(axis + 2 for axis in flipped)
        yield f"the kernel is flipped on {name}", partial(_result, p, x, np.flip(w, spatial), b)
    axes = range(2, 2 + p.ndim)
    for first, second in combinations(axes, 2):
        if w.shape[first] == w.shape[second]:
            yield (
                f"spatial axes {first - 2} and {second - 2} of the kernel are transposed",
                partial(_result, p, x, w.swapaxes(first, second), b),
            )
    for place, axis in (("first", 2), ("last", w.ndim - 1)):
        for end, at in (("first", 0), ("last", -1)):
            for what, operands in (
                ("input position", (_without(x, axis - w.ndim, at), w)),
                ("tap", (x, _without(w, axis, at))),
            ):
                yield (
                    f"the {end} {what} of the {place} spatial axis is left out",
                    partial(_result, p, *operands, b),
                )
    if np.iscomplexobj(w):
        yield "the kernel is conjugated", lambda: _result(p, x, w.conj(), b)
        yield "the input is conjugated", lambda: _result(p, x.conj(), w, b)


def _without(values: Array, axis: int, at: int) -> Array:
    """The values with zeros at one place of an axis."""
    values = values.copy()
    values.swapaxes(0, axis)[at] = 0
    return values


def _channels(p: Problem, x: Array, w: Array, b: Array | None) -> Iterator[Suspect]:
    group_in, group_out = p.in_channels // p.groups, p.out_channels // p.groups
    first, second = (group_in, group_out) if p.transposed else (group_out, group_in)
    by_group = w.reshape(p.groups, first, second, *p.kernel_size)
    if first == second:
        exchanged = by_group.swapaxes(1, 2).reshape(w.shape)
        yield (
            "transposed layout: the weight's two channel axes are exchanged within each group",
            lambda: _result(p, x, exchanged, b),
        )
    reread = w.reshape(p.groups, second, first, *p.kernel_size).swapaxes(1, 2).reshape(w.shape)
    yield (
        "transposed layout: the weight's memory is read with its channel axes in the other order",
        lambda: _result(p, x, reread, b),
    )
    if p.groups == 1:
        return
    order_in = np.arange(p.in_channels).reshape(group_in, p.groups).T.ravel()
    order_out = np.arange(p.out_channels).reshape(p.groups, group_out).T.ravel()
    for order, how in ((order_out, "group-minor"), (np.argsort(order_out), "group-major")):
        yield (
            f"the output channels of the groups are interleaved (read as {how})",
            partial(_picked_output, p, x, w, b, order),
        )
    for order, how in ((order_in, "group-minor"), (np.argsort(order_in), "group-major")):
        yield (
            f"the input channels of the groups are interleaved (read as {how})",
            partial(_result, p, np.take(x, order, axis=-p.ndim - 1), w, b),
        )
    same = np.repeat(by_group[:1], p.groups, axis=0).reshape(w.shape)
    yield "every group uses the weight of the first group", lambda: _result(p, x, same, b)


def _picked_output(p: Problem, x: Array, w: Array, b: Array | None, order: Array) -> Array:
    mixed = np.take(_result(p, x, w, None), order, axis=-p.ndim - 1)
    return mixed if b is None else mixed + _column(p, b)


def _padding(p: Problem, result: Callable[..., Array]) -> Iterator[Suspect]:
    pairs = p.padding
    deepest = [a.dilation * (a.kernel_size - 1) for a in p.axes]
    both = list(zip(pairs, deepest, strict=True))
    if p.transposed:
        outwards = tuple((-lo * s, -hi * s) for (lo, hi), s in zip(pairs, p.stride, strict=True))
        yield (
            "padding is read as padding of the input: it extends the output instead of cropping it",
            lambda: result(padding=outwards),
        )
        yield (
            "padding is read as padding of the zero-stuffed input, as jax.lax.conv_transpose "
            "does: that needs dilation*(kernel_size - 1) - padding",
            lambda: result(padding=tuple((k - lo, k - hi) for (lo, hi), k in both)),
        )
    yield "padding is ignored", lambda: result(padding=0)
    yield (
        "padding crops the high end alone" if p.transposed else "padding is at the high end alone",
        lambda: result(padding=tuple((0, lo + hi) for lo, hi in pairs)),
    )
    for side, up in (("low", 1), ("high", 0)):
        split = tuple(
            (lo, hi) if lo == hi else ((lo + hi + up) // 2, lo + hi - (lo + hi + up) // 2)
            for lo, hi in pairs
        )
        yield (
            f"unequal padding is split anew from its sum, the larger half {side}",
            partial(result, padding=split),
        )
    yield (
        "the two sides of the padding are exchanged",
        lambda: result(padding=tuple((hi, lo) for lo, hi in pairs)),
    )
    yield (
        "padding deeper than dilation*(kernel_size - 1) is cut down to it",
        lambda: result(padding=tuple((min(lo, k), min(hi, k)) for (lo, hi), k in both)),
    )
    yield (
        "padding deeper than dilation*(kernel_size - 1) is cut down to it at the low side",
        lambda: result(padding=tuple((min(lo, k), hi + lo - min(lo, k)) for (lo, hi), k in both)),
    )
    for name, shifted in named_axes(p.ndim):
        for step, side in ((1, "towards the low end"), (-1, "towards the high end")):
            moved = tuple(
                (lo + step, hi - step) if axis in shifted else (lo, hi)
                for axis, (lo, hi) in enumerate(pairs)
            )
            yield (
                f"the result is shifted by one position {side} on {name}",
                partial(result, padding=moved),
            )


def _output_padding(p: Problem, x: Array, w: Array, b: Array | None) -> Iterator[Suspect]:
    result = partial(_result, p, x, w, b)
    pairs = list(zip(p.padding, p.output_padding, strict=True))
    yield (
        "output padding is on the wrong side: it extends the low end",
        lambda: result(padding=tuple((lo - op, hi) for (lo, hi), op in pairs), output_padding=0),
    )
    yield "output padding is ignored", lambda: result(output_padding=0)
    small = tuple(min(op, s - 1) for op, s in zip(p.output_padding, p.stride, strict=True))
    yield "output padding is cut down to stride - 1", lambda: result(output_padding=small)

    def blank() -> Array:
        y = _result(p, x, w, None)
        for axis, op in enumerate(p.output_padding):
            at = y.ndim - p.ndim + axis
            y[(slice(None),) * at + (slice(y.shape[at] - op, None),)] = 0
        return y if b is None else y + _column(p, b)

    yield "output padding appends empty positions, where it should crop less of the result", blank


def _steps(p: Problem, result: Callable[..., Array]) -> Iterator[Suspect]:
    yield "stride is ignored", lambda: result(stride=1)
    yield "dilation is ignored", lambda: result(dilation=1)
    kept = tuple(
        (lo, hi - (a.dilation - 1) * (a.kernel_size - 1))
        for a, (lo, hi) in zip(p.axes, p.padding, strict=True)
    )
    yield (
        "dilation is ignored in the values, though not in the shape",
        lambda: result(dilation=1, padding=kept),
    )
    if p.ndim > 1:
        first = {
            "stride": p.stride[0], "dilation": p.dilation[0], "padding": p.padding[:1] * p.ndim,
        }  # fmt: skip
        yield (
            "stride, padding and dilation of the first axis are used on every axis",
            lambda: result(**first),
        )
        yield from _exchanged(p, result)


def _exchanged(p: Problem, result: Callable[..., Array]) -> Iterator[Suspect]:
    """Two axes in each other's place, in one parameter: with the shape that follows, and with the
    right one, cropped or extended at the high end."""
    for axes, (i, j) in (
        ("the first and the last spatial axis", (0, p.ndim - 1)),
        ("the first two spatial axes", (0, 1)),
        ("the last two spatial axes", (p.ndim - 2, p.ndim - 1)),
    ):
        for name, label in (
            ("stride", "strides"), ("padding", "paddings"), ("dilation", "dilations"),
            ("output_padding", "output paddings"),
        ):  # fmt: skip
            if name not in p.keywords:
                continue
            entries = list(getattr(p, name))
            entries[i], entries[j] = entries[j], entries[i]
            changed: dict[str, Any] = {name: tuple(entries)}
            other = replace(p, **changed)
            sizes = zip(other.output_size, p.output_size, other.padding, strict=True)
            more = [(lo, hi, size - right) for size, right, (lo, hi) in sizes]
            if not p.transposed:  # a window more takes a stride more of padding
                more = [(lo, hi, -s * n) for (lo, hi, n), s in zip(more, other.stride, strict=True)]
            kept = tuple((lo, hi + n) for lo, hi, n in more)
            sentence = f"the {label} of {axes} are exchanged"
            yield sentence, partial(result, **changed)
            yield (
                f"{sentence}, with the right shape",
                partial(result, **changed | {"padding": kept}),
            )


def _bias(p: Problem, x: Array, w: Array, b: Array) -> Iterator[Suspect]:
    plain, column = partial(_result, p, x, w, None), _column(p, b)
    yield "the bias is missing", plain
    yield "the bias is added twice", lambda: plain() + 2 * column
    yield "the bias is subtracted", lambda: plain() - column

    def covered() -> Array:
        reached = _result(p, np.ones(x.shape), np.ones(w.shape), None) != 0
        return plain() + np.where(reached, column, 0)

    yield "the bias is missing where no tap reaches", covered


def _samples(p: Problem, x: Array, w: Array, b: Array | None) -> Iterator[Suspect]:
    if p.batch and p.batch > 1:
        first = np.repeat(x[:1], p.batch, axis=0)
        yield "every sample is computed from the first", lambda: _result(p, first, w, b)
    if p.memory == "contiguous":
        return
    for name, operands in (
        ("x", (_raw(x), w)),
        ("w", (x, _raw(w))),
        ("x and w", (_raw(x), _raw(w))),
    ):
        yield (
            f"the memory of {name} is read as if it were contiguous: its strides are ignored",
            partial(_result, p, *operands, b),
        )


def _raw(values: Array) -> Array:
    """What a reader of the bare memory sees, from its lowest address on."""
    base = values
    while isinstance(base.base, np.ndarray):
        base = base.base
    return base.ravel(order="K")[: values.size].reshape(values.shape)


def _column(p: Problem, b: Array) -> Array:
    return b.reshape(-1, *[1] * p.ndim)
