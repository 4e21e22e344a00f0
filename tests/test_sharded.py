"""Inside ``shard_map``: shards of the whole result and its gradients, and what devices exchange."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

import tconv
import tconv.sharded
from tconv.testing import Problem

AXIS_TYPES = pytest.mark.parametrize("axis_type", [AxisType.Auto, AxisType.Explicit], ids=str)

# Both directions; 1-D to 3-D, groups, dilation above and below the stride, both layouts, drifting
# phases (5, 3), halos of several devices (9 and 12 taps), a kernel without overlap.
CASES = {
    "k4s2": (Problem((16,), (4,), (2,), ((1, 1),), in_channels=2, out_channels=3, bias=True),
             False),
    "k3s2": (Problem((8, 5), (3, 3), (2, 2), ((1, 1),) * 2, (1, 1), batch=2), True),
    "k5s3": (Problem((12,), (5,), (3,), ((1, 1),), in_channels=2, out_channels=2), True),
    "k2s2": (Problem((8,), (2,), (2,), batch=None, bias=True), False),
    "grouped": (Problem(
        (8, 4), (3, 2), (2, 3), ((2, 2), (0, 0)), (1, 0), (2, 2), 2,
        in_channels=4, out_channels=6, bias=True,
    ), True),
    "depthwise": (Problem(
        (8, 4, 3), (4, 4, 2), (2, 2, 1), ((1, 1), (1, 1), (0, 0)), groups=3,
        in_channels=3, out_channels=3, batch=2,
    ), False),
    "far": (Problem((8,), (9,), (1,), ((4, 4),), batch=2), False),
    "one side": (Problem((8,), (12,), (1,), ((11, 0),), bias=True), False),
    "conv": (Problem((16,), (3,), (1,), ((1, 1),), in_channels=2, out_channels=3, bias=True,
                     kind="conv"), True),
    "conv s2": (Problem((16, 5), (4, 3), (2, 1), ((1, 1), (0, 2)), batch=2, kind="conv"), False),
    "conv far": (Problem((8,), (5,), (1,), ((6, 6),), dilation=(3,), kind="conv"), False),
}  # fmt: skip


class Case:
    """A problem whose first spatial axis is divided."""

    def __init__(self, name: str) -> None:
        problem, last = CASES[name]
        self.keywords = dict(problem.keywords)
        self.kind = problem.kind
        rng = np.random.default_rng(0)
        x, w = (rng.standard_normal(shape) for shape in (problem.x_shape, problem.w_shape))
        self.b = rng.standard_normal(problem.out_channels) if problem.bias else None
        letters = "DHW"[3 - problem.ndim :]
        self.spec = P(*[None] * (x.ndim - problem.ndim), "rows")
        if last:
            io = "IO" if problem.kind == "conv_transpose" else "OI"
            self.keywords["dimension_numbers"] = (f"N{letters}C", f"{letters}{io}", f"N{letters}C")
            x, w = np.moveaxis(x, 1, -1), np.moveaxis(w, (0, 1), (-2, -1))
            self.spec = P(None, "rows")
        self.x, self.w, self.letter = x, w, letters[0]
        self.y, self.pullback = getattr(tconv, f"{self.kind}_vjp")(x, w, self.b, **self.keywords)

    def on(self, mesh: jax.sharding.Mesh) -> Any:
        named = {"mesh_axes": {self.letter: "rows"}, **self.keywords}
        return jax.shard_map(
            partial(getattr(tconv.sharded, self.kind), **named),
            mesh=mesh,
            in_specs=(self.spec, P(), P()),
            out_specs=self.spec,
        )


def mesh_of(devices: int, axis_type: AxisType = AxisType.Auto) -> jax.sharding.Mesh:
    return jax.make_mesh((devices,), ("rows",), axis_types=(axis_type,))


def collectives(program: Any) -> dict[str, int]:
    """How often each collective is in a compiled program."""
    found = re.findall(r" (all-\w+|collective-\w+|reduce-scatter)(?:-start)?\(", program.as_text())
    return {name: found.count(name) for name in set(found)}


@pytest.mark.parametrize("devices", [2, 4])
@pytest.mark.parametrize("name", CASES)
def test_shards_of_the_result_and_of_its_gradients(name: str, devices: int) -> None:
    case = Case(name)
    function = case.on(mesh_of(devices))
    dy = np.random.default_rng(1).standard_normal(case.y.shape)

    def both(x: Any, w: Any, b: Any, dy: Any) -> Any:
        y, pullback = jax.vjp(function, x, w, b)
        return y, *pullback(dy)

    program = jax.jit(both).lower(case.x, case.w, case.b, dy).compile()
    found = program(case.x, case.w, case.b, dy)
    for got, wanted in zip(found, (case.y, *case.pullback(dy)), strict=True):
        if wanted is not None:
            np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-11)
    assert "all-gather" not in collectives(program)


@pytest.mark.parametrize(
    ("name", "permutes"),
    [("k4s2", 2), ("k2s2", 0), ("far", 4), ("one side", 3), ("conv", 2), ("conv s2", 2)],
)
def test_exchanges(name: str, permutes: int) -> None:
    """On four devices: one a side, and one more for each device further that is read."""
    case = Case(name)
    program = jax.jit(case.on(mesh_of(4))).lower(case.x, case.w, case.b).compile()
    assert collectives(program) == ({"collective-permute": permutes} if permutes else {})


def test_no_more_than_the_halo_is_sent() -> None:
    case = Case("k4s2")
    program = jax.jit(case.on(mesh_of(4))).lower(case.x, case.w, case.b).compile()
    sent = re.findall(r"= f64\[([\d,]+)\]\S* collective-permute", program.as_text())
    assert sent == ["1,2,1"] * 2


@AXIS_TYPES
def test_two_axes_of_a_mesh_of_each_kind(axis_type: AxisType) -> None:
    case = Case("grouped")
    mesh = jax.make_mesh((2, 2), ("rows", "columns"), axis_types=(axis_type,) * 2)
    spec = P(None, "rows", "columns")
    function = jax.shard_map(
        partial(tconv.sharded.conv_transpose, mesh_axes={"H": "rows", "W": "columns"},
                **case.keywords),
        mesh=mesh, in_specs=(spec, P(), P()), out_specs=spec,
    )  # fmt: skip
    dy = np.random.default_rng(1).standard_normal(case.y.shape)

    def both(x: Any, w: Any, b: Any, dy: Any) -> Any:
        y, pullback = jax.vjp(function, x, w, b)
        return y, *pullback(dy)

    arrays = [jax.device_put(array, jax.NamedSharding(mesh, place)) for array, place in
              ((case.x, spec), (case.w, P()), (case.b, P()), (dy, spec))]  # fmt: skip
    for got, wanted in zip(jax.jit(both)(*arrays), (case.y, *case.pullback(dy)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-11, atol=1e-11)


def test_batch_channels_and_rows_at_once() -> None:
    """Half kinds are summed over the channels of all devices in float32, and rounded once."""
    mesh = jax.make_mesh((2, 2), ("rows", "channels"), axis_types=(AxisType.Auto,) * 2)
    rng = np.random.default_rng(0)
    x, w, b = (rng.integers(-4, 5, shape) / 8 for shape in ((2, 4, 8), (4, 6, 4), (6,)))
    wanted = tconv.conv_transpose(x, w, b, stride=2, padding=1)
    function = jax.shard_map(
        partial(tconv.sharded.conv_transpose, mesh_axes={"W": "rows", "I": "channels"}, stride=2,
                padding=1),
        mesh=mesh, in_specs=(P(None, "channels", "rows"), P("channels"), P()),
        out_specs=P(None, None, "rows"),
    )  # fmt: skip
    halves = [jnp.asarray(array, "bfloat16") for array in (x, w, b)]
    got = jax.jit(function)(*halves)
    assert got.dtype == jnp.bfloat16
    np.testing.assert_array_equal(got, wanted.astype(jnp.bfloat16))
    turned = jax.shard_map(  # the bias of the sum lies along the channels of y, wherever they are
        partial(tconv.sharded.conv_transpose, mesh_axes={"W": "rows", "I": "channels"}, stride=2,
                padding=1, dimension_numbers=("NCW", "IOW", "WNC")),
        mesh=mesh, in_specs=(P(None, "channels", "rows"), P("channels"), P()), out_specs=P("rows"),
    )  # fmt: skip
    np.testing.assert_array_equal(jax.jit(turned)(x, w, b), np.moveaxis(wanted, 2, 0))
    samples = jax.shard_map(
        partial(tconv.sharded.conv_transpose, mesh_axes={"W": "rows"}, stride=2, padding=1),
        mesh=mesh, in_specs=(P("channels", None, "rows"), P(None, None), P()),
        out_specs=P("channels", None, "rows"),
    )  # fmt: skip
    np.testing.assert_array_equal(jax.jit(samples)(x, w, b), wanted)


def shard_mapped(**named: Any) -> Any:
    spec = P(None, None, "rows")
    mapped = jax.shard_map(
        partial(tconv.sharded.conv_transpose, **named),
        mesh=mesh_of(2), in_specs=(spec, P()), out_specs=spec,
    )  # fmt: skip
    return jax.eval_shape(mapped, np.ones((1, 2, 8)), np.ones((2, 1, 3)))


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ({"mesh_axes": {"W": "columns"}},
         r"mesh_axes: must name axes of the mesh .* got 'W': 'columns'\. Call it inside"),
        ({"mesh_axes": {"H": "rows"}}, r"mesh_axes: its keys must be among .*, W, and I; got 'H'"),
        ({"mesh_axes": {"W": "rows"}, "stride": 2, "padding": 1},
         r"output size, axis W: must be divisible by the 2 devices along it; got 15\. Make it 16, "
         r"with a high side of padding of 0, or 14, with 2\."),
        ({"mesh_axes": {"W": "rows", "I": "rows"}, "groups": 2, "stride": 2,
          "padding": 1, "output_padding": 1}, r"mesh_axes: I is summed over"),
        ({"mesh_axes": {"W": "rows"}, "stride": 0}, r"stride, .*must be at least 1"),
    ],
)  # fmt: skip
def test_mistakes_are_named(named: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        shard_mapped(**named)


def test_the_sizes_that_the_remedy_names_divide() -> None:
    for hi, size in ((0, 16), (2, 14)):
        y = shard_mapped(mesh_axes={"W": "rows"}, stride=2, padding=[(1, hi)])
        assert y.shape == (1, 1, size)


def test_outside_of_a_mesh_the_axis_is_not_there() -> None:
    with pytest.raises(ValueError, match="mesh_axes: must name axes of the mesh"):
        tconv.sharded.conv(jnp.ones((1, 1, 4)), jnp.ones((1, 1, 3)), mesh_axes={"W": "rows"})
