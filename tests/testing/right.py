"""Right implementations, from other hands and from this library, and what each offers."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from verify_your_own import with_torch, xla_computes

import tconv
from tconv.testing import reference

dilated = jax.jit(
    lax.conv_general_dilated,
    static_argnames=(
        "window_strides", "padding", "lhs_dilation", "rhs_dilation", "feature_group_count",
        "precision",
    ),
)  # fmt: skip


def with_lax(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
    """``lax.conv_general_dilated`` by the conventions of the head of its documentation."""
    pairs = [p if isinstance(p, tuple) else (p, p) for p in padding]
    reach = [d * (k - 1) for k, d in zip(w.shape[2:], dilation, strict=True)]
    grouped = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2)
    kernel = np.flip(grouped, tuple(range(3, grouped.ndim))).reshape(-1, *grouped.shape[2:])
    y = dilated(
        jnp.asarray(x),
        jnp.asarray(kernel),
        window_strides=(1,) * len(stride),
        padding=tuple(
            (r - lo, r - hi + op)
            for r, (lo, hi), op in zip(reach, pairs, output_padding, strict=True)
        ),
        lhs_dilation=stride,
        rhs_dilation=dilation,
        feature_group_count=groups,
        precision="highest",
    )
    return y if b is None else y + jnp.asarray(b).reshape(1, -1, *[1] * (x.ndim - 2))


def with_reference(x, w, b=None, **keywords):
    return reference.conv_transpose(x, w, b, **keywords).astype(x.dtype)


def tconv_numpy(method):
    def function(x, w, b=None, **keywords):
        return tconv.conv_transpose(x, w, b, method=method, **keywords)

    function.__name__ = f"tconv numpy {method}"
    return function


STATIC = ("stride", "padding", "output_padding", "dilation", "groups", "method")
compiled = jax.jit(tconv.conv_transpose, static_argnames=STATIC)


def tconv_jax(method):
    def function(x, w, b=None, **keywords):
        b = None if b is None else jnp.asarray(b)
        return compiled(jnp.asarray(x), jnp.asarray(w), b, method=method, **keywords)

    function.__name__ = f"tconv jax {method}"
    return function


METHODS = ("auto", "col2im", "dilated", "subpixel", "matrix")
# name -> (function, options of the check).  The dense matrix multiplies its zeros by x, and so do
# the forms on JAX, whose kernels are padded with zeros: there a NaN or an inf spreads.
SPREADS = {"nonfinite": ()}
RIGHT = {
    "torch": (with_torch, {"supports": lambda p: p.symmetric}),
    "the definition": (with_reference, {}),
    "lax": (with_lax, {"supports": xla_computes}),
    **{f"tconv numpy {m}": (tconv_numpy(m), SPREADS if m == "matrix" else {}) for m in METHODS},
    **{f"tconv jax {m}": (tconv_jax(m), SPREADS) for m in METHODS},
}
