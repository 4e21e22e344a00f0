"""Other platforms and symbolic sizes: what is decided when a program is lowered or exported."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import tconv
from tests._jax.problems import PLAIN, Problem, assert_close, both_problems, loss


def symbolic(problem: Problem) -> tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]:
    """x with a symbolic batch and symbolic spatial sizes, and w."""
    x, w = problem.operands()
    names = ", ".join(["batch", *(f"n{axis}" for axis in range(x.ndim - 2))])
    batch, *spatial = export.symbolic_shape(names)
    return (
        jax.ShapeDtypeStruct((batch, x.shape[1], *spatial), x.dtype),
        jax.ShapeDtypeStruct(w.shape, w.dtype),
    )


def other_operands(problem: Problem) -> tuple[jax.Array, jax.Array]:
    """Operands of sizes unlike those of the problem."""
    x, w = problem.operands()
    x = jnp.concatenate([x, x[:1]])
    return jnp.pad(x, [(0, 0), (0, 0), *[(1, 2)] * (x.ndim - 2)], constant_values=0.5), w


def round_trip(function, *specs):
    return export.deserialize(export.export(jax.jit(function))(*specs).serialize())


@both_problems
@pytest.mark.parametrize("method", ["auto", "col2im", "dilated", "subpixel", "matrix"])
def test_symbolic_batch_and_spatial_sizes(problem: Problem, method: str) -> None:
    exported = round_trip(partial(problem.apply, method=method), *symbolic(problem))
    for x, w in (problem.operands(), other_operands(problem)):
        assert_close(exported.call(x, w), problem.reference(x, w))


@both_problems
def test_symbolic_gradients(problem: Problem) -> None:
    exported = round_trip(jax.grad(partial(loss, problem.apply), (0, 1)), *symbolic(problem))
    x, w = other_operands(problem)
    want = jax.jit(jax.grad(partial(loss, problem.reference), (0, 1)))(x, w)
    assert_close(exported.call(x, w), want)


@both_problems
def test_symbolic_number_of_kernels(problem: Problem) -> None:
    """A map over kernels, or over pairs, whose number is symbolic."""
    (count,) = export.symbolic_shape("count")
    xs, ws = problem.operands(2)
    x_spec, w_spec = (
        jax.ShapeDtypeStruct((count, *array.shape[1:]), array.dtype) for array in (xs, ws)
    )
    want = jnp.stack([problem.reference(x, w) for x, w in zip(xs, ws, strict=True)])
    pairs = export.export(jax.jit(jax.vmap(problem.apply)))(x_spec, w_spec)
    assert_close(pairs.call(xs, ws), want)
    one_x = export.export(jax.jit(lambda ws: jax.vmap(problem.apply, (None, 0))(xs[0], ws)))(w_spec)
    assert_close(one_x.call(ws)[0], want[0])


@both_problems
def test_an_exported_function_is_differentiable(problem: Problem) -> None:
    specs = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in problem.operands()]
    exported = export.export(jax.jit(problem.apply))(*specs)
    restored = export.deserialize(exported.serialize(vjp_order=1))
    got = jax.jit(jax.grad(partial(loss, restored.call), (0, 1)))(*problem.operands())
    assert_close(got, problem.gradients())


@both_problems
def test_symbolic_convolution_is_the_adjoint(problem: Problem) -> None:
    """The adjoint identity of an exported convolution, integers padding alike on both sides."""
    arguments = {**problem.partner_keywords, "padding": 1}
    spec, w_spec = symbolic(problem)
    y_spec = jax.ShapeDtypeStruct(
        (spec.shape[0], problem.w_shape[1] * problem.groups, *(n + 12 for n in spec.shape[2:])),
        spec.dtype,
    )
    exported = round_trip(partial(tconv.conv, **arguments), y_spec, w_spec)
    x, w = other_operands(problem)
    y = jnp.cos(jnp.arange(x.shape[0] * y_spec.shape[1] * 14 ** (x.ndim - 2), dtype=x.dtype))
    y = y.reshape(x.shape[0], y_spec.shape[1], *[14] * (x.ndim - 2))
    got = exported.call(y, w)
    back = tconv.conv_transpose(got, w, output_size=y.shape[2:], **arguments)
    assert_close(jnp.vdot(back, y), jnp.vdot(got, got))
    assert_close(got, jax.jit(partial(tconv.conv, **arguments))(y, w))


@both_problems
@pytest.mark.parametrize("platform", ["cuda", "rocm", "tpu"])
def test_lowers_for_other_platforms(problem: Problem, platform: str) -> None:
    x, w = problem.operands()
    for function in (problem.apply, jax.grad(partial(loss, problem.apply), (0, 1))):
        lowered = jax.jit(function).trace(x, w).lower(lowering_platforms=(platform,))
        text = lowered.as_text()
        assert "stablehlo.convolution" in text or "stablehlo.dot_general" in text


def test_the_form_follows_the_platform_and_not_the_machine() -> None:
    """On this CPU: a program for CUDA holds the convolution, one for the CPU the GEMM."""
    traced = jax.jit(PLAIN.apply).trace(*PLAIN.operands())
    cpu, cuda = (
        traced.lower(lowering_platforms=(platform,)).as_text() for platform in ("cpu", "cuda")
    )
    assert "stablehlo.convolution" in cuda
    assert "stablehlo.convolution" not in cpu
    assert "stablehlo.dot_general" in cpu
    both = export.export(jax.jit(PLAIN.apply), platforms=("cpu", "cuda"))(*PLAIN.operands())
    assert "stablehlo.convolution" in both.mlir_module()
    assert "stablehlo.dot_general" in both.mlir_module()


@both_problems
def test_one_export_for_several_platforms(problem: Problem) -> None:
    function = jax.jit(jax.grad(partial(loss, problem.apply), (0, 1)))
    exported = export.export(function, platforms=("cpu", "cuda", "tpu"))(*symbolic(problem))
    assert exported.platforms == ("cpu", "cuda", "tpu")
    assert_close(exported.call(*problem.operands()), problem.gradients())


@both_problems
def test_symbolic_gradients_of_a_strided_convolution(problem: Problem) -> None:
    """Beside those of NumPy, which knows no symbols."""
    convolve = partial(tconv.conv, **{**problem.partner_keywords, "padding": 1})
    assert max(problem.stride) > 1
    spec, w_spec = symbolic(problem)
    channels = problem.w_shape[1] * problem.groups
    sizes = (size + 12 for size in spec.shape[2:])  # no smaller than the kernel
    y_spec = jax.ShapeDtypeStruct((spec.shape[0], channels, *sizes), spec.dtype)
    exported = round_trip(jax.grad(partial(loss, convolve), (0, 1)), y_spec, w_spec)
    rng = np.random.default_rng(0)
    w = rng.standard_normal(problem.w_shape)
    for size in (14, 15):
        y = rng.standard_normal((2, channels, *[size] * problem.ndim))
        value, pullback = tconv.conv_vjp(y, w, **convolve.keywords)
        want = tuple(map(jnp.asarray, pullback(np.cos(value))[:2]))
        assert_close(tuple(exported.call(jnp.asarray(y), jnp.asarray(w))), want)
