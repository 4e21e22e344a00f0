"""Functions of JAX: the pullback that is derived, and what each transformation brings to light."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tconv import conv, conv_transpose
from tconv.testing import CheckFailure, check_jax, check_vjp

pytestmark = pytest.mark.long

FEW = {"ndim": 1, "max_examples": 2, "nonfinite": ()}


def test_the_pullback_of_a_jax_function_is_derived():
    def function(x, w, b=None, **keywords):
        return conv_transpose(*map(jnp.asarray, (x, w)), _array(b), **keywords)

    def _array(b):
        return None if b is None else jnp.asarray(b)

    def every_ninth(problem):
        return problem.seed % 9 == 0

    summary = check_vjp(function, ndim=1, profile="table", supports=every_ninth)
    assert summary.properties["linear in dy"] >= 3


@jax.custom_vjp
def doubled_gradient(values):
    return values


doubled_gradient.defvjp(lambda values: (values, None), lambda _, dy: (2 * dy,))


def test_a_wrong_rule_of_differentiation_is_found_and_its_snippet_runs():
    def function(x, w, b=None, **keywords):
        return conv_transpose(doubled_gradient(jnp.asarray(x)), jnp.asarray(w), **keywords)

    with pytest.raises(CheckFailure) as caught:
        check_vjp(function, ndim=1, profile="table", supports=lambda p: not p.bias)
    assert caught.value.finding.result == "dx"
    assert "every element is 2 times" in caught.value.diagnosis.lower()
    names = {"fn": function}
    exec(caught.value.snippet, names)
    np.testing.assert_allclose(names["got"]["dx"], 2 * names["expected"]["dx"].value, rtol=1e-6)


@pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
def test_a_right_function_passes_every_transformation(kind):
    found = check_jax(conv_transpose if kind == "conv_transpose" else conv, kind=kind, **FEW)
    assert list(found) == ["jit", "vmap over x", "vmap over w", "grad"]
    assert {(summary.programs, summary.problems) for summary in found.values()} == {(2, 4)}


def wrong_under_vmap(over):
    @jax.custom_batching.custom_vmap
    def identity(values):
        return values

    @identity.def_vmap
    def mapped(size, batched, values):
        return jnp.roll(values, 1, axis=0), True

    def function(x, w, b=None, **keywords):
        operands = {"x": x, "w": w}
        operands[over] = identity(operands[over])
        return conv_transpose(operands["x"], operands["w"], b, **keywords)

    return function


def promotes(x, w, b=None, **keywords):
    return conv_transpose(x, w, b, **keywords) * jnp.ones((), jnp.float16)


def fails_on_tracers(x, w, b=None, **keywords):
    return conv_transpose(jnp.asarray(np.asarray(x)), w, b, **keywords)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (wrong_under_vmap("x"), r"jax.vmap\(.*\) over x is not a correct"),
        (wrong_under_vmap("w"), r"jax.vmap\(.*\) over w is not a correct"),
        (promotes, r"jax.jit\(promotes\) is not (.|\n)*TypePromotionError"),
        (fails_on_tracers, r"jax.jit\(fails_on_tracers\) is not (.|\n)*TracerArrayConversion"),
    ],
)
def test_what_a_transformation_brings_to_light_is_named(function, message):
    with pytest.raises(CheckFailure, match=message):
        check_jax(function, **FEW)


def test_a_partial_function_has_its_name():
    fixed = partial(promotes)
    with pytest.raises(CheckFailure, match=r"jax.jit\(promotes\)"):
        check_jax(fixed, **FEW)
