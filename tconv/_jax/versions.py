"""What differs between the versions of JAX that are supported, 0.8.3 to 0.12, and what of JAX is
used that it does not document."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
from jax.sharding import AxisType

try:
    from jax.extend.mlir import lower_with_sharding_in_types
except ImportError:  # before 0.10
    from jax._src.interpreters.mlir import lower_with_sharding_in_types

__all__ = ["lower_with_sharding_in_types", "partitioned", "varying"]


def varying(aval: Any) -> frozenset[str]:
    """The manual mesh axes that a traced value varies over."""
    if hasattr(aval, "manual_axis_type"):
        names: frozenset[str] = aval.manual_axis_type.varying
        return names
    before_010: frozenset[str] = aval.vma
    return before_010


def partitioned(context: Any) -> Any:
    """The context of a lowering with the mesh that its program will be partitioned over; None where
    it is not, or where that mesh is unknown.

    The partitioner asks ``custom_partitioning`` for a device's program by the names of a mesh.  JAX
    leaves mesh and devices out of the context but for the primitives it knows to need them; the
    mesh is in the types, and of the devices the order in it alone matters.  An exported program
    cannot ask.
    """
    module = context.module_context
    axes, meshes = module.axis_context, {aval.sharding.mesh for aval in context.avals_in}
    count = getattr(axes, "num_devices", 1)
    automatic = [mesh for mesh in meshes if set(mesh.axis_types) == {AxisType.Auto}]
    if count == 1 or not automatic or module.lowering_parameters.for_export:
        return None
    devices = tuple(jax.devices()[:count])
    if automatic[0].size != count or len(devices) != count:
        return None
    known = replace(axes, device_assignment=devices, abstract_mesh=automatic[0])
    return context.replace(module_context=module.replace(axis_context=known))
