"""The two operators: values, shapes, transposes and adjoints, over the whole space."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from dataclasses import FrozenInstanceError, replace

import jax
import numpy as np
import pytest
from hypothesis import given

import tconv
from tconv.operators import Conv, ConvTranspose
from tests.operators.problems import KINDS, bounded_problems, conv_of, operator_of
from tests.support.computing import BACKENDS, cheap, compiled, compute

EACH = pytest.mark.parametrize("kind", KINDS)
W = np.arange(1.0, 37).reshape(4, 1, 3, 3)
BOUNDED = {"stride": 2, "padding": 1, "groups": 2, "padding_mode": ("circular", "reflect")}


@pytest.mark.parametrize("backend", BACKENDS)
@EACH
def test_values_and_adjoint_are_exact(kind, backend):
    """The convolution of either is that of the definition; with it <A x, y> == <x, A^T y>."""

    @(cheap if backend == "numpy" else compiled)
    @given(bounded_problems(kind, dtypes=("int64",)))
    def check(drawn):
        problem, modes = drawn
        x, w, _ = problem.arrays()
        y = problem.cotangent()

        def every(x, w, y):
            operator = operator_of(problem, modes, w)
            return operator @ x, operator.rmatvec(y), operator.T @ y, operator.gram @ x

        there, back, transposed, normal = compute(backend, every, x, w, y)
        assert there.shape == y.shape
        assert back.shape == x.shape
        expected = conv_of(problem, modes, y if problem.transposed else x, w)
        np.testing.assert_array_equal(back if problem.transposed else there, expected.astype(int))
        assert int(np.vdot(there, y)) == int(np.vdot(x, back))
        np.testing.assert_array_equal(transposed, back)
        operator = operator_of(problem, modes, w)
        np.testing.assert_array_equal(operator.rmatvec(there), normal)
        assert (operator.dims, operator.dimsd) == (x.shape, y.shape)
        assert operator.shape == (y.size, x.size)
        assert operator == operator.T.T
        assert hash(operator) == hash(operator.T.T)
        assert operator.H == operator.T

    check()


@EACH
def test_flat_vectors_and_stacks_of_them(kind):
    @cheap
    @given(bounded_problems(kind, dtypes=("int64",)))
    def check(drawn):
        problem, modes = drawn
        operator = operator_of(problem, modes, problem.arrays()[1])
        rng = np.random.default_rng(problem.seed)
        stack = rng.integers(-9, 10, (operator.shape[1], 3))
        images = operator @ stack
        assert images.shape == (operator.shape[0], 3)
        np.testing.assert_array_equal(images, operator.matmat(stack))
        for column, image in zip(stack.T, images.T, strict=True):
            np.testing.assert_array_equal(operator @ column, image)
            shaped = operator.matvec(column.reshape(operator.dims))
            np.testing.assert_array_equal(shaped.reshape(-1), image)
        back = operator.rmatmat(images)
        np.testing.assert_array_equal(back, operator.gram @ stack)
        np.testing.assert_array_equal(back[:, 1], operator.rmatvec(images[:, 1]))

    check()


def test_an_array_of_dims_is_an_array_where_it_could_be_a_column():
    operator = Conv(np.array([[[1, 2, 3]], [[4, 5, 6]]]), 1, padding=1)
    x = np.array([[7]])
    assert operator.dims == (1, 1)
    np.testing.assert_array_equal(operator @ x, [[14], [35]])  # dimsd, and a column as well
    wide = Conv(np.array([[[1, 2, 3]]]), 1, padding=2)
    np.testing.assert_array_equal(wide @ x, [[21, 14, 7]])
    np.testing.assert_array_equal(wide.matmat(x), [[21], [14], [7]])


@EACH
def test_complex_weights(kind):
    """<A x, y> == <x, A^H y>, and the transpose without a conjugate; exact in small integers."""
    rng = np.random.default_rng(0)

    def draw(shape):
        return rng.integers(-9, 10, shape) + 1j * rng.integers(-9, 10, shape)

    operator = KINDS[kind](draw((4, 2, 3, 3)), (8, 7), batch=3, **BOUNDED)
    x, y = draw(operator.dims), draw(operator.dimsd)
    assert np.vdot(operator @ x, y) == np.vdot(x, operator.rmatvec(y))
    assert np.sum((operator @ x) * y) == np.sum(x * (operator.T @ y))
    np.testing.assert_array_equal(operator.H @ y, operator.rmatvec(y))
    assert operator.H != operator.T
    assert operator == operator.H.H
    assert operator.H.T == operator.T.H
    gram, z = operator.gram, draw(operator.dims)
    assert gram.H == gram == gram.T.T != gram.T
    np.testing.assert_array_equal(gram @ x, operator.rmatvec(operator @ x))
    np.testing.assert_array_equal(gram @ x, gram.rmatvec(x))
    assert np.sum((gram @ x) * z) == np.sum(x * (gram.T @ z))


@pytest.mark.parametrize("dtype", ["int64", "complex128"])
@pytest.mark.parametrize(
    ("shape", "size", "named"),
    [
        ((8, 1, 3), 7, {"padding": 1}),
        ((8, 1, 3), 4, {"padding": [(4, 0)], "dilation": 2, "batch": (2, 3)}),
        ((6, 2, 3, 2), (5, 6), {"padding": [(1, 1), (0, 1)], "batch": 2}),
        ((9, 2, 2, 3), (5, 6), {"padding": [(1, 0), (1, 1)], "groups": 3}),
        ((4, 1, 5), 3, {"padding": 2}),  # taps that wrap round
    ],
)
def test_the_normal_operator_in_one_pass(dtype, shape, size, named):
    """A convolution with the autocorrelation; exact, as small integers are."""
    rng = np.random.default_rng(0)

    def draw(shape):
        values = rng.integers(-9, 10, shape).astype(dtype)
        return values + 1j * rng.integers(-9, 10, shape) if dtype == "complex128" else values

    operator = Conv(draw(shape), size, padding_mode="circular", **named)
    one = operator.gram_in_one_pass()
    assert one.dims == one.dimsd == operator.dims
    x = draw(operator.dims)
    both = operator.rmatvec(operator @ x)
    np.testing.assert_array_equal(one @ x, both)
    np.testing.assert_array_equal(operator.gram @ x, both)
    on_jax = jax.device_put(operator).gram @ x
    np.testing.assert_array_equal(on_jax, both)


def test_the_normal_operator_in_two_passes():
    """Where the kernel's autocorrelation has more taps, and where it is another map."""
    w, named = np.ones((2, 1, 3, 3)), {"padding": 1, "padding_mode": "circular"}
    assert Conv(w, (5, 6), **named).gram_in_one_pass() is not None
    others = [
        Conv(w[:1], (5, 6), **named),
        Conv(w, (5, 6), padding=1),
        Conv(w, (5, 6), **named, stride=2),
        Conv(w, (5, 6), padding_mode="circular"),
        Conv(w.astype("float16"), (5, 6), **named),
        jax.device_put(Conv(w, (5, 6), **named)),
        ConvTranspose(w, (5, 6), **named),
    ]
    assert [other.gram_in_one_pass() for other in others] == [None] * len(others)
    # kernels of 3 taps have an autocorrelation of 5, for which two passes have 6
    for shape, one in [((5, 5, 3), True), ((5, 6, 3), False), ((6, 7, 3), True)]:
        assert (Conv(np.ones(shape), 9, **named).gram_in_one_pass() is not None) == one


