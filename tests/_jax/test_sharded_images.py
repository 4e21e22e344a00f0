"""Images sharded along their spatial axes: neighbours exchange rows and nothing is gathered."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import tconv
from tconv.testing import Problem

AXIS_TYPES = pytest.mark.parametrize("axis_type", [AxisType.Auto, AxisType.Explicit], ids=str)

# Sizes of y that divide: kernel 4, stride 2; 3, 2 and output padding; 8, 4; drift between devices;
# dilation above and below stride; groups, depthwise; one to three axes.
EVEN = {
    "k4s2": (Problem((16,), (4,), (2,), ((1, 1),), in_channels=2, out_channels=3), False),
    "k3s2": (Problem((16, 5), (3, 3), (2, 2), ((1, 1),) * 2, (1, 1)), True),
    "k8s4": (Problem((8, 3), (8, 8), (4, 4), ((2, 2),) * 2, in_channels=3, out_channels=2), False),
    "k5s3": (Problem((12,), (5,), (3,), ((1, 1),), in_channels=2, out_channels=2), True),
    "drift": (Problem((16,), (5,), (1,), ((0, 0),), batch=2), False),
    "grouped": (Problem(
        (8, 4), (3, 2), (2, 3), ((2, 2), (0, 0)), (1, 0), (2, 2), 2,
        in_channels=4, out_channels=6,
    ), True),
    "depthwise": (Problem(
        (8, 4, 3), (4, 4, 2), (2, 2, 1), ((1, 1), (1, 1), (0, 0)), groups=3,
        in_channels=3, out_channels=3, batch=2,
    ), False),
}  # fmt: skip


class Sharded:
    """A problem on a mesh whose images lie along its axes."""

    def __init__(
        self,
        problem: Problem,
        channels_last: bool,
        mesh: jax.sharding.Mesh,
        divided: bool = True,
    ) -> None:
        self.keywords = dict(problem.keywords)
        rng = np.random.default_rng(0)
        x, w = (rng.standard_normal(shape) for shape in (problem.x_shape, problem.w_shape))
        names = [*mesh.axis_names]
        self.spec = P(None, None, *names)
        if channels_last:
            spatial = "DHW"[3 - problem.ndim :]
            self.keywords["dimension_numbers"] = (
                f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"
            )  # fmt: skip
            x, w = np.moveaxis(x, 1, -1), np.moveaxis(w, (0, 1), (-2, -1))
            self.spec = P(None, *names)
        self.y, pullback = tconv.conv_transpose_vjp(x, w, **self.keywords)
        dy = rng.standard_normal(self.y.shape)
        self.dx, self.dw, _ = pullback(dy)
        along, whole = NamedSharding(mesh, self.spec), NamedSharding(mesh, P())
        self.operands = (jax.device_put(x, along), jax.device_put(w, whole))
        self.cotangent = jax.device_put(dy, along if divided else whole)

    def apply(self, x: Any, w: Any) -> Any:
        return tconv.conv_transpose(x, w, **self.keywords)

    def cotangents(self, x: Any, w: Any, dy: Any) -> Any:
        return jax.vjp(self.apply, x, w)[1](dy)

    def programs(self) -> dict[str, Any]:
        """Result and compiled program of each map."""
        maps = {
            "y": (self.apply, self.operands),
            "dx": (lambda *a: self.cotangents(*a)[0], (*self.operands, self.cotangent)),
            "dw": (lambda *a: self.cotangents(*a)[1], (*self.operands, self.cotangent)),
        }
        compiled = {
            name: (jax.jit(function).lower(*arrays).compile(), arrays)
            for name, (function, arrays) in maps.items()
        }
        return {name: (program(*arrays), program) for name, (program, arrays) in compiled.items()}


def collectives(program: Any) -> dict[str, int]:
    """How often each collective is in a compiled program."""
    found = re.findall(r" (all-\w+|collective-\w+|reduce-scatter)(?:-start)?\(", program.as_text())
    return {name: found.count(name) for name in set(found)}


def spec_of(array: Any, ndim: int) -> tuple[Any, ...]:
    spec = tuple(array.sharding.spec)
    return (*spec, *[None] * (ndim - len(spec)))


def mesh_of(axis_type: AxisType, *sizes: int) -> jax.sharding.Mesh:
    names = ("i", "j")[: len(sizes)]
    return jax.make_mesh(sizes, names, axis_types=(axis_type,) * len(sizes))


def assert_minimal(sharded: Sharded, axes: int) -> None:
    """Values, shardings and collectives of the three maps, with so many axes divided."""
    ndim = sharded.y.ndim
    for name, (got, program) in sharded.programs().items():
        np.testing.assert_allclose(got, getattr(sharded, name), rtol=1e-11, atol=1e-11)
        counts = collectives(program)
        assert counts.pop("collective-permute", 0) <= 2 * axes, name
        if name == "dw":
            assert counts.pop("all-reduce") == 1
            assert got.sharding.is_fully_replicated
        else:
            assert spec_of(got, ndim) == spec_of(sharded.operands[0], ndim), name
        assert not counts, name


@AXIS_TYPES
@pytest.mark.parametrize("devices", [2, 4])
@pytest.mark.parametrize("case", EVEN)
def test_rows_of_neighbours_alone(case: str, devices: int, axis_type: AxisType) -> None:
    assert_minimal(Sharded(*EVEN[case], mesh_of(axis_type, devices)), 1)


@AXIS_TYPES
@pytest.mark.parametrize("case", ["grouped", "depthwise"])
def test_two_axes_and_their_corners(case: str, axis_type: AxisType) -> None:
    assert_minimal(Sharded(*EVEN[case], mesh_of(axis_type, 2, 2)), 2)


@AXIS_TYPES
@pytest.mark.parametrize(
    "problem",
    [
        Problem((16,), (3,), (2,), ((1, 1),), batch=2),  # 31 rows in y
        Problem((8,), (9,), (1,), ((4, 4),), batch=2),  # four rows are read beyond two
    ],
    ids=["uneven", "far"],
)
def test_what_cannot_be_divided_is_gathered(problem: Problem, axis_type: AxisType) -> None:
    sharded = Sharded(problem, False, mesh_of(axis_type, 4), divided=False)
    for name, (got, program) in sharded.programs().items():
        np.testing.assert_allclose(got, getattr(sharded, name), rtol=1e-11, atol=1e-11)
        assert set(collectives(program)) <= {"all-gather"}


@AXIS_TYPES
def test_the_convolution_and_its_gradients(axis_type: AxisType) -> None:
    mesh = mesh_of(axis_type, 4)
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape) for shape in ((2, 3, 16), (4, 3, 3), (4,)))
    options = {"stride": 2, "padding": 1}
    y, pullback = tconv.conv_vjp(x, w, b, **options)
    dy = rng.standard_normal(y.shape)
    along = NamedSharding(mesh, P(None, None, "i"))
    placed, cotangent = jax.device_put(x, along), jax.device_put(dy, along)

    def both(x: Any, w: Any, dy: Any) -> Any:
        result, pull = jax.vjp(partial(tconv.conv, **options), x, w, b)
        return result, pull(dy)

    program = jax.jit(both).lower(placed, w, cotangent).compile()
    got, gradients = program(placed, w, cotangent)
    for mine, theirs in zip((got, *gradients), (y, *pullback(dy)), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-11)
    assert got.sharding.spec[2] == gradients[0].sharding.spec[2] == "i"
    assert "all-gather" not in collectives(program)


@AXIS_TYPES
def test_batch_channels_and_rows_at_once(axis_type: AxisType) -> None:
    """Summed over the mesh axis of x's channels; half kinds in float32, rounded once."""
    mesh = jax.make_mesh((2, 2), ("rows", "channels"), axis_types=(axis_type,) * 2)
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-4, 5, shape) / 8 for shape in ((2, 4, 8), (4, 6, 4)))
    want = tconv.conv_transpose(x, w, stride=2, padding=1)
    x = jax.device_put(jnp.asarray(x, "bfloat16"), NamedSharding(mesh, P(None, "channels", "rows")))
    w = jax.device_put(jnp.asarray(w, "bfloat16"), NamedSharding(mesh, P("channels")))
    program = jax.jit(partial(tconv.conv_transpose, stride=2, padding=1)).lower(x, w).compile()
    y = program(x, w)
    np.testing.assert_array_equal(y, want.astype(jnp.bfloat16))
    assert spec_of(y, 3) == (None, None, "rows")
    assert re.search(r"= f32\[.*all-reduce", program.as_text())


