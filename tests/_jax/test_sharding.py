"""Several devices: ``shard_map``, automatic and explicit mesh axes, and no hidden all-gather."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import tconv
from tests._jax.problems import GROUPED, PLAIN, Problem, assert_close, both_problems, loss

AXIS_TYPES = pytest.mark.parametrize("axis_type", [AxisType.Auto, AxisType.Explicit], ids=str)


def mesh_of(axis_type: AxisType) -> jax.sharding.Mesh:
    return jax.make_mesh((2,), ("i",), axis_types=(axis_type,))


def placed(mesh: jax.sharding.Mesh, problem: Problem) -> tuple[jax.Array, jax.Array]:
    """x sharded along the batch, w on every device."""
    x, w = problem.operands()
    batch, everywhere = NamedSharding(mesh, P("i")), NamedSharding(mesh, P())
    return jax.device_put(x, batch), jax.device_put(w, everywhere)


@both_problems
@AXIS_TYPES
@pytest.mark.parametrize("check_vma", [True, False], ids=["checked", "unchecked"])
def test_gradients_from_outside_shard_map(
    problem: Problem, axis_type: AxisType, check_vma: bool
) -> None:
    """The gradient of the replicated w is the sum over the mesh axis."""
    mesh = mesh_of(axis_type)
    mapped = jax.shard_map(
        problem.apply, mesh=mesh, in_specs=(P("i"), P()), out_specs=P("i"), check_vma=check_vma
    )
    x, w = placed(mesh, problem)
    got = jax.jit(jax.grad(partial(loss, mapped), (0, 1)))(x, w)
    assert_close(got, problem.gradients())
    assert_close(jax.jit(mapped)(x, w), problem.reference(*problem.operands()))


@both_problems
@AXIS_TYPES
def test_gradients_inside_shard_map(problem: Problem, axis_type: AxisType) -> None:
    mesh = mesh_of(axis_type)
    local = jax.grad(partial(loss, problem.apply), (0, 1))
    mapped = jax.shard_map(local, mesh=mesh, in_specs=(P("i"), P()), out_specs=(P("i"), P()))
    assert_close(jax.jit(mapped)(*placed(mesh, problem)), problem.gradients())


@both_problems
def test_eager_shard_map_and_second_order(problem: Problem) -> None:
    mesh = mesh_of(AxisType.Auto)
    mapped = jax.shard_map(problem.apply, mesh=mesh, in_specs=(P("i"), P()), out_specs=P("i"))
    x, w = problem.operands()
    assert_close(mapped(x, w), problem.reference(x, w))

    def curvature(function, x, w):
        gradient = jax.grad(partial(loss, function), 1)
        return jax.grad(lambda w: jnp.sum(gradient(x, w) ** 3))(w)

    got, want = (
        jax.jit(partial(curvature, function))(x, w) for function in (mapped, problem.reference)
    )
    assert_close(got, want)


@both_problems
def test_a_varying_kernel_sums_the_gradient_of_a_replicated_input(problem: Problem) -> None:
    """The other way round: x is the same on every device, w differs."""
    mesh = mesh_of(AxisType.Auto)
    (x, w), (_, other_w) = problem.operands(), problem.operands(seed=1)
    kernels = jnp.stack([w, other_w])

    def local(x, kernel):
        return jax.grad(partial(loss, problem.apply), (0, 1))(x, kernel[0])

    mapped = jax.shard_map(local, mesh=mesh, in_specs=(P(), P("i")), out_specs=(P(), P("i")))
    dx, dw = jax.jit(mapped)(x, kernels)
    reference = jax.jit(jax.grad(partial(loss, problem.reference), (0, 1)))
    gradients = [reference(x, kernel) for kernel in kernels]
    assert_close(dx, gradients[0][0] + gradients[1][0])
    assert_close(dw, jnp.concatenate([gradients[0][1], gradients[1][1]]))


@both_problems
@AXIS_TYPES
def test_batch_sharded_by_jit_without_all_gather(problem: Problem, axis_type: AxisType) -> None:
    mesh = mesh_of(axis_type)
    with jax.set_mesh(mesh):
        x, w = placed(mesh, problem)
        forward = jax.jit(problem.apply).lower(x, w).compile()
        gradient = jax.jit(jax.grad(partial(loss, problem.apply), (0, 1))).lower(x, w).compile()
        y, (dx, dw) = forward(x, w), gradient(x, w)
    assert_close(y, problem.reference(*problem.operands()))
    assert_close((dx, dw), problem.gradients())
    for sharded in (y, dx):
        assert sharded.sharding.spec[0] == "i"
    assert dw.sharding.is_fully_replicated
    for compiled in (forward, gradient):
        assert "all-gather" not in compiled.as_text()
    assert "all-reduce" not in forward.as_text()
    assert "all-reduce" in gradient.as_text()


@both_problems
@pytest.mark.parametrize("mapped", ["x", "xw"])
def test_vmap_over_an_explicitly_sharded_axis(problem: Problem, mapped: str) -> None:
    xs, ws = problem.operands(2)
    kernels = ws if "w" in mapped else ws[:1].repeat(2, axis=0)
    want = jnp.stack([problem.reference(x, w) for x, w in zip(xs, kernels, strict=True)])
    with jax.set_mesh(mesh_of(AxisType.Explicit)):
        xs = jax.reshard(xs, P("i"))
        ws, axis = (jax.reshard(ws, P("i")), 0) if "w" in mapped else (ws[0], None)
        got = jax.jit(jax.vmap(problem.apply, (0, axis)))(xs, ws)
    assert_close(got, want)
    assert jax.typeof(got).sharding.spec[0] == "i"


def test_groups_are_split_between_devices_whole() -> None:
    """Two groups on two devices stay where they are; three cannot be split in two."""
    specs = (P(None, "i"), P("i"))
    with jax.set_mesh(mesh_of(AxisType.Explicit)):
        x, w = (jax.reshard(a, spec) for a, spec in zip(GROUPED.operands(), specs, strict=True))
        y = jax.jit(GROUPED.apply)(x, w)
        gradients = jax.jit(jax.grad(partial(loss, GROUPED.apply), (0, 1)))(x, w)
        shapes = ((1, 6, 3), (6, 1, 2))
        x, w = (jax.reshard(jnp.ones(s), spec) for s, spec in zip(shapes, specs, strict=True))
        with pytest.raises(ValueError, match="grouped channels by whole groups"):
            tconv.conv_transpose(x, w, groups=3)
    assert jax.typeof(y).sharding.spec == P(None, "i", None, None)
    assert_close(gradients, GROUPED.gradients())


def test_explicit_types_of_the_result() -> None:
    """The batch and the channels of y stay sharded; a sum over sharded channels leaves none."""
    mesh = jax.make_mesh((1, 1), ("data", "model"), axis_types=(AxisType.Explicit,) * 2)
    x, w = PLAIN.operands()
    with jax.set_mesh(mesh):
        x = jax.reshard(x, P("data"))
        w = jax.reshard(w, P(None, "model"))
        y, pullback = jax.vjp(PLAIN.apply, x, w)
        dx, dw = pullback(y)
    assert jax.typeof(y).sharding.spec == P("data", "model", None)
    assert jax.typeof(dx).sharding.spec == P("data", None, None)
    assert jax.typeof(dw).sharding.spec == P(None, "model", None)
    assert_close(y, PLAIN.reference(*PLAIN.operands()))


def test_an_explicitly_sharded_kernel_is_refused_with_the_remedy() -> None:
    x, w = (jnp.ones(shape) for shape in ((2, 2, 8), (2, 2, 4)))
    with jax.set_mesh(mesh_of(AxisType.Explicit)):
        w = jax.reshard(w, P(None, None, "i"))
        with pytest.raises(ValueError, match=r"the kernel not at all .*jax\.sharding\.reshard"):
            tconv.conv_transpose(x, w)
        whole = jax.sharding.reshard(w, P())
        assert tconv.conv_transpose(x, whole).shape == (2, 2, 11)


def test_other_mesh_axes_may_stay_automatic_under_shard_map() -> None:
    mesh = jax.make_mesh((2, 1), ("i", "j"), axis_types=(AxisType.Auto,) * 2)
    mapped = jax.shard_map(
        PLAIN.apply, mesh=mesh, in_specs=(P("i"), P()), out_specs=P("i"), axis_names={"i"}
    )
    got = jax.jit(jax.grad(partial(loss, mapped), (0, 1)))(*PLAIN.operands())
    assert_close(got, PLAIN.gradients())


def test_convolution_and_bias_on_an_explicit_mesh() -> None:
    mesh = mesh_of(AxisType.Explicit)
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape) for shape in ((2, 3, 6), (4, 3, 3), (4,)))
    want = tconv.conv(x, w, b, stride=2)
    with jax.set_mesh(mesh):
        y = tconv.conv(jax.reshard(jnp.asarray(x), P("i")), w, b, stride=2)
    np.testing.assert_allclose(y, want, rtol=1e-12, atol=1e-12)
    assert jax.typeof(y).sharding.spec == P("i", None, None)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_a_numpy_input_takes_the_mesh_of_an_explicitly_sharded_kernel(compiled: bool) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 3, 5)), rng.standard_normal((3, 4, 3))
    placed_w = jax.device_put(w, NamedSharding(mesh_of(AxisType.Explicit), P(None, "i")))
    function = partial(tconv.conv_transpose, x, stride=2)
    y = (jax.jit(function) if compiled else function)(placed_w)
    np.testing.assert_allclose(y, tconv.conv_transpose(x, w, stride=2), rtol=1e-12, atol=1e-12)
    assert jax.typeof(y).sharding.spec == P(None, "i", None)


@pytest.mark.parametrize("devices", [1, 2])
def test_the_partitioner_is_asked_where_there_are_several_devices(devices: int) -> None:
    mesh = jax.make_mesh((devices,), ("i",), axis_types=(AxisType.Auto,))
    x = jax.device_put(np.ones((2, 1, 3), np.float32), NamedSharding(mesh, P("i")))
    call = jax.jit(lambda x: tconv.conv_transpose(x, np.ones((1, 1, 2), np.float32)))
    program = call.lower(x).as_text()
    assert f"mhlo.num_partitions = {devices}" in program
    assert program.count("@CustomSPMDPartitioning") == (devices > 1)
