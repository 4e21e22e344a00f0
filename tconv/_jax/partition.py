"""A bilinear map on several devices: each computes its part from its neighbours' rows and its own.

On explicit mesh axes the types say how operands are sharded, and the map is lowered inside
``shard_map``.  On automatic ones XLA's partitioner decides, and asks for a device's program then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain, combinations
from math import prod
from typing import Any

import jax
from jax import Array, lax
from jax.experimental.custom_partitioning import (
    ArrayMapping,
    CompoundFactor,
    SdyShardingRule,
    custom_partitioning,
)

from tconv._core.plan import Plan
from tconv._jax.forms.parts import READS
from tconv._jax.halos import exchanged, from_each, part_of
from tconv._jax.sharding import Division, settled

Compute = Callable[..., Array]


def on_explicit_axes(
    compute: Compute, operands: tuple[str, str], division: Division, wide: bool, dtype: Any
) -> Compute:
    """``compute(first, second, plan=.., wide=..)`` of arrays that are sharded as divided."""
    mapped: Compute = jax.shard_map(
        _of_device(compute, operands, division, wide, dtype),
        mesh=division.mesh,
        in_specs=tuple(map(division.spec, operands)),
        out_specs=division.spec(division.result),
        check_vma=False,
    )
    return mapped


def on_automatic_axes(
    compute: Compute, operands: tuple[str, str], plan: Plan, result: str, wide: bool, dtype: Any
) -> Compute:
    """``compute(first, second, plan=.., wide=..)`` as the partitioner finds them sharded."""

    def whole(first: Array, second: Array) -> Array:
        return compute(first, second, plan=plan, wide=wide)

    def division_of(mesh: Any, arguments: Any, *results: Any) -> Division:
        shapes = zip((*operands, result), (*arguments, *results), strict=False)
        return settled(plan, result, mesh, {name: shape.sharding for name, shape in shapes})

    def of_device(mesh: Any, arguments: Any, given: Any) -> Any:
        division = division_of(mesh, arguments, given)
        function = _of_device(compute, operands, division, wide, dtype)
        shardings = tuple(map(division.sharding, operands))
        return mesh, function, division.sharding(result), shardings

    def inferred(mesh: Any, arguments: Any, _given: Any) -> Any:
        return division_of(mesh, arguments).sharding(result)

    function = custom_partitioning(whole)
    function.def_partition(
        partition=of_device,
        infer_sharding_from_operands=inferred,
        sharding_rule=partial(_sharding_rule, plan, operands, result),
    )
    mapped: Compute = function
    return mapped


def _of_device(
    compute: Compute, operands: tuple[str, str], division: Division, wide: bool, dtype: Any
) -> Compute:
    """One device's function of its parts of the operands."""
    reads, of_result = READS[division.result], division.result

    def compute_part(first: Array, second: Array) -> Array:
        arrays = dict(zip(operands, (first, second), strict=True))
        every = [(2 + n, part, division.along[str(n)]) for n, part in division.parts.items()]
        for axis, part, devices in every:
            arrays[reads] = exchanged(arrays[reads], axis, part.rows, devices)
        sums = wide or bool(division.summed)
        values = compute(*arrays.values(), plan=division.local, wide=sums)
        for axis, part, devices in every if of_result != "w" else ():
            values = from_each(values, axis, part.skips, part.size, devices)
        if division.summed:
            values = lax.psum(values, division.summed)
        return lax.convert_element_type(values, dtype)

    return compute_part


def _sharding_rule(
    plan: Plan, operands: tuple[str, str], result: str, mesh: Any, *_types: Any
) -> SdyShardingRule:
    """Which axes of the arrays are sharded alike, in the partitioner's terms.

    The channels of groups are the groups and what each has of them, which stays whole.  A spatial
    axis that no part of the mesh divides is another one in y than in x.
    """
    every = range(len(plan.axes))
    inputs, kernel = [f"s{n}" for n in every], [f"k{n}" for n in every]
    outputs = [f"s{n}" if _divisible(plan, n, result, mesh) else f"o{n}" for n in every]
    channels, whole, sizes = {"x": ("i",), "y": ("o",)}, kernel, {}
    if plan.groups > 1:
        inner = {"x": plan.group_in_channels, "y": plan.group_out_channels}
        channels = {
            name: (*"g", *letter) if inner[name] > 1 else ("g",)
            for name, letter in channels.items()
        }
        whole = [*kernel, "i", "o"]
        # Those that no axis consists of alone.
        sizes = {"i": inner["x"]} if inner["x"] > 1 else {}
        sizes |= {"g": plan.groups} if min(inner.values()) > 1 else {}
    factors = {
        "x": (("n",), channels["x"], *((each,) for each in inputs)),
        "y": (("n",), channels["y"], *((each,) for each in outputs)),
        "w": (channels["x"], ("o",), *((each,) for each in kernel)),
    }
    mappings = {
        name: ArrayMapping(*(one[0] if len(one) == 1 else CompoundFactor(*one) for one in axes))
        for name, axes in factors.items()
    }
    # In the order that they first appear in, as the partitioner wants them.
    ordered = list(dict.fromkeys(chain(*(chain(*factors[name]) for name in (*operands, result)))))
    kept = [each for each in ordered if each in chain(*factors[result]) or each in whole]
    return SdyShardingRule(
        tuple(mappings[name] for name in operands),
        (mappings[result],),
        reduction_factors=tuple(each for each in ordered if each not in kept),
        need_replication_factors=tuple(each for each in kept if each in whole),
        permutation_factors=tuple(each for each in kept if each in {*inputs} & {*outputs}),
        **sizes,
    )


def _divisible(plan: Plan, number: int, result: str, mesh: Any) -> bool:
    """Whether some of the axes of the mesh can divide this spatial axis."""
    sizes = list(mesh.shape.values())
    some = chain(*(combinations(sizes, count) for count in range(1, len(sizes) + 1)))
    return any(part_of(plan.axes[number], result, prod(each)) is not None for each in some)
