"""tconv itself as a column: on NumPy arrays, and on JAX's."""

from __future__ import annotations

from typing import Any

import tconv
from tconv.testing.frameworks.framework import Framework, exchanged
from tconv.testing.problems.supports import Supports


def numpy_column() -> Framework:
    """On NumPy arrays."""
    return Framework(
        packages=("tconv", "numpy"),
        conv_transpose=tconv.conv_transpose,
        supports=Supports(),
        vjp=tconv.conv_transpose_vjp,
        same=_same(tconv.conv_transpose),
    )


def jax_column() -> Framework:
    """On JAX arrays, CIRCULAR by the layer of ``tconv.compat.flax.nnx``."""
    from tconv.testing.frameworks.arrays import jax as jax_arrays

    return Framework(
        packages=("tconv", "jax", "jaxlib", "flax"),
        conv_transpose=jax_arrays.on_numpy(tconv.conv_transpose),
        supports=Supports(),
        vjp=jax_arrays.vjp(tconv.conv_transpose),
        same=jax_arrays.on_numpy(_same(tconv.conv_transpose)),
        circular=jax_arrays.on_numpy(_circular),
        circular_start=lambda extent, stride: (extent - 1) // 2,
    )


def _same(function: Any) -> Any:
    return lambda x, w, b=None, **keywords: function(x, w, b, **{**keywords, "padding": "same"})


def _circular(x: Any, w: Any, b: Any, **keywords: Any) -> Any:
    from flax import nnx
    from jax import numpy as jnp

    from tconv.compat.flax.nnx import ConvTranspose

    layer = ConvTranspose(
        *w.shape[:2],
        w.shape[2:],
        keywords["stride"],
        padding="CIRCULAR",
        transpose_kernel=True,
        use_bias=b is not None,
        kernel_init=lambda *_: jnp.moveaxis(exchanged(w, 1), (0, 1), (-2, -1)),
        bias_init=lambda *_: b,
        rngs=nnx.Rngs(0),
    )
    return jnp.moveaxis(layer(jnp.moveaxis(x, 1, -1)), -1, 1)


COLUMNS = {"tconv.numpy": numpy_column, "tconv.jax": jax_column}
