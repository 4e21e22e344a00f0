"""Streams: the pieces of any cuts, joined, are the whole call; one compilation a size of chunks."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv.streaming import ConvStream, ConvTransposeStream
from tconv.testing import reference
from tconv.testing.measures import error_bound
from tconv.testing.strategies import conv_problems, conv_transpose_problems
from tests.support.computing import cheap

STREAMS = {"conv_transpose": ConvTransposeStream, "conv": ConvStream}
PROBLEMS = {"conv_transpose": conv_transpose_problems, "conv": conv_problems}
KINDS = pytest.mark.parametrize("kind", STREAMS)


def parameters_of(problem):
    """Those of a stream of this problem; its output padding is part of the high side."""
    added = problem.output_padding if problem.kind == "conv_transpose" else (0,) * problem.ndim
    padding = [(lo, hi - more) for (lo, hi), more in zip(problem.padding, added, strict=True)]
    return {"stride": problem.stride, "dilation": problem.dilation, "groups": problem.groups,
            "padding": padding}  # fmt: skip


def pieces_of(stream, x, cuts, state=None):
    """The outputs of chunks that end at these cuts, and of the flush."""
    state = stream.init(x.shape[0], size=x.shape[3:], dtype=x.dtype) if state is None else state
    pieces = []
    for start, stop in pairwise([0, *cuts, x.shape[2]]):
        state, y = stream.step(state, x[:, :, start:stop])
        pieces.append(y)
    return [*pieces, stream.flush(state)]


def joined(stream, x, cuts):
    return np.concatenate(pieces_of(stream, x, cuts), axis=2)[:, :, stream.delay :]


@st.composite
def cut_signals(draw, kind, **options):
    """A problem whose first axis is whole strides, and places to cut it at, doubles included."""
    problem = draw(PROBLEMS[kind](batch=(1, 2), **options))
    step = problem.stride[0] if kind == "conv" else 1
    if problem.input_size[0] % step:
        size = -(-problem.input_size[0] // step) * step
        problem = type(problem)(**{
            **{name: getattr(problem, name) for name in problem.__dataclass_fields__},
            "input_size": (size, *problem.input_size[1:]),
        })  # fmt: skip
    marks = st.lists(st.integers(0, problem.input_size[0] // step), max_size=4)
    return problem, [step * mark for mark in sorted(draw(marks))]


@KINDS
def test_pieces_joined_are_the_whole_call_exactly(kind):
    @cheap
    @given(cut_signals(kind, dtypes=("int32", "int64")))
    def check(drawn):
        problem, cuts = drawn
        x, w, b = problem.arrays()
        stream = STREAMS[kind](w, b, **parameters_of(problem))
        whole = getattr(tconv, kind)(x, w, b, **problem.keywords)
        np.testing.assert_array_equal(joined(stream, x, cuts), whole, strict=True)

    check()


@KINDS
def test_pieces_joined_keep_the_bound(kind):
    @given(cut_signals(kind, dtypes=("float16", "float32", "float64", "complex64")))
    def check(drawn):
        problem, cuts = drawn
        x, w, b = problem.arrays()
        y = joined(STREAMS[kind](w, b, **parameters_of(problem)), x, cuts)
        named = problem.keywords
        expected = getattr(reference, kind)(x, w, b, **named)
        scale = getattr(reference, kind)(*[None if a is None else np.abs(a) for a in (x, w, b)],
                                         **named)  # fmt: skip
        bound = error_bound(problem.dtype, problem.accumulation_length, scale, expected)
        assert y.dtype == problem.dtype
        assert (np.abs(y - expected) <= bound).all()

    check()


@KINDS
def test_every_step_gives_as_many_outputs_and_the_flush_its_tail(kind):
    @given(cut_signals(kind, dtypes=("int32",)))
    def check(drawn):
        problem, cuts = drawn
        x, w, b = problem.arrays()
        stream = STREAMS[kind](w, b, **parameters_of(problem))
        *steps, last = [piece.shape[2] for piece in pieces_of(stream, x, cuts)]
        lengths = np.diff([0, *cuts, problem.input_size[0]])
        stride = problem.stride[0]
        wanted = lengths * stride if kind == "conv_transpose" else lengths // stride
        assert steps == wanted.tolist()
        assert last == stream.tail

    check()


@given(
    cut_signals("conv_transpose", dtypes=("int64",), ndim=1),
    st.integers(1, 4), st.integers(1, 3), st.integers(0, 3), st.integers(0, 5), st.integers(-2, 5),
    st.booleans(),
)  # fmt: skip
def test_streams_behind_each_other(drawn, kernel, dilation, lo, hi, offset, up):
    """The delay of the first is the input delay of the second, whatever lies between them: here a
    map that takes zero to something else."""
    problem, cuts = drawn
    x, w, b = problem.arrays()
    first = ConvTransposeStream(w, b, **parameters_of(problem))
    between = tconv.conv_transpose(x, w, b, **problem.keywords) + offset
    second_w = np.arange(1, 1 + problem.out_channels * kernel).reshape(problem.out_channels, 1, -1)
    named = {"padding": [(lo, hi)], "dilation": dilation}
    if up:
        named["stride"], apply, kind = 2, tconv.conv_transpose, ConvTransposeStream
    else:
        second_w, apply, kind = np.moveaxis(second_w, 1, 0), tconv.conv, ConvStream
    second = kind(second_w, **named, input_delay=first.delay)
    try:
        whole = apply(between, second_w, **named)
    except ValueError:  # the padding leaves nothing
        return
    state, found = second.init(x.shape[0]), []
    for piece in pieces_of(first, x, cuts):
        state, y = second.step(state, piece + offset)
        found.append(y)
    found = np.concatenate([*found, second.flush(state)], axis=2)[:, :, second.delay :]
    np.testing.assert_array_equal(found, whole)


def test_a_causal_stream_has_no_delay_and_no_tail():
    for kernel, stride, dilation in ((16, 8, 1), (3, 1, 2), (5, 2, 1), (3, 2, 3)):
        waiting = dilation * (kernel - 1) + 1 - stride
        numbers = {"stride": stride, "dilation": dilation}
        up = ConvTransposeStream(np.ones((1, 1, kernel)), padding=[(0, waiting)], **numbers)
        down = ConvStream(np.ones((1, 1, kernel)), padding=[(waiting, 0)], **numbers)
        assert (up.delay, up.tail, down.delay, down.tail) == (0, 0, 0, 0)


@pytest.fixture(scope="module")
def decoder():
    """A stream of JAX arrays, its signal, and the whole call."""
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape) for shape in ((2, 3, 24), (3, 2, 8), (2,)))
    named = {"stride": 4, "padding": 2}
    whole = tconv.conv_transpose(x, w, b, **named)
    return ConvTransposeStream(*jax.device_put((w, b)), **named), x, whole


def test_scan_over_equal_chunks(decoder):
    stream, x, whole = decoder
    chunks = jax.device_put(np.stack(np.split(x, 6, axis=2)))
    state, ys = jax.jit(partial(jax.lax.scan, stream.step))(stream.init(2), chunks)
    found = np.concatenate([*np.asarray(ys), stream.flush(state)], axis=2)[..., stream.delay :]
    np.testing.assert_allclose(found, whole, rtol=1e-13, atol=1e-13)


def test_one_compilation_for_each_size_of_chunks(decoder):
    stream, x, whole = decoder
    delayed = ConvTransposeStream(stream.w, stream.b, stride=4, padding=2, input_delay=5)
    x = np.concatenate((np.full((2, 3, 5), np.nan), x), axis=2)  # before the signal
    step = jax.jit(delayed.step)
    state, pieces = jax.device_put(delayed.init(2)), []
    for start, stop in pairwise((0, 4, 8, 15, 19, 23, 29)):
        state, y = step(state, jax.device_put(x[..., start:stop]))
        pieces.append(y)
    assert step._cache_size() == 3  # of 4, 7 and 6
    assert delayed.delay == stream.delay + 5 * 4
    found = np.concatenate([*pieces, jax.jit(delayed.flush)(state)], axis=2)[..., delayed.delay :]
    np.testing.assert_allclose(found, whole, rtol=1e-13, atol=1e-13)


def test_gradients_through_a_stream(decoder):
    """A stream made of traced weights; the state carries the gradient from chunk to chunk."""
    stream, x, _ = decoder
    x, w = jax.device_put(x[..., :8]), stream.w

    def streamed(x, w):
        made = ConvTransposeStream(w, stride=4, padding=2)
        pieces = pieces_of(made, x, (4,))
        return jnp.sum(jnp.concatenate(pieces, axis=2)[..., made.delay :] ** 2)

    def direct(x, w):
        return jnp.sum(tconv.conv_transpose(x, w, stride=4, padding=2) ** 2)

    for got, wanted in zip(*(jax.jit(jax.grad(function, (0, 1)))(x, w)
                             for function in (streamed, direct)), strict=True):  # fmt: skip
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


def test_steps_are_pure(decoder):
    stream = ConvTransposeStream(np.asarray(decoder[0].w), stride=4)
    x = decoder[1]
    state, _ = stream.step(stream.init(2), x)
    kept = state.inputs.copy()
    results = [stream.step(state, x)[1] for _ in range(2)]
    np.testing.assert_array_equal(*results)
    np.testing.assert_array_equal(state.inputs, kept)


W = np.ones((2, 3, 4))
DOWN = ConvStream(W, stride=3)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda s: s.step(ConvStream(W).init(1), np.ones((1, 2, 4))),
         r"state: must be of this stream, with inputs of 3 axes, 2 channels and 1 positions; got "
         r"inputs of shape \(1, 3, 3\)\. Take the one that init"),
        (lambda s: s.flush(np.ones(3)), r"state: must be of this stream"),
        (lambda s: s.step(s.init(1), np.ones((2, 2, 4))),
         r"x: must have the shape of the state's inputs \(1, 2, 1\) but for its length; got shape "
         r"\(2, 2, 4\)\. Make the state with init"),
        (lambda s: s.step(s.init(1), np.ones((2, 4))), r"x: must have the shape of the state's"),
        (lambda s: s.step(s.init(1), np.ones((1, 2, 4), "float32")),
         r"x: must have the state's dtype, float64; got float32\. Make .*dtype=x\.dtype"),
        (lambda s: s.init(1, size=(3,)), r"size: must hold one int for each of the 0 axes"),
        (lambda s: ConvTransposeStream(W[0]), r"w: must have two channel axes"),
        (lambda s: ConvTransposeStream(W, stride=0), r"stride, spatial axis 0: must be at least 1"),
        (lambda s: ConvTransposeStream(W, input_delay=-1), r"input_delay: must be at least 0"),
        (lambda s: DOWN.step(DOWN.init(1), np.ones((1, 3, 4))),
         r"x: a chunk must be whole strides of 3, .* got length 4\. Keep the rest"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, text):
    with pytest.raises(ValueError, match=text):
        call(ConvTransposeStream(W, stride=2, padding=1))


def test_other_arrays_are_refused():
    with pytest.raises(TypeError, match=r"x: must be a numpy\.ndarray or a jax\.Array"):
        DOWN.step(DOWN.init(1), [[[1.0, 2.0]]])
