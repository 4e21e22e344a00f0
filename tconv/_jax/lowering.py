"""A bilinear map lowered for a platform: the problem rewritten, a form chosen, sums in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.interpreters import mlir
from jax.sharding import use_abstract_mesh

from tconv._core import dtypes
from tconv._core.arguments import is_known
from tconv._core.cost import Counts
from tconv._core.plan import Plan
from tconv._jax import choose, residues, rewrites, versions
from tconv._jax.forms import CONVOLUTIONS, FORMS, taps
from tconv._jax.forms.axes import OPERANDS, Precision
from tconv._jax.partition import on_automatic_axes, on_explicit_axes
from tconv._jax.sharding import agreed

METHODS = {"col2im": "columns", "dilated": "dilated", "matrix": "matrix"}

# Their matrix units multiply half kinds, sum in float32 and round once; elsewhere half kinds are
# float32 before a form sees them.
_HALF_UNITS = ("cuda", "rocm", "tpu")


def compute(
    result: str,
    plan: Plan,
    first: Array,
    second: Array,
    *,
    platform: str | None,
    precision: Precision,
    method: str = "auto",
    wide: bool = False,
    form: str | None = None,
) -> Array:
    """The named one of "x", "w" and "y" from the other two, for a platform (None: any).

    The method is that of y; x and w have none of their own.  ``wide`` gives half kinds in float32,
    as they are summed; ``form`` is the one to compute by, instead of the one that is chosen.
    """
    method = method if result == "y" else "auto"
    rules = _rules(result, platform, chosen=form is None and method == "auto")
    of_reduced = partial(
        _by_form,
        result,
        platform=platform,
        precision=precision,
        method=method,
        wide=wide,
        form=form,
    )
    of_plan = rewrites.rewritten(rules, of_reduced, result)
    return of_plan(plan, dict(zip(OPERANDS[result], (first, second), strict=True)))


def candidates(
    result: str, plan: Plan, platform: str | None, dtype: np.dtype[Any]
) -> dict[str, Counts]:
    """The forms that a plan can be computed by on a CPU, with their counts; elsewhere the one that
    is, without."""
    if platform != "cpu":
        return {chosen_form(result, plan, platform, dtype): Counts()}
    rules = _rules(result, platform, chosen=True)
    return choose.candidates(result, rewrites.rewritten_plan(rules, plan), dtype)


def chosen_form(result: str, plan: Plan, platform: str | None, dtype: np.dtype[Any]) -> str:
    """The form that ``method="auto"`` takes."""
    rules = _rules(result, platform, chosen=True)
    return choose.choose(result, rewrites.rewritten_plan(rules, plan), platform, dtype)


def _rules(result: str, platform: str | None, chosen: bool) -> Sequence[rewrites.Rule]:
    def apart(plan: Plan) -> rewrites.Rewrite | None:
        return rewrites.groups_apart(plan) if choose.groups_apart(plan, platform) else None

    def undilated(plan: Plan) -> rewrites.Rewrite | None:
        return residues.undilated(plan) if choose.undilated(result, plan) else None

    rules: list[rewrites.Rule] = [rewrites.framed, rewrites.near, apart, rewrites.reduced]
    if chosen and platform in ("cpu", *choose.GPUS):
        rules.append(rewrites.point)
    if chosen and platform in choose.GPUS:
        rules.extend([undilated, rewrites.within_kernel])
    return rules


def _by_form(
    result: str,
    plan: Plan,
    arrays: rewrites.Arrays,
    *,
    platform: str | None,
    precision: Precision,
    method: str,
    wide: bool,
    form: str | None,
) -> Array:
    """The form's result, operands widened to the dtype of the sums where XLA does not do so."""
    first, second = arrays.values()
    narrow, sums = first.dtype, dtypes.accumulator(first.dtype)
    given = sums if wide else narrow
    if any(is_known(axis.output_size) and axis.output_size < 1 for axis in plan.axes):
        shapes = {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}
        return jnp.zeros(shapes[result], given)
    name = form or _form_of(result, plan, platform, method, sums)
    if platform not in _HALF_UNITS or name not in CONVOLUTIONS:
        first, second = (lax.convert_element_type(array, sums) for array in (first, second))
    run = FORMS[result][name].compute
    if result == "w" and platform == "cpu" and form is None and dtypes.kind(sums) in "fc":
        run = taps.guarded(run, shifted=name == "shifts")
    values = run(plan, first, second, precision)
    return lax.convert_element_type(values, given)


def _form_of(result: str, plan: Plan, platform: str | None, method: str, dtype: Any) -> str:
    if method == "auto":
        return choose.choose(result, plan, platform, dtype)
    if method == "subpixel":
        return choose.subpixel_form(plan, platform, dtype)
    return METHODS[method]


def lowering_rule(result: str, platform: str | None) -> Callable[..., Any]:
    """The rule that lowers the map which gives this one of "x", "w" and "y".

    It is traced on plain arrays: it computes on what one device or the partitioner sees, so the
    types of mesh axes are left outside, but where they divide the problem.
    """
    of_platform, operands = partial(compute, result, platform=platform), OPERANDS[result]

    def computed(first: Array, second: Array, *, plan: Plan, **static: Any) -> Array:
        return of_platform(plan, first, second, **static)

    def apart(*arrays: Array, plan: Plan, **static: Any) -> Array:
        """The same, called.

        What is not differentiated stays inlined, and is fused with what comes before and after
        it.  With gradients called, 23 layers took 0.86 of the time in the mean, from 0.51
        (fcn8_dw) to 1.24 (dcgan_l5).
        """
        of_plan = partial(computed, plan=plan, **static)
        last = plan.channels_last
        return rewrites.called(of_plan, operands, result, channels_last=last)(*arrays)

    def rule(
        context: Any,
        *arrays: Array,
        plan: Plan,
        called: bool,
        wide: bool,
        precision: Any,
        method: str,
    ) -> Any:
        (aval,), mesh = context.avals_out, jax.sharding.AbstractMesh((), ())
        plain = [jax.core.ShapedArray(each.shape, each.dtype) for each in context.avals_in]
        inner = context.replace(avals_in=plain)
        of_plan = partial(
            apart if called and platform == "cpu" else computed, precision=precision, method=method
        )
        shardings = (each.sharding for each in context.avals_in)
        division = agreed(plan, result, dict(zip(operands, shardings, strict=True)))
        known = versions.partitioned(context)
        function: Callable[..., Array] = partial(of_plan, plan=plan, wide=wide)
        if any(0 in each.shape for each in (*context.avals_in, aval)):
            pass  # nothing to divide
        elif division.along:
            function = on_explicit_axes(of_plan, operands, division, wide, aval.dtype)
            inner, mesh = context, division.mesh
        elif known is not None:
            function = on_automatic_axes(of_plan, operands, plan, result, wide, aval.dtype)
            inner = known.replace(avals_in=plain)
        with use_abstract_mesh(mesh):
            (lowered,) = mlir.lower_fun(function, multiple_results=False)(inner, *arrays)
        return [versions.lower_with_sharding_in_types(context, lowered, aval)]

    return rule