@AXIS_TYPES
@pytest.mark.parametrize("empty", [(0, 2, 2), (2, 0, 2), (2, 2, 0)], ids=["batch", "in", "out"])
def test_nothing_to_divide(empty: tuple[int, int, int], axis_type: AxisType) -> None:
    if axis_type is AxisType.Explicit and jax.__version_info__ < (0, 10):
        pytest.skip("empty arrays do not get the sharding of their type")
    batch, inputs, outputs = empty
    x, w = jnp.ones((batch, inputs, 8)), jnp.ones((inputs, outputs, 4))
    x = jax.device_put(x, NamedSharding(mesh_of(axis_type, 2), P(None, None, "i")))
    function = partial(tconv.conv_transpose, stride=2, padding=1)
    dx, dw = jax.jit(jax.grad(lambda x, w: jnp.sum(function(x, w) ** 2), (0, 1)))(x, w)
    assert (dx.shape, dw.shape) == (x.shape, w.shape)
    assert jax.jit(function)(x, w).shape == (batch, outputs, 16)


@AXIS_TYPES
def test_eagerly_and_under_vmap(axis_type: AxisType) -> None:
    mesh = mesh_of(axis_type, 2)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((3, 2, 2, 8)), rng.standard_normal((2, 3, 4))
    want = np.stack([tconv.conv_transpose(one, w, stride=2, padding=1) for one in x])
    x = jax.device_put(x, NamedSharding(mesh, P(None, None, None, "i")))
    function = partial(tconv.conv_transpose, stride=2, padding=1)
    np.testing.assert_allclose(jax.vmap(function, (0, None))(x, w), want, rtol=1e-12, atol=1e-12)
    y = function(x[1], w)
    np.testing.assert_allclose(y, want[1], rtol=1e-12, atol=1e-12)
    assert y.sharding.spec[2] == "i"


def test_a_sharded_program_is_exported_without_its_devices() -> None:
    """The partitioner of another process cannot ask for a device's program: it divides what is
    there."""
    sharded = Sharded(*EVEN["k4s2"], mesh_of(AxisType.Auto, 2))
    exported = jax.export.export(jax.jit(sharded.apply))(*sharded.operands)
    restored = jax.export.deserialize(exported.serialize())
    got = jax.jit(restored.call)(*sharded.operands)
    np.testing.assert_allclose(got, sharded.y, rtol=1e-11, atol=1e-11)


def test_inside_shard_map_each_shard_is_an_image_of_its_own() -> None:
    mesh = mesh_of(AxisType.Auto, 2)
    x, w = np.ones((1, 1, 4)), np.ones((1, 1, 3))
    spec = P(None, None, "i")
    mapped = jax.shard_map(
        partial(tconv.conv_transpose, padding=1), mesh=mesh, in_specs=(spec, P()), out_specs=spec
    )
    assert mapped(x, w).tolist() == [[[2.0, 2.0, 2.0, 2.0]]]
    assert tconv.conv_transpose(x, w, padding=1).tolist() == [[[2.0, 3.0, 3.0, 2.0]]]
