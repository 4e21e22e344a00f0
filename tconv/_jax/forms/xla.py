"""XLA's own convolutions, with channels first or last.

With channels last is the one order that XLA's convolution on CPU has a fast path for.  XLA brings
others to it in a program's entry computation alone, not in a function that is called, where
gradients are computed: dx of 32 channels, 7x7, took 137 ms there and 21 here.  Source: the pass
``ConvCanonicalization`` of XLA's CPU compiler.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from tconv._core.arguments import is_known
from tconv._core.axis import Axis
from tconv._core.cost import Counts, copy
from tconv._core.plan import Plan
from tconv._jax.forms.axes import Precision, into_last, out_of_last, padded
from tconv._jax.forms.cells import sizes_of

Pads = Sequence[tuple[Any, Any]]

# Elements of float32 that a CPU loads at once.
VECTOR = 8

# Images of two axes with at least so many channels and multiply-adds, and more features than that,
# are spread: of 397 drawn problems beyond these bounds (two cores) they took 0.77 of the time in
# the mean, and half where YNNPACK ran on one thread; with 3 features twice.
SPREAD_CHANNELS, SPREAD_FEATURES, SPREAD_WORK = 8, 16, 8e6

# Features that XLA's convolution computes at a time.
FEWEST_FEATURES = 32

# What starting its threads takes, as many operations.
CALLS = 15


def dilated(plan: Plan, x: Array, w: Array, precision: Precision) -> Array:
    """y from x and w: zeros between the inputs, then a flipped stride-1 convolution.

    With one group the kernel is nothing but reversed, its channels swapped by name: XLA's GPU
    backend then runs cuDNN's backward-data kernel, which inserts no zeros.  The barrier keeps the
    reverse where a caller has flipped w: XLA takes two in a row for none.
    """
    ndim = len(plan.axes)
    if plan.groups == 1:
        kernel, leading = lax.rev(lax.optimization_barrier(w), tuple(range(2, w.ndim))), (1, 0)
    else:
        kernel, leading = flipped(plan, w), (0, 1)
    image = tuple(range(ndim + 2))
    pads: Pads = [(axis.extent - 1 - axis.lo, axis.extent - 1 - axis.hi) for axis in plan.axes]
    if set(plan.stride) == {1}:
        x, pads = _cropped(x, pads, first_axis=2)
    surplus = [_taken_for_groups(axis, pair) for axis, pair in zip(plan.axes, pads, strict=True)]
    y = lax.conv_general_dilated(
        x,
        kernel,
        (1,) * ndim,
        [(lo, hi + more) for (lo, hi), more in zip(pads, surplus, strict=True)],
        lhs_dilation=plan.stride,
        rhs_dilation=plan.dilation,
        dimension_numbers=lax.ConvDimensionNumbers(image, (*leading, *image[2:]), image),
        feature_group_count=plan.groups,
        precision=precision,
    )
    return y[(..., *(slice(None, -1) if more else slice(None) for more in surplus))]


def conv(
    plan: Plan,
    y: Array,
    w: Array,
    precision: Precision,
    *,
    channels_last: bool = False,
) -> Array:
    """x from y and w: the strided convolution."""
    if channels_last:
        y, w = into_last("y", y), jnp.moveaxis(w, (1, 0), (-2, -1))
    x = convolved(
        y,
        w,
        [(axis.lo, axis.hi) for axis in plan.axes],
        stride=plan.stride,
        dilation=plan.dilation,
        numbers=numbers_of(len(plan.axes), channels_last),
        groups=plan.groups,
        precision=precision,
        on_cpu=channels_last,
    )
    return out_of_last("x", x) if channels_last else x


def weight_cotangent(
    plan: Plan,
    x: Array,
    y: Array,
    precision: Precision,
    *,
    channels_last: bool = False,
    cropped: bool = True,
) -> Array:
    """w from x and y: y convolved with x, whose positions lie a stride apart.

    The channels of y take the place of a batch, the batch that of the channels.  With channels
    first they do so by name alone: cuDNN's backward-filter kernel in XLA's GPU backend.  Where y
    ends with positions that are not read, that kernel leaves them out by itself; without
    ``cropped`` no copy of the others is made.
    """
    pads = [
        (axis.lo, axis.extent + (axis.input_size - 1) * axis.stride - axis.lo - axis.output_size)
        for axis in plan.axes
    ]
    if channels_last:
        numbers = numbers_of(len(plan.axes), channels_last)
        x, y = jnp.moveaxis(x, (0, 1), (-2, -1)), jnp.moveaxis(y, 0, -1)
    else:
        swapped = (1, 0, *range(2, len(plan.axes) + 2))
        numbers = lax.ConvDimensionNumbers(swapped, swapped, swapped)
    w = convolved(
        y,
        x,
        pads,
        stride=plan.dilation,
        dilation=plan.stride,
        numbers=numbers,
        batch_groups=plan.groups,
        precision=precision,
        cropped=cropped,
        on_cpu=channels_last,
    )
    return jnp.moveaxis(w, (-1, 0), (0, 1)) if channels_last else w


def convolved(
    image: Array,
    kernel: Array,
    pads: Pads,
    *,
    stride: Sequence[int],
    dilation: Sequence[int],
    numbers: lax.ConvDimensionNumbers,
    precision: Precision,
    groups: int = 1,
    batch_groups: int = 1,
    cropped: bool = True,
    on_cpu: bool = False,
) -> Array:
    """XLA's convolution of the image, cropped first where a padding is negative.

    On a CPU the rows of some images and kernels are spread alike, which changes no value: taps
    meet the rows that they met.  XLA then leaves them to Eigen, which runs on all threads; it
    gives others of two axes to YNNPACK, which runs most of them on one (jaxlib 0.10.2: 8 images
    of 32 x 32, 64 to 64 channels, 3 x 3, took 6.1 ms and 3.4).
    """
    if cropped:
        image, pads = _cropped(image, pads, first_axis=numbers.lhs_spec[2])
    spread = (1,) * len(pads)
    if on_cpu and _gains(image, kernel, pads, stride, dilation, numbers):
        spread = (2, 1)
        stride, dilation = (
            [by * each for by, each in zip(spread, along, strict=True)]
            for along in (stride, dilation)
        )
        pads = [(by * lo, by * hi) for by, (lo, hi) in zip(spread, pads, strict=True)]
    return lax.conv_general_dilated(
        image,
        kernel,
        stride,
        pads,
        lhs_dilation=spread,
        rhs_dilation=dilation,
        dimension_numbers=numbers,
        feature_group_count=groups,
        batch_group_count=batch_groups,
        precision=precision,
    )


def _gains(
    image: Array,
    kernel: Array,
    pads: Pads,
    stride: Sequence[int],
    dilation: Sequence[int],
    numbers: lax.ConvDimensionNumbers,
) -> bool:
    """Whether a CPU gains by rows that are spread."""
    sizes = [image.shape[axis] for axis in numbers.lhs_spec]
    features, channels, *taps = (kernel.shape[axis] for axis in numbers.rhs_spec)
    every = (*sizes, *taps, *(amount for pair in pads for amount in pair))
    if image.dtype != jnp.float32 or not all(map(is_known, every)):
        return False
    positions = [
        (size + lo + hi - (count - 1) * step - 1) // by + 1
        for size, (lo, hi), count, step, by in zip(
            sizes[2:], pads, taps, dilation, stride, strict=True
        )
    ]
    work = sizes[0] * prod(positions) * prod(taps) * channels * features
    return is_spread(len(pads), channels, features, work)


def numbers_of(spatial_axes: int, channels_last: bool) -> lax.ConvDimensionNumbers:
    """(batch, channels, *spatial) and (out, in, *kernel), or with channels last (batch, *spatial,
    channels) and (*kernel, in, out)."""
    if not channels_last:
        image = tuple(range(spatial_axes + 2))
        return lax.ConvDimensionNumbers(image, image, image)
    image = (0, spatial_axes + 1, *range(1, spatial_axes + 1))
    kernel = (spatial_axes + 1, spatial_axes, *range(spatial_axes))
    return lax.ConvDimensionNumbers(image, kernel, image)


def _cropped(image: Array, pads: Pads, first_axis: int) -> tuple[Array, Pads]:
    """The image without what negative paddings crop, and the paddings that are left.

    ``pads`` are those of the axes from ``first_axis`` on.  XLA's convolution on CPU reads outside
    an undilated image with a negative low padding: of an image (1, 1, 4, 3) with a kernel (1, 1, 4,
    1) and padding (0, 0), (-1, 1) the last value is whatever lies behind it in memory (jaxlib
    0.10.2).
    """
    if not any(_negative(amount) for pair in pads for amount in pair):
        return image, pads
    config = [(0, 0, 0)] * image.ndim
    left: list[tuple[Any, Any]] = []
    for axis, (lo, hi) in enumerate(pads, first_axis):
        low = _cut(lo, image.shape[axis])
        high = _cut(hi, image.shape[axis] - low)
        config[axis] = (-low, -high, 0)
        # What is cropped beyond the image comes off the zeros behind it.
        beyond = (-lo - low if _negative(lo) else 0, -hi - high if _negative(hi) else 0)
        left.append(
            (0 if _negative(lo) else lo - beyond[1], 0 if _negative(hi) else hi - beyond[0])
        )
    return padded(image, config), left


def _cut(amount: Any, size: Any) -> Any:
    """How many positions a padding crops from an image of this size."""
    if not _negative(amount):
        return 0
    return min(-amount, size) if is_known(size) else -amount


def _negative(amount: Any) -> bool:
    """Whether a padding is negative; one that is symbolic is left to XLA."""
    return is_known(amount) and amount < 0


def _taken_for_groups(axis: Axis, pads: tuple[Any, Any]) -> bool:
    """Whether XLA's algebraic simplifier, where it swaps image and kernel, takes the axis for one
    of groups and aborts the process: an image (1, 1, 3, 5) with a kernel (1, 1, 2, 9), spread by
    2 and 1, and padding (0, 0), (8, 8) (jaxlib 0.10.2).  One more output keeps it from that."""
    looks_so = axis.stride == axis.kernel_size == 2 and axis.dilation == 1
    return looks_so and all(is_known(pad) and pad == 0 for pad in pads)


def flipped(plan: Plan, w: Array) -> Array:
    """(out_channels, in_channels // groups, *kernel), reversed along the kernel."""
    shape = (plan.groups, plan.group_in_channels, plan.group_out_channels, *w.shape[2:])
    kernel = jnp.reshape(w, shape).swapaxes(1, 2)
    kernel = jnp.reshape(kernel, (plan.out_channels, plan.group_in_channels, *w.shape[2:]))
    return lax.rev(kernel, tuple(range(2, kernel.ndim)))


def conv_counts(plan: Plan) -> Counts:
    """The kernel turned, the convolution, and with channels first copies of y and x."""
    sizes = sizes_of(plan)
    patches = sizes.positions * sizes.groups * sizes.taps * sizes.outputs
    total = convolution(plan, patches, channels=sizes.outputs, features=sizes.inputs)
    total += copy(sizes.w, 1)
    if plan.channels_last:
        return total
    return total + copy(sizes.y, 1) + copy(sizes.x, 1) + Counts(kept=sizes.y + sizes.x)


def weight_counts(plan: Plan) -> Counts:
    """The convolution, whose channels are the batch, and copies of x and y.

    With few samples XLA reads patches one value at a time, a stride apart in longer.
    """
    sizes = sizes_of(plan)
    patches = sizes.positions * sizes.groups * sizes.taps * sizes.outputs
    work = patches * sizes.inputs
    quick = is_quick(len(plan.axes), plan.batch, sizes.inputs, work / sizes.groups)
    run = plan.batch / (8 if max(plan.stride, default=1) > 1 else 1)
    turned = copy(sizes.y, 1) + copy(sizes.x, sizes.inputs if plan.channels_last else 1)
    products = Counts(convolved=work * (1 if quick else 2), calls=CALLS)
    return products + copy(patches, run) + turned + Counts(kept=sizes.y + sizes.x)


def convolution(plan: Plan, patches: float, channels: int, features: int) -> Counts:
    """A convolution that reads so many elements of patches for each of its output features.

    XLA's reads vectors of channels where they fill these, else one by one, and computes at least
    ``FEWEST_FEATURES`` at a time.
    """
    quick = is_quick(len(plan.axes), channels, features, patches * features / plan.groups)
    work = max(features, FEWEST_FEATURES) if quick else 2 * features
    run = channels if channels % VECTOR == 0 else 1
    return copy(patches, run) + Counts(convolved=patches * work, calls=CALLS)


def is_quick(axes: int, channels: int, features: int, work: float) -> bool:
    """Whether a convolution of so many multiply-adds runs on all threads."""
    return axes == 1 or is_spread(axes, channels, features, work)


def is_spread(axes: int, channels: int, features: int, work: float) -> bool:
    """Whether a CPU gains by rows that are spread in a convolution of so many multiply-adds."""
    enough = channels >= SPREAD_CHANNELS and features > SPREAD_FEATURES
    return axes == 2 and enough and work >= SPREAD_WORK
