"""A bilinear map lowered for a platform: what a form is given, and what is made of its result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.mlir import lower_with_sharding_in_types
from jax.interpreters import mlir
from jax.sharding import use_abstract_mesh

from tconv import _dtypes as dtypes
from tconv._jax import framing
from tconv._plan import Plan

Form = Callable[..., Any]

# Their matrix units multiply half kinds, sum in float32 and round once; elsewhere half kinds are
# float32 before a form sees them.
_HALF_UNITS = ("cuda", "rocm", "tpu")


def lowering_rule(
    form: Form, operands: tuple[str, str], result: str, platform: str | None
) -> Callable[..., Any]:
    """The rule that lowers ``form``, which takes and gives these of "x", "w" and "y".

    The form is traced on plain arrays: it computes on what one device or the partitioner sees,
    so the types of mesh axes are left outside.
    """

    def compute(
        first: Any, second: Any, *, plan: Plan, method: str, precision: Any, wide: bool
    ) -> Any:
        arrays = {operands[0]: first, operands[1]: second}
        narrow, sums = first.dtype, dtypes.accumulator(first.dtype)
        if platform not in _HALF_UNITS:
            arrays = {name: lax.convert_element_type(a, sums) for name, a in arrays.items()}
        static = {"platform": platform, "precision": precision}
        if result == "y":
            static["method"] = method
        values = _framed(form, result, plan, arrays, **static)
        return lax.convert_element_type(values, sums if wide else narrow)

    inlined = mlir.lower_fun(compute, multiple_results=False)
    apart = mlir.lower_fun(_apart(compute), multiple_results=False)

    def rule(context: Any, first: Any, second: Any, *, called: bool, **static: Any) -> Any:
        lower = apart if called and platform == "cpu" else inlined
        plain = [jax.core.ShapedArray(aval.shape, aval.dtype) for aval in context.avals_in]
        (aval,) = context.avals_out
        with use_abstract_mesh(jax.sharding.AbstractMesh((), ())):
            (lowered,) = lower(context.replace(avals_in=plain), first, second, **static)
        return [lower_with_sharding_in_types(context, lowered, aval)]

    return rule


def _apart(compute: Callable[..., Any]) -> Callable[..., Any]:
    """The same computation as a function that XLA calls and does not inline.

    Inlined, what both gradients keep between their steps lives at once: 46 MB for hifigan_u3, 20
    when called.  Beyond 32 MB the C library gives such memory back after each run, and bringing it
    in again takes longer than the products: the gradients of 23 layers took 0.86 of the time in
    the mean, from 0.51 (fcn8_dw) to 1.24 (dcgan_l5).  What is not differentiated stays inlined, and
    is fused with what comes before and after it: 1 ms beside 12 channels-last (dw_k4s2).

    Source: the attribute ``inlineable`` of XLA's call inliner.
    """

    def call(first: Any, second: Any, **static: Any) -> Any:
        result = jax.jit(partial(compute, **static))(first, second)
        return set_xla_metadata(result, inlineable="false")

    return call


def _framed(form: Form, result: str, plan: Plan, arrays: dict[str, Any], **static: Any) -> Any:
    """The form, on a problem that crops a number of positions that is an int."""
    if not framing.needed(plan):
        return form(plan, *arrays.values(), **static)
    if "y" in arrays:
        arrays["y"] = framing.into_frame(plan, arrays["y"])
    values = form(framing.framed(plan), *arrays.values(), **static)
    return framing.out_of_frame(plan, values) if result == "y" else values