@pytest.mark.parametrize("backend", BACKENDS)
def test_linear_over_batches_of_any_shape(backend):
    rng = np.random.default_rng(0)
    for batch in ((), 2, (2, 3), (2, 0), (1, 2, 2)):

        def every(x, w, batch=batch):
            operator = Conv(w, (5, 6), batch=batch, **BOUNDED)
            return operator @ x, operator.rmatvec(operator @ x)

        lead = batch if isinstance(batch, tuple) else (batch,)
        x, z = (rng.integers(-9, 10, (*lead, 2, 5, 6)) for _ in range(2))
        w = W.astype(int)
        (y, back), (y_z, _), (both, _) = (
            compute(backend, every, each, w) for each in (x, z, 3 * x - z)
        )
        single = tconv.conv(x.reshape(-1, 2, 5, 6), w, **BOUNDED)
        np.testing.assert_array_equal(y, single.reshape(*lead, *single.shape[1:]))
        np.testing.assert_array_equal(both, 3 * y - y_z)
        assert back.shape == x.shape


def test_the_transpose_comes_back_to_sizes_that_the_stride_does_not_divide():
    for size in range(3, 12):
        operator = Conv(np.ones((1, 1, 3)), size, stride=4)
        assert operator.T.dimsd == operator.dims == (1, size)
        assert operator.rmatvec(np.ones(operator.dimsd)).shape == (1, size)


