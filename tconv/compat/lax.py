"""``jax.lax.conv_transpose``, with gradients and channels-last layouts that are fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tconv._core.arguments import Shape, fail
from tconv._core.dtypes import kind
from tconv._core.layout import layout_of
from tconv._core.typing import AnyArray, Array, DTypeLike, Ints
from tconv.compat.call import Call, Names, operands
from tconv.compat.conventions import CONVENTIONS
from tconv.compat.crops import lax_crops, padded

_NAMES = Names("lhs", "rhs", "strides", "rhs_dilation", groups="feature_group_count")
_SPATIAL = {0: "", 1: "H", 2: "HW", 3: "HWD"}
_SWAP = str.maketrans("IO", "OI")


def conv_transpose(
    lhs: Array | AnyArray,
    rhs: Array | AnyArray,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    transpose_kernel: bool = False,
    precision: Any = None,
    preferred_element_type: DTypeLike = None,
    use_consistent_padding: bool = False,
    *,
    feature_group_count: int = 1,
    output_padding: Ints = 0,
) -> Array:
    """``jax.lax.conv_transpose`` on JAX and NumPy arrays, with groups and output padding.

    Args:
        lhs: input, (batch, *spatial, in_channels) unless ``dimension_numbers`` says otherwise.
        rhs: kernel, (*kernel_size, in_channels/feature_group_count, out_channels), which is
            not flipped: the call is a correlation of the spread input.
        strides: one int of at least 1 for each spatial axis.
        padding: ``"SAME"`` for an output of input * stride, ``"VALID"``, or one (lo, hi) pair
            an axis that pads the spread input: ``lo`` adds ``lo`` to the start of what no
            padding gives.  The strings in lower case, and ``"SAME_LOWER"``, are those of
            ``jax.lax.conv_general_dilated``, for strides of 1 alone.
        rhs_dilation: one int of at least 1 for each spatial axis.
        dimension_numbers: three strings such as ``("NHWC", "HWIO", "NHWC")``, the default, or
            a ``jax.lax.ConvDimensionNumbers``.
        transpose_kernel: rhs is the kernel of the convolution that is the adjoint: its axis O
            are the channels of lhs, its axis I those of the result, those of one group with
            groups, and it is flipped.
        precision: as in ``jax.lax``; without effect on NumPy arrays.
        preferred_element_type: dtype of the sums and the result.
        use_consistent_padding: pairs are the padding of the convolution that is the adjoint,
            as in PyTorch.  ``jax.lax`` itself has it from JAX 0.9 on.
        feature_group_count: groups of channels, as in ``jax.lax.conv_general_dilated``; not
            in ``jax.lax.conv_transpose``.
        output_padding: positions to add at the high side, an int or one int an axis with
            0 <= output_padding < max(stride, dilation); not in ``jax.lax.conv_transpose``.

    Returns: the array that ``jax.lax.conv_transpose`` returns, empty ones included; from NumPy
        arrays alone a NumPy array.

    Raises: ValueError or TypeError for arguments that do not fit, in these names.

    Source: ``jax.lax.conv_transpose``.

    >>> import numpy as np
    >>> lhs, rhs = np.array([[[1.0], [10.0]]]), np.array([[[1.0]], [[2.0]], [[3.0]]])
    >>> conv_transpose(lhs, rhs, (2,), "SAME")[0, :, 0]
    array([ 3.,  2., 31., 20.])
    """
    x, w, _ = operands(_NAMES, lhs, rhs, spatial=0)
    x, w = (_as_preferred(array, preferred_element_type) for array in (x, w))
    specs, letters = _specs(dimension_numbers, w.ndim)
    convention = CONVENTIONS["lax"]
    if transpose_kernel:
        convention = CONVENTIONS["lax_transpose_kernel"]
        specs = (specs[0], specs[1].translate(_SWAP), specs[2])
    call = Call(_NAMES, convention, specs, x, w, groups=feature_group_count, letters=letters)
    every = call.parameters(
        call.ints("strides", strides, alone=False),
        call.ints("rhs_dilation", (1,) * call.axes if rhs_dilation is None else rhs_dilation),
        call.ints("output_padding", output_padding, 0),
    )
    call.check_output_padding(every)
    every = padded(every, lax_crops(every, padding, use_consistent_padding))
    result: Array = call.value(
        every, empty=True, precision=precision, preferred=preferred_element_type
    )
    return result


def _as_preferred(array: Any, preferred: DTypeLike) -> Any:
    """Integers in a preferred type of another kind, which ``jax.lax`` takes for them alone."""
    if preferred is None or array.dtype.kind not in "iu":
        return array
    wanted = np.dtype(preferred)
    other = kind(wanted) == "f" or (kind(wanted), array.dtype.kind) == ("i", "u")
    return array.astype(wanted) if other and wanted.itemsize >= array.dtype.itemsize else array


def _specs(dimension_numbers: Any, ndim: int) -> tuple[tuple[str, str, str], str]:
    """Three strings, from whichever form, and the letters that the spatial axes have in it."""
    if dimension_numbers is None:
        if ndim - 2 not in _SPATIAL:
            rule = "must be given for a rank above 5, which has no default"
            remedy = "Write three strings, such as ('NHWC', 'HWIO', 'NHWC')."
            fail("dimension_numbers", None, rule, f"rank {ndim}", remedy)
        spatial = _SPATIAL[ndim - 2]
        return (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"), spatial
    layout = layout_of(dimension_numbers, ndim - 2, transposed=True, batched=True)
    assert layout.permutations is not None
    letters = layout.letters or "abcdefgh"[: ndim - 2]
    specs = (
        _spelled(f"NC{letters}", layout.permutations.input),
        _spelled(f"IO{letters}", layout.permutations.kernel),
        _spelled(f"NC{letters}", layout.permutations.output_back),
    )
    return specs, layout.letters


def _spelled(letters: str, places: Shape) -> str:
    """The letters in the order of the places they have."""
    return "".join(letter for _, letter in sorted(zip(places, letters, strict=True)))
