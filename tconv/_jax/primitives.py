"""Three bilinear primitives that are each other's transposes, and what they keep of JAX.

One trilinear form joins x, w and y (``_plan.Plan``): ``<y, conv_transpose(x, w)> ==
<x, conv(y, w)> == <w, weight_cotangent(x, y)>``.  Each primitive takes two of the three and
gives the third, so the transpose of one towards an operand is another one with the same plan,
and derivatives of every order stay on the same ``forms``.  The plan is a static
parameter; which form runs is decided when the primitive is lowered for a platform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir, xla

from tconv._core import dtypes
from tconv._core.arguments import is_known
from tconv._core.plan import Plan
from tconv._jax import vmap
from tconv._jax.forms.axes import OPERANDS
from tconv._jax.lowering import lowering_rule
from tconv._jax.sharding import agreed, aligned, placed
from tconv._jax.versions import varying


@dataclass(frozen=True)
class Bilinear:
    """One of the three maps: which two of "x", "w" and "y" it takes and which it gives."""

    primitive: Primitive
    operands: tuple[str, str]
    result: str


_NAMES = {"y": "tconv_conv_transpose", "x": "tconv_conv", "w": "tconv_weight_cotangent"}
_GIVING = {
    result: Bilinear(Primitive(name), OPERANDS[result], result) for result, name in _NAMES.items()
}


def bind(result: str, arrays: dict[str, Any], **static: Any) -> Any:
    """The named one of "x", "w" and "y" from the other two, which have one dtype.

    ``static`` holds ``plan``, ``method``, ``precision``, ``wide``: whether half kinds give a
    float32 result, and ``called``: whether it is lowered to a function of its own, as all that
    belongs to a derivative is.
    """
    bilinear = _GIVING[result]
    operands = {name: arrays[name] for name in bilinear.operands}
    first, second = _agree(*aligned(static["plan"], result, operands).values())
    return bilinear.primitive.bind(first, second, **static)


def _agree(first: Any, second: Any) -> tuple[Any, Any]:
    """Both operands varying over the same manual mesh axes.

    Inside ``shard_map`` a replicated operand must be cast to a varying one first: it is the
    transpose of this cast that sums its cotangent over the mesh axis.
    """
    each = [varying(jax.typeof(operand)) for operand in (first, second)]
    wanted = each[0] | each[1]
    return tuple(
        lax.pcast(operand, tuple(wanted - have), to="varying") if wanted - have else operand
        for operand, have in zip((first, second), each, strict=True)
    )


def _result_dtype(operand: np.dtype[Any], wide: bool) -> np.dtype[Any]:
    return dtypes.accumulator(operand) if wide else operand


def _shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    return {"x": plan.x_shape, "w": plan.w_shape, "y": plan.y_shape}


def _abstract(
    bilinear: Bilinear, first: Any, second: Any, *, plan: Plan, wide: bool, **_: Any
) -> Any:
    """The result's type: shape from the plan, mesh axes from the operands."""
    if varying(first) != varying(second):
        raise ValueError(
            f"{bilinear.primitive}: operands must vary over the same manual mesh axes; got "
            f"{first} and {second}. Call the public functions, which cast them."
        )
    operands = zip(bilinear.operands, (first.sharding, second.sharding), strict=True)
    division = agreed(plan, bilinear.result, dict(operands))
    return first.update(
        shape=_shapes(plan)[bilinear.result],
        dtype=_result_dtype(first.dtype, wide),
        weak_type=False,
        sharding=division.sharding(bilinear.result),
    )


def _jvp(rule: Callable[..., Any], primals: Any, tangents: Any, **static: Any) -> Any:
    """The product rule, all of it ``called``."""
    return rule(primals, tangents, **{**static, "called": True})


def _transpose(
    bilinear: Bilinear, position: int, cotangent: Any, first: Any, second: Any, **static: Any
) -> Any:
    """The cotangent of the operand at ``position``, from the result's and the other operand.

    The cotangent of a wide result is one of a half kind that was cast: casting it back is exact.
    """
    wanted, other = bilinear.operands[position], bilinear.operands[1 - position]
    linear, known = (first, second)[position], (first, second)[1 - position]
    cotangent = lax.convert_element_type(cotangent, known.dtype)
    static |= {"wide": False, "called": True}
    result = bind(wanted, {bilinear.result: cotangent, other: known}, **static)
    return placed(result, linear.aval.sharding)


def _batch(
    bilinear: Bilinear,
    operands: tuple[Any, Any],
    axes: tuple[int | None, int | None],
    *,
    plan: Plan,
    **static: Any,
) -> tuple[Any, int]:
    """One call of the same kind on a larger plan.

    A symbolic number of kernels would make channels or groups symbolic, which no form takes:
    these run one after the other.
    """
    arrays = dict(zip(bilinear.operands, operands, strict=True))
    places = {
        name: axis for name, axis in zip(bilinear.operands, axes, strict=True) if axis is not None
    }
    size = next(arrays[name].shape[axis] for name, axis in places.items())
    mapped = frozenset({*places, bilinear.result})
    if not is_known(size):
        if "w" in mapped:
            rows = {name: jnp.moveaxis(arrays.pop(name), axis, 0) for name, axis in places.items()}
            return _one_by_one(bilinear.result, rows, arrays, plan=plan, **static), 0
    elif size == 0:
        dtype = _result_dtype(operands[0].dtype, static["wide"])
        return lax.full((0, *_shapes(plan)[bilinear.result]), 0, dtype), 0
    for name, axis in places.items():
        arrays[name] = vmap.into(mapped, name, arrays[name], axis, plan)
    result = bind(bilinear.result, arrays, plan=vmap.enlarged(mapped, plan, size), **static)
    return vmap.out_of(mapped, bilinear.result, result, size, plan)


def _one_by_one(result: str, rows: dict[str, Any], fixed: dict[str, Any], **static: Any) -> Any:
    """The mapped axis, first in ``rows``, as a loop."""
    return lax.map(lambda row: bind(result, fixed | row, **static), rows)


def _define(bilinear: Bilinear) -> None:
    primitive = bilinear.primitive
    primitive.def_impl(partial(xla.apply_primitive, primitive))
    primitive.def_abstract_eval(partial(_abstract, bilinear))
    ad.defbilinear(primitive, partial(_transpose, bilinear, 0), partial(_transpose, bilinear, 1))
    ad.primitive_jvps[primitive] = partial(_jvp, ad.primitive_jvps[primitive])
    batching.primitive_batchers[primitive] = partial(_batch, bilinear)
    for platform in (None, "cpu", "cuda", "rocm", "tpu"):
        mlir.register_lowering(primitive, lowering_rule(bilinear.result, platform), platform)


for _bilinear in _GIVING.values():
    _define(_bilinear)
