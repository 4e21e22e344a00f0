"""How each framework stores the kernel of a transposed convolution: one description each.

A kernel has one axis of the channels of x (I), one of the channels of y (O) and the spatial
ones (*).  With groups one of the two channel axes spans all channels and the other those of one
group.  A framework that computes a correlation of the spread input stores the kernel flipped.
tconv's own is PyTorch's: (I, O/groups, *kernel), unflipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tconv._core.arguments import check_groups, fail, group_count
from tconv._core.typing import AnyArray, Array
from tconv._dispatch import received


@dataclass(frozen=True)
class Convention:
    """The order of the axes of a stored kernel, and what it holds.

    ``order`` has the letters I, O and *; ``whole`` is the one of the two channel axes that spans
    all groups, "" where the framework has no groups.  ``bias`` is "O", or "O*" where it has an
    axis of length 1 for each spatial one.
    """

    order: str
    whole: str
    flipped: bool = False
    bias: str = "O"

    def axes(self, ndim: int) -> tuple[int, ...]:
        """The positions of I, O and each spatial axis in a kernel of this many axes."""
        spatial = self.order.index("*")
        shift = ndim - 3  # letters after the star stand for axes that much further on
        i, o = (at + shift * (at > spatial) for at in map(self.order.index, "IO"))
        return (i, o, *range(spatial, spatial + ndim - 2))


_TORCH = Convention("IO*", whole="I")
_LAX = Convention("*IO", whole="O", flipped=True)
_TRANSPOSED = Convention("*OI", whole="I")  # the kernel of the convolution that is the adjoint
CONVENTIONS = {
    "tconv": _TORCH,
    "torch": _TORCH,
    "onnx": _TORCH,
    "lax": _LAX,
    "lax_transpose_kernel": _TRANSPOSED,
    "flax": _LAX,
    "flax_transpose_kernel": _TRANSPOSED,
    "equinox": Convention("OI*", whole="O", flipped=True, bias="O*"),
    "keras": Convention("*OI", whole=""),
    "haiku": Convention("*OI", whole="", flipped=True),
    "mlx": Convention("O*I", whole="O"),
}


def convention_of(argument: str, framework: Any) -> Convention:
    """The convention of a framework's name."""
    if framework not in CONVENTIONS:
        listed = ", ".join(map(repr, CONVENTIONS))
        fail(argument, None, f"must be one of {listed}", repr(framework), "Name the framework.")
    return CONVENTIONS[framework]


def convert(
    weight: Array | AnyArray,
    bias: Array | AnyArray | None = None,
    *,
    source: str,
    target: str,
    groups: int = 1,
) -> tuple[Array, Array | None]:
    """A kernel and a bias as another framework stores them; exact, and its own inverse.

    Args:
        weight: kernel as ``source`` stores it: (I, O/groups, *kernel) for ``"tconv"``,
            ``"torch"`` and ``"onnx"``; (*kernel, I/groups, O), flipped, for ``"lax"`` and
            ``"flax"``, and (*kernel, O/groups, I) for ``"lax_transpose_kernel"`` and
            ``"flax_transpose_kernel"``; (O, I/groups, *kernel), flipped, for ``"equinox"``;
            (*kernel, O, I) for ``"keras"``, and flipped for ``"haiku"``; (O, *kernel, I/groups)
            for ``"mlx"``.  I are the channels of x, O those of the result.
        bias: (O,), or (O, 1, ...) with one axis a spatial one for ``"equinox"``.
        source: whose the arrays are.
        target: for whom they shall be.
        groups: of the transposed convolution; divides both channel counts.

    Returns: weight and bias of the same values and dtypes; bias None where there is none.

    Raises: ValueError for a name that is not in this list, groups that do not divide the
        channels or that a framework does not have, or a bias of another shape; TypeError for what
        is no array.

    Source: the documentation of each framework's transposed convolution.

    >>> import numpy as np
    >>> weight = np.arange(6.0).reshape(3, 1, 2)  # 3 taps, 1 channel to 2
    >>> convert(weight, source="flax", target="torch")[0]
    array([[[4., 2., 0.],
            [5., 3., 1.]]])
    """
    _, kernel = received(weight=weight)
    stored, wanted = convention_of("source", source), convention_of("target", target)
    count = group_count(groups)
    for argument, framework, one in (("source", source, stored), ("target", target, wanted)):
        if count > 1 and not one.whole:
            rule = f"{argument}={framework!r} has no groups"
            fail("groups", None, rule, count, "Convert each group's block alone.")
    if kernel.ndim < 3:
        rule = "must have two channel axes and at least one spatial axis"
        remedy = "Add the missing axes with reshape."
        fail("weight", None, rule, f"shape {kernel.shape}", remedy)
    axes = stored.axes(kernel.ndim)
    if stored.whole:
        whole = kernel.shape[axes["IO".index(stored.whole)]]
        check_groups(f"axis {stored.whole} of weight", whole, count)
    inner = to_tconv(kernel, stored, axes, count)
    result = from_tconv(inner, wanted, count)
    if bias is None:
        return result, None
    _, values = received(bias=bias)
    out_channels, ones = inner.shape[1] * count, (1,) * (kernel.ndim - 2)
    expected = (out_channels, *ones) if stored.bias == "O*" else (out_channels,)
    if values.shape != expected:
        rule = f"must have shape {expected}, one value for each output channel"
        fail("bias", None, rule, f"shape {values.shape}", "Reshape it, or leave it out.")
    shape = (out_channels, *ones) if wanted.bias == "O*" else (out_channels,)
    return result, values.reshape(shape)


def to_tconv(weight: Any, convention: Convention, axes: tuple[int, ...], groups: int) -> Any:
    """(I, O/groups, *kernel) of a stored kernel whose I, O and spatial axes are at ``axes``."""
    weight = weight.transpose(axes)
    if convention.whole == "O" and groups > 1:
        inputs, outputs, *kernel = weight.shape
        weight = weight.reshape(inputs, groups, outputs // groups, *kernel).swapaxes(0, 1)
        weight = weight.reshape(groups * inputs, outputs // groups, *kernel)
    return _flipped(weight) if convention.flipped else weight


def from_tconv(weight: Any, convention: Convention, groups: int) -> Any:
    """The inverse of ``to_tconv`` for the convention's own order."""
    if convention.flipped:
        weight = _flipped(weight)
    if convention.whole == "O" and groups > 1:
        inputs, outputs, *kernel = weight.shape
        weight = weight.reshape(groups, inputs // groups, outputs, *kernel).swapaxes(0, 1)
        weight = weight.reshape(inputs // groups, groups * outputs, *kernel)
    axes = convention.axes(weight.ndim)
    return weight.transpose(tuple(sorted(range(weight.ndim), key=axes.__getitem__)))


def _flipped(weight: Any) -> Any:
    return weight.__array_namespace__().flip(weight, axis=tuple(range(2, weight.ndim)))