def test_output_padding_above_the_stride():
    """Allowed below the dilation; the transpose is still exact, and its transpose the operator."""
    w, x, y = np.array([[[1, 2]]]), np.arange(1, 4).reshape(1, 3), np.arange(1, 11).reshape(1, 10)
    operator = ConvTranspose(w, 3, stride=2, dilation=4, output_padding=3, padding=1)
    plain = tconv.conv_transpose(x, w, stride=2, dilation=4, output_padding=3, padding=1)
    np.testing.assert_array_equal(operator @ x, plain)
    y = np.arange(plain.size).reshape(plain.shape)
    assert np.vdot(plain, y) == np.vdot(x, operator.T @ y)
    assert operator == operator.T.T
    assert operator == ConvTranspose(w, 3, stride=2, dilation=4, output_size=10, padding=1)


def test_a_size_that_no_output_padding_of_zero_gives():
    """The full crop would leave nothing; the size that is asked for leaves one position."""
    operator = ConvTranspose(np.array([[[1, 2]]]), 1, stride=3, padding=1, output_size=1)
    assert (operator.output_padding, operator.dimsd) == ((1,), (1, 1))
    np.testing.assert_array_equal(operator @ np.array([5]), [10])
    assert operator == operator.T.T


def test_padding_by_name_is_that_of_the_functions():
    x = np.arange(30.0).reshape(1, 5, 6)
    for padding in ("valid", "same", "same_lower"):
        operator = Conv(W[:, :, :2], (5, 6), padding=padding, stride=2)
        expected = tconv.conv(x, W[:, :, :2], padding=padding, stride=2)
        np.testing.assert_array_equal(operator @ x, expected)
        assert operator == operator.T.T
    for padding in ("same", "same_lower"):
        operator = ConvTranspose(W[:1], (5, 6), padding=padding, stride=(2, 4))
        expected = tconv.conv_transpose(x, W[:1], padding=padding, stride=(2, 4))
        np.testing.assert_array_equal(operator @ x, expected)
        assert operator == operator.T.T


def test_frozen_and_equal_by_value():
    w = W.copy()
    operator = Conv(w, (5, 6), **BOUNDED)
    w[:] = 0
    assert operator == Conv(W, [5, 6], **BOUNDED) == copy.deepcopy(operator)
    assert operator == pickle.loads(pickle.dumps(operator)) == replace(operator, batch=())
    assert hash(operator) == hash(Conv(W, (5, 6), **BOUNDED))
    batched = replace(operator.T, batch=3)
    assert any(batched.output_padding)
    assert batched == replace(operator, batch=3).T
    with pytest.raises(
        ValueError, match="output_padding, spatial axis 1: follows from output_size"
    ):
        replace(operator.T, output_size=(5, 5))
    others = [
        Conv(W + 1, (5, 6), **BOUNDED),
        Conv(W.astype("float32"), (5, 6), **BOUNDED),
        Conv(W, (5, 7), **BOUNDED),
        replace(operator, batch=1),
        replace(operator, padding_mode="zeros"),
        operator.T,
        operator.gram,
        "a string",
    ]
    assert operator not in others
    assert len({operator, operator.T.T, *others}) == 1 + len(others)
    with pytest.raises(FrozenInstanceError):
        operator.stride = 1
    with pytest.raises(ValueError, match="read-only"):
        operator.w[:] = 1
    assert not operator.T.w.flags.writeable
    assert not Conv(W * 1j, (5, 6), **BOUNDED).H.w.flags.writeable


def test_its_text_says_what_differs_from_the_defaults():
    assert repr(Conv(W, (5, 6), batch=2, **BOUNDED)) == (
        "Conv(w=float64[4, 1, 3, 3], input_size=(5, 6), batch=2, stride=2, padding=1, groups=2, "
        "padding_mode=('circular', 'reflect'))"
    )
    transposed = ConvTranspose(W, 4, stride=(1, 2), padding=[(0, 1), (2, 1)], output_padding=(0, 1))
    assert repr(transposed.gram) == (
        "Gram(A=ConvTranspose(w=float64[4, 1, 3, 3], input_size=(4, 4), stride=(1, 2), "
        "padding=((0, 1), (2, 1)), output_padding=(0, 1)))"
    )


