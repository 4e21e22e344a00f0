"""The text of every refusal of the convolutions: argument, axis, rule, what was received, and
the remedy."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import tconv
from tests.convolution.refusals import FOREIGN, REFUSALS, W_SHAPE, X_SHAPE, Refusal, zeros


def calls(refusals):
    return [
        pytest.param(function, refusal, id=f"{function}-{refusal.start}{refusal.received}"[:80])
        for refusal in refusals
        for function in refusal.functions
    ]


def arguments(refusal: Refusal) -> dict[str, Any]:
    return {"x": zeros(*X_SHAPE), "w": zeros(*W_SHAPE), **refusal.change}


def check(refusal: Refusal, call) -> None:
    with pytest.raises(refusal.error) as caught:
        call()
    message = str(caught.value)
    rule, got, tail = message.partition("; got ")
    assert got, message
    assert rule.startswith(refusal.start), message
    assert refusal.rule in rule, message
    _, found, remedy = tail.partition(refusal.received)
    assert found, message
    assert refusal.remedy in remedy, message
    assert message.endswith("."), message


@pytest.mark.parametrize(("function", "refusal"), calls(REFUSALS + FOREIGN))
def test_numpy_refusal(function, refusal):
    check(refusal, lambda: getattr(tconv, function)(**arguments(refusal)))


@pytest.mark.parametrize(("function", "refusal"), calls(REFUSALS))
def test_jax_refusal(function, refusal):
    named = {
        name: jnp.asarray(value) if isinstance(value, np.ndarray) else value
        for name, value in arguments(refusal).items()
    }
    check(refusal, lambda: getattr(tconv, function)(**named))


@pytest.mark.parametrize(("function", "refusal"), calls(FOREIGN))
def test_foreign_operand_beside_jax_arrays(function, refusal):
    named = {"x": jnp.zeros(X_SHAPE), "w": jnp.zeros(W_SHAPE), **refusal.change}
    check(refusal, lambda: getattr(tconv, function)(**named))


@pytest.mark.parametrize(("function", "refusal"), calls(REFUSALS))
def test_refused_before_any_array_work(function, refusal):
    """A batch of 2**40 is a view of one element: any work on it would end in MemoryError."""
    named = arguments(refusal)
    if named["x"].ndim == 4:
        named["x"] = np.broadcast_to(named["x"][:1], (2**40, *named["x"].shape[1:]))
    with pytest.raises(refusal.error, match=f"^{refusal.start}"):
        getattr(tconv, function)(**named)


@pytest.mark.parametrize("vjp", ["conv_transpose_vjp", "conv_vjp"])
@pytest.mark.parametrize("wrong", [{"stride": 0}, {"x": zeros(2, 5, 5, 6)}, {"x": [1.0]}])
def test_vjp_refuses_what_the_call_refuses(vjp, wrong):
    texts = []
    for name in (vjp, vjp.removesuffix("_vjp")):
        with pytest.raises((ValueError, TypeError)) as caught:
            getattr(tconv, name)(**{"x": zeros(*X_SHAPE), "w": zeros(*W_SHAPE), **wrong})
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("asarray", [np.asarray, jnp.asarray])
@pytest.mark.parametrize("vjp", ["conv_transpose_vjp", "conv_vjp"])
def test_pullback_refuses_a_cotangent_of_another_shape(vjp, asarray):
    y, pullback = getattr(tconv, vjp)(asarray(zeros(*X_SHAPE)), asarray(zeros(*W_SHAPE)))
    with pytest.raises(ValueError, match=r"^cotangent: .* \(2, 4, \d, \d\); got shape \(2, 4\)"):
        pullback(asarray(zeros(2, 4)))
    with pytest.raises(TypeError, match=r"^cotangent: must be a numpy.ndarray or a jax.Array"):
        pullback(y.tolist())
    with pytest.raises(TypeError, match=r"^cotangent: dtype must be"):
        pullback(asarray(np.zeros(y.shape, bool)))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", ["conv_transpose", "conv"])
def test_numbered_functions_refuse_weights_of_other_axes(name, axes):
    function = getattr(tconv, f"{name}{axes}d")
    x, w = zeros(1, 1, *[3] * (axes + 1)), zeros(1, 1, *[2] * (axes + 1))
    with pytest.raises(ValueError, match=rf"^w: must have {axes + 2} axes.*got shape \(1, 1, 2"):
        function(x, w)
    with pytest.raises(TypeError, match=r"^w: must be a numpy.ndarray"):
        function(x, w.tolist())


FUNCTIONS = [
    *("conv_transpose", "conv_transpose_vjp", "conv", "conv_vjp"),
    *(f"{name}{axes}d" for name in ("conv_transpose", "conv") for axes in (1, 2, 3)),
]


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("weight", "Write w"),
        ("kernel", "Write w"),
        ("bias", "Write b"),
        ("strides", "Write stride"),
        ("rhs_dilation", "Write dilation"),
        ("feature_group_count", "Write groups"),
        ("data_format", "Write dimension_numbers=('NHWC', 'HWIO', 'NHWC'), for example"),
        ("banana", "Its arguments are x, w, b, "),
    ],
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_keywords_of_other_libraries(name, word, remedy):
    """Also in place of w, which is then missing."""
    with pytest.raises(TypeError) as caught:
        getattr(tconv, name)(zeros(*X_SHAPE), **{word: 1})
    assert str(caught.value).startswith(f"{word}: {name} has no such argument; got it as a keyword")
    assert remedy in str(caught.value)


def test_what_replaces_an_output_shape():
    """``output_size``, which a convolution does not have."""
    for name, remedy in (("conv_transpose", "Write output_size."), ("conv", "Its arguments are")):
        with pytest.raises(TypeError, match=remedy):
            getattr(tconv, name)(zeros(*X_SHAPE), zeros(*W_SHAPE), output_shape=(5, 6))


@pytest.mark.parametrize("name", ["conv_transpose", "conv_transpose_vjp", "conv", "conv_vjp"])
def test_a_positional_stride(name):
    with pytest.raises(TypeError, match=rf"^{name}: takes x, w, b by position .*; got 4 posi") as e:
        getattr(tconv, name)(zeros(*X_SHAPE), zeros(*W_SHAPE), None, (2, 1))
    assert f"Write stride=(2, 1), or take {name.removesuffix('_vjp')}1d" in str(e.value)


def test_too_many_positions():
    with pytest.raises(TypeError, match=r"^conv2d: takes .*; got 8 positional .* Name the others"):
        tconv.conv2d(zeros(*X_SHAPE), zeros(*W_SHAPE), None, 1, 0, 1, 1, None)


def test_a_missing_operand_is_pythons_own_error():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'w'"):
        tconv.conv_transpose(zeros(*X_SHAPE))


def test_a_traced_parameter_is_refused():
    """Under jit a stride must be a Python int, not a value that is not known yet."""
    with pytest.raises(TypeError, match=r"^stride: .*under jax.jit it must be static\."):
        jax.jit(lambda x, w, stride: tconv.conv_transpose(x, w, stride=stride))(
            jnp.zeros(X_SHAPE), jnp.zeros(W_SHAPE), 2
        )


def test_jax_keys_are_no_operands():
    with pytest.raises(TypeError, match=r"^x: dtype must be a float .*; got key<"):
        tconv.conv_transpose(jax.random.key(0).reshape(1, 1, 1), jnp.zeros((1, 1, 1)))
