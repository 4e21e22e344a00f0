"""The forms of the JAX backend, compiled for the device that JAX chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.machine import jax_versions as versions
from benchmarks.task import OPERANDS, Array, channels_first, channels_last
from tconv._core.cost import Counts
from tconv._core.plan import Plan
from tconv._jax.choose import groups_apart
from tconv._jax.lowering import candidates, chosen_form, compute

LAYOUTS = ("NCHW", "NHWC")
NOTE = "JAX arrays under jit"
DTYPE = np.dtype("float32")
__all__ = ["LAYOUTS", "NOTE", "array", "chosen", "counts", "names", "prepare", "versions"]


def names(result: str, plan: Plan) -> Sequence[str]:
    """The forms that can compute this."""
    return tuple(candidates(result, plan, _platform(), DTYPE))


def counts(result: str, plan: Plan) -> Mapping[str, Counts]:
    """What each of them does, for all groups."""
    times = plan.groups if groups_apart(plan, _platform()) else 1
    found = candidates(result, plan, _platform(), DTYPE)
    return {name: Counts(*(times * n for n in each.terms)) for name, each in found.items()}


def chosen(result: str, plan: Plan) -> str:
    """The one that "auto" takes."""
    return chosen_form(result, plan, _platform(), DTYPE)


def prepare(
    result: str, plan: Plan, form: str, first: Array, second: Array
) -> tuple[Callable[[], Any], float]:
    """The call to time, and the seconds that compiling it took.

    Arrays that lie channels-last do so at both ends of the program, and are in PyTorch's order
    in between, which XLA need not move anything for.
    """
    roles = OPERANDS[result]

    def program(first: Any, second: Any) -> Any:
        operands = (first, second)
        if plan.channels_last:
            operands = tuple(map(channels_first, roles, operands))
        values = compute(result, plan, *operands, platform=_platform(), precision=None, form=form)
        return channels_last(result, values) if plan.channels_last else values

    arrays = (first, second)
    if plan.channels_last:
        arrays = tuple(map(channels_last, roles, arrays))
    operands = [jnp.asarray(array) for array in arrays]
    before = perf_counter()
    compiled = jax.jit(program).lower(*operands).compile()
    seconds = perf_counter() - before
    return lambda: jax.block_until_ready(compiled(*operands)), seconds


def array(result: str, plan: Plan, out: Any) -> Array:
    """What the call returned, in PyTorch's order of axes."""
    values = np.asarray(out)
    return channels_first(result, values) if plan.channels_last else values


def _platform() -> str:
    """As a primitive is lowered for it: JAX calls the device "gpu", the lowering "cuda"."""
    name = jax.default_backend()
    return "cuda" if name == "gpu" else name