@pytest.mark.parametrize("apply", ["matvec", "rmatvec"])
def test_memory_stays_bounded(apply):
    """Beyond the result: what a call of the functions may take, and no copy of the image."""
    operator = Conv(np.ones((2, 2, 5, 5), "float32"), (1024, 1024), batch=(2, 4), stride=2,
                    padding=2, padding_mode="reflect")  # fmt: skip
    shape = operator.dims if apply == "matvec" else operator.dimsd
    operand = np.ones(shape, "float32").reshape(-1)
    getattr(operator, apply)(operand)
    tracemalloc.start()
    result = getattr(operator, apply)(operand)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= result.nbytes + 48 * 2**20


OPERATOR = Conv(W, (5, 6), batch=2, groups=2)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: OPERATOR @ np.ones(7),
         r"x: must be a flat vector of 120 elements or an array of shape \(2, 2, 5, 6\); got shape "
         r"\(7,\)\. Reshape it, or make the operator for such arrays\."),
        (lambda: OPERATOR @ np.ones((2, 2, 5, 7)),
         r"x: axis 3 must have 6 entries, as in \(2, 2, 5, 6\); got 7 in shape \(2, 2, 5, 7\)\."),
        (lambda: OPERATOR.rmatvec(np.ones((2, 2, 3, 4))),
         r"y: axis 1 must have 4 entries, as in \(2, 4, 3, 4\); got 2 in shape"),
        (lambda: OPERATOR @ np.ones((7, 2)),
         r"x: a stack of columns must have shape \(120, k\), 120 being the product of "
         r"\(2, 2, 5, 6\); got shape \(7, 2\)\. Reshape it"),
        (lambda: OPERATOR.rmatmat(np.ones(96)), r"y: a stack of columns must have shape \(96, k\)"),
        (lambda: Conv(W, (5, 6), batch=-1), r"batch: must hold sizes of at least 0; got \(-1,\)"),
        (lambda: Conv(W, (5, 0)), r"input_size, spatial axis 1: the input size must be at least 1"),
        (lambda: Conv(W, (5, 6, 7)), r"input_size: must be one value, or one for each of the 2"),
        (lambda: Conv(W, (5, 2)), r"output size, spatial axis 1: floor"),
        (lambda: Conv(W, (5, 6), groups=3), r"groups: must divide out_channels"),
        (lambda: Conv(W[0, 0], 5), r"w: must have two channel axes and at least one spatial axis"),
        (lambda: ConvTranspose(W[0], 5, padding=4, output_padding=2), r"output_padding, spatial"),
        (lambda: ConvTranspose(W, 5, output_size=99), r"output_size, spatial axis 0: with input"),
        (lambda: Conv(W, 5, padding_mode="wrap"), r"padding_mode: must be one of .* 'circular'"),
        (lambda: Conv(W, (5, 1), padding=1, padding_mode="reflect"),
         r"padding_mode, axis|padding_mode, spatial axis 1: 'reflect'"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, text):
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Conv([[[1.0]]], 3), r"w: must be a numpy\.ndarray or a jax\.Array; got .*list"),
        (lambda: OPERATOR @ [1.0], r"x: must be a numpy\.ndarray or a jax\.Array"),
        (lambda: OPERATOR.rmatvec(3.0), r"y: must be a numpy\.ndarray or a jax\.Array"),
        (lambda: OPERATOR @ OPERATOR.T, r"x: must be an array; got ConvTranspose\. Apply"),
        (lambda: np.ones(96) @ OPERATOR, r"unsupported operand type\(s\) for @: 'numpy.ndarray'"),
        (lambda: Conv(W, (5, 6), batch=1.5), r"batch: must be an int or a tuple of ints"),
        (lambda: hash(Conv(jax.numpy.ones((1, 1, 3)), 5)),
         r"Conv: is hashable where its weight is a numpy\.ndarray; .* as it is a pytree"),
    ],
)  # fmt: skip
def test_other_types_are_refused(call, text):
    with pytest.raises(TypeError, match=text):
        call()
