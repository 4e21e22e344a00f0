"""``jax.lax.conv_transpose`` by its own signature: its values, shapes, dtypes and refusals."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax

from tconv.compat.lax import conv_transpose
from tests.support.computing import cheap, compiled

# use_consistent_padding is in lax from JAX 0.9 on; Problem.lax asks it for none.
CONSISTENT = "use_consistent_padding" in inspect.signature(lax.conv_transpose).parameters


@dataclass(frozen=True)
class Problem:
    """One call on small integers, whose sums float32 holds exactly."""

    size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Any
    consistent: bool
    transpose_kernel: bool
    channels: tuple[int, int] = (3, 2)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(math.prod(self.size) + 7 * math.prod(self.kernel_size))
        inputs, outputs = self.channels
        channels = (outputs, inputs) if self.transpose_kernel else (inputs, outputs)
        x = rng.integers(-4, 5, (2, *self.size, inputs))
        w = rng.integers(-4, 5, (*self.kernel_size, *channels))
        return x.astype(np.float32), w.astype(np.float32)

    def ours(self, x: Any, w: Any) -> Any:
        options = {"use_consistent_padding": self.consistent, **self.options}
        return conv_transpose(x, w, self.strides, self.padding, self.dilation, **options)

    @property
    def options(self) -> dict[str, Any]:
        return {"transpose_kernel": self.transpose_kernel}

    def lax(self, x: Any, w: Any) -> Any:
        """``lax`` itself, negative paddings cut from what none gives: XLA on CPU reads outside
        of the image where a side that is cropped lies beside one that is padded."""
        if isinstance(self.padding, str):
            return lax.conv_transpose(
                x, w, self.strides, self.padding, self.dilation, **self.options
            )
        spans = [d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        pads = [
            (span - lo, span - hi) if self.consistent else (lo, hi)
            for span, (lo, hi) in zip(spans, self.padding, strict=True)
        ]
        whole = tuple((max(lo, 0), max(hi, 0)) for lo, hi in pads)
        y = lax.conv_transpose(x, w, self.strides, whole, self.dilation, **self.options)
        cut = [
            slice(max(-lo, 0), max(size - max(-hi, 0), 0))
            for (lo, hi), size in zip(pads, y.shape[1:-1], strict=True)
        ]
        return y[(slice(None), *cut)]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    axes = draw(st.sampled_from((1, 1, 1, 2)))

    def each(values: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(values) for _ in range(axes))

    pairs = st.tuples(st.integers(-2, 3), st.integers(-2, 3))
    padding = draw(st.sampled_from(("SAME", "VALID", None, None)))
    return Problem(
        size=each(st.integers(0, 4)),
        kernel_size=each(st.integers(1, 4)),
        strides=each(st.integers(1, 4)),
        dilation=each(st.integers(1, 3)),
        padding=padding or each(pairs),
        consistent=draw(st.booleans()),
        transpose_kernel=draw(st.booleans()),
    )


@compiled
@given(st.lists(problems(), min_size=1, max_size=6))
def test_values_are_lax_s_on_both_kinds_of_array(several):
    """A bundle compiles in one, for a fraction of what its problems cost alone."""
    operands = [problem.arrays() for problem in several]

    def every(pairs: Any) -> Any:
        both = list(zip(several, pairs, strict=True))
        return (
            [problem.lax(*pair) for problem, pair in both],
            [problem.ours(*pair) for problem, pair in both],
        )

    expected, traced = jax.jit(every)(jax.device_put(operands))
    for problem, pair, want, got in zip(several, operands, expected, traced, strict=True):
        plain = problem.ours(*pair)
        assert type(plain) is np.ndarray
        np.testing.assert_array_equal(plain, np.asarray(want), strict=True)
        np.testing.assert_array_equal(np.asarray(got), np.asarray(want), strict=True)


@cheap
@given(problems())
def test_shapes_are_lax_s(problem):
    shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in problem.arrays()]
    want = jax.eval_shape(problem.lax, *shapes)
    got = jax.eval_shape(problem.ours, *shapes)
    assert (got.shape, got.dtype) == (want.shape, want.dtype)


@pytest.mark.skipif(not CONSISTENT, reason="an older JAX, without use_consistent_padding")
def test_the_signature_is_lax_s_and_two_more():
    theirs = inspect.signature(lax.conv_transpose).parameters
    ours = dict(inspect.signature(conv_transpose).parameters)
    groups, output_padding = ours.pop("feature_group_count"), ours.pop("output_padding")
    assert groups.kind == output_padding.kind == inspect.Parameter.KEYWORD_ONLY
    assert [(one.name, one.kind, one.default) for one in ours.values()] == [
        (one.name, one.kind, one.default) for one in theirs.values()
    ]


SPECS = [
    ("NCH", "OIH", "NCH"),
    ("CNH", "IHO", "HNC"),
    ("NHWC", "WHIO", "NWHC"),
    ("CWNH", "OHWI", "HCWN"),
    ("NZYXC", "XIZOY", "CNXYZ"),
    ("NC", "IO", "CN"),
    ("CN", "OI", "NC"),
]


@pytest.mark.parametrize("transpose_kernel", [False, True])
@pytest.mark.parametrize("specs", SPECS, ids="-".join)
def test_dimension_numbers_in_every_form(specs, transpose_kernel):
    rng = np.random.default_rng(len(specs[0]))
    sizes = {"N": 2, "C": 3, "I": 3, "O": 2} | dict(zip("HWXYZ", (3, 4, 2, 3, 4), strict=True))
    if transpose_kernel:
        sizes |= {"I": 2, "O": 3}
    x = rng.integers(-4, 5, [sizes[letter] for letter in specs[0]]).astype(np.float32)
    w = rng.integers(-4, 5, [sizes[letter] for letter in specs[1]]).astype(np.float32)
    strides = (2, 1, 3)[: len(specs[0]) - 2]
    numbers = lax.conv_dimension_numbers(x.shape, w.shape, specs)
    options = {"transpose_kernel": transpose_kernel}
    want = lax.conv_transpose(x, w, strides, "SAME", dimension_numbers=specs, **options)
    for form in (specs, list(specs), numbers):
        got = conv_transpose(x, w, strides, "SAME", dimension_numbers=form, **options)
        np.testing.assert_array_equal(got, np.asarray(want), strict=True)


@pytest.mark.parametrize("rank", [2, 3, 4, 5])
def test_the_default_layouts_are_lax_s(rank):
    x, w = np.ones((2, *[3] * (rank - 2), 4)), np.ones((*[2] * (rank - 2), 4, 5))
    x, w = (array + np.arange(array.size).reshape(array.shape) % 7 for array in (x, w))
    want = lax.conv_transpose(x, w, (2,) * (rank - 2), "VALID")
    got = conv_transpose(x, w, (2,) * (rank - 2), "VALID")
    np.testing.assert_array_equal(got, np.asarray(want), strict=True)


@pytest.mark.parametrize("padding", ["SAME", "Same", "same", "VALID", "valid", "Same_Lower"])
@pytest.mark.parametrize("consistent", [False, True] if CONSISTENT else [False])
@pytest.mark.parametrize("stride", [1, 2])
def test_strings_mean_what_they_mean_to_lax(padding, consistent, stride):
    """In capitals of the transposed convolution, otherwise of the one that lax computes."""
    x, w = np.arange(1.0, 6.0).reshape(1, 5, 1), np.arange(1.0, 5.0).reshape(4, 1, 1)
    options = {"use_consistent_padding": True} if consistent else {}
    try:
        want = lax.conv_transpose(x, w, (stride,), padding, **options)
    except ValueError:
        with pytest.raises(ValueError, match=r"^padding: "):
            conv_transpose(x, w, (stride,), padding, **options)
    else:
        got = conv_transpose(x, w, (stride,), padding, **options)
        np.testing.assert_array_equal(got, np.asarray(want), strict=True)


@pytest.mark.parametrize("groups", [2, 3])
def test_groups_are_those_of_conv_general_dilated(groups):
    rng = np.random.default_rng(groups)
    x = rng.integers(-4, 5, (2, 4, 3, 6)).astype(np.float32)
    w = rng.integers(-4, 5, (3, 2, 6 // groups, 12)).astype(np.float32)
    pads = ((1, 2), (0, 1))
    want = lax.conv_general_dilated(
        x,
        w,
        (1, 1),
        pads,
        (2, 3),
        (1, 2),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )
    got = conv_transpose(x, w, (2, 3), pads, (1, 2), feature_group_count=groups)
    np.testing.assert_array_equal(got, np.asarray(want), strict=True)


@pytest.mark.parametrize("groups", [1, 2])
def test_the_transposed_kernel_is_that_of_the_convolution_it_is_the_adjoint_of(groups):
    rng = np.random.default_rng(groups)
    w = rng.integers(-4, 5, (3, 4 // groups, 6)).astype(np.float32)  # 4 channels to 6
    y = rng.integers(-4, 5, (2, 4, 6)).astype(np.float32)

    def forward(x: Any) -> Any:
        return lax.conv_general_dilated(
            x,
            w,
            (2,),
            ((1, 0),),
            dimension_numbers=("NHC", "HIO", "NHC"),
            feature_group_count=groups,
        )

    size = (4 - 1) * 2 + 3 - 1
    shape = jax.ShapeDtypeStruct((2, size, 4), np.float32)
    (want,) = jax.linear_transpose(forward, shape)(y)
    options = {"transpose_kernel": True, "feature_group_count": groups}
    got = conv_transpose(y, w, (2,), ((1, 0),), use_consistent_padding=True, **options)
    np.testing.assert_array_equal(got, np.asarray(want), strict=True)


@pytest.mark.parametrize("padding", ["SAME", "VALID", ((1, 0),)])
def test_output_padding_pads_the_spread_input_further_at_its_end(padding):
    x = np.arange(1.0, 9.0, dtype=np.float32).reshape(1, 4, 2)
    w = np.arange(1.0, 19.0, dtype=np.float32).reshape(3, 2, 3)
    got = conv_transpose(x, w, (4,), padding, (2,), output_padding=3)
    pads = {"SAME": ((4, 3),), "VALID": ((4, 4),)}.get(padding, padding)
    ((lo, hi),) = pads
    want = lax.conv_transpose(x, w, (4,), ((lo, hi + 3),), (2,))
    np.testing.assert_array_equal(got, np.asarray(want), strict=True)
    assert got.shape[1] == conv_transpose(x, w, (4,), padding, (2,)).shape[1] + 3


DTYPES = ["float16", "bfloat16", "float32", "float64", "complex64", "int8", "int32", "uint8"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_are_lax_s(dtype):
    """And what it takes for a preferred type, integers in floats among them."""
    x, w = (jax.ShapeDtypeStruct(shape, dtype) for shape in ((1, 3, 2), (2, 2, 4)))
    for preferred in (None, *DTYPES, "complex128", "int64", "uint16"):

        def call(function: Any, preferred: Any = preferred) -> Any:
            options = {"preferred_element_type": preferred}
            return jax.eval_shape(lambda x, w: function(x, w, (2,), "SAME", **options), x, w)

        try:
            want = call(lax.conv_transpose).dtype
        except TypeError:
            with pytest.raises(TypeError, match=r"^preferred_element_type: "):
                call(conv_transpose)
        else:
            assert call(conv_transpose).dtype == want, preferred


@pytest.mark.parametrize("preferred", ["float32", "int32"])
def test_integers_are_widened_before_they_are_multiplied(preferred):
    x, w = np.full((1, 3, 2), 200, np.uint8), np.full((2, 2, 4), 100, np.uint8)
    options = {"preferred_element_type": preferred}
    want = lax.conv_transpose(x, w, (2,), "VALID", **options)
    got = conv_transpose(x, w, (2,), "VALID", **options)
    np.testing.assert_array_equal(got, np.asarray(want), strict=True)
    assert got.max() == 40000


GRADIENTS = [
    Problem((4,), (3,), (2,), (1,), "SAME", False, False),
    Problem((3,), (2,), (3,), (2,), ((1, 2),), False, True),
    Problem((3, 4), (3, 4), (2, 2), (1, 1), ((1, 1), (2, 1)), True, False),
]


@pytest.mark.parametrize("problem", GRADIENTS, ids=lambda one: f"{len(one.size)}d-{one.padding}")
def test_gradients_and_tangents_under_jit_are_lax_s(problem):
    x, w = jax.device_put(problem.arrays())

    def every(function: Any) -> Any:
        def derivatives(x: Any, w: Any) -> Any:
            y, pull = jax.vjp(function, x, w)
            cotangent = jnp.arange(y.size, dtype=y.dtype).reshape(y.shape) % 5
            return y, pull(cotangent), jax.jvp(function, (x, w), (x, w))[1]

        return jax.jit(derivatives)(x, w)

    got = every(problem.ours)
    want = every(problem.lax)
    jax.tree.map(np.testing.assert_array_equal, got, want)


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_accelerators_keep_the_reverse_that_backward_data_needs(platform):
    """lax's kernel is one that is flipped: reversed again it would be a plain correlation."""
    problem = Problem((4, 5), (3, 2), (2, 2), (1, 1), "SAME", False, False)
    program = jax.jit(problem.ours).trace(*problem.arrays())
    text = program.lower(lowering_platforms=(platform,)).as_text()
    (kernel,) = re.findall(r"stablehlo\.convolution\(%\w+, (%\w+)\)", text)
    (operand,) = re.findall(rf"{kernel} = stablehlo\.reverse (%\w+), dims = \[2, 3\]", text)
    assert f"{operand} = stablehlo.optimization_barrier" in text


def test_a_sharded_batch_stays_sharded_as_lax_leaves_it():
    mesh = jax.make_mesh((4,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    x = jax.device_put(np.ones((8, 3, 2), np.float32), split)
    w = np.ones((2, 2, 4), np.float32)
    both = jax.jit(lambda x: [f(x, w, (2,), "SAME") for f in (lax.conv_transpose, conv_transpose)])
    want, got = both(x)
    assert got.sharding.is_equivalent_to(want.sharding, want.ndim)
    np.testing.assert_array_equal(got, want)


X, W = np.ones((2, 5, 6, 4), np.float32), np.ones((3, 2, 4, 4), np.float32)
REFUSALS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"lhs": [1]}, TypeError, "lhs: must be a numpy.ndarray or a jax.Array; got .*list"),
    ({"rhs": X[0]}, ValueError, "lhs: must have 3 axes, 1 of them spatial; got shape"),
    ({"rhs": W[0, 0, 0]}, ValueError, "rhs: must have two channel axes .*; got shape"),
    ({"rhs": W[None, None]}, ValueError, "dimension_numbers: must be given .*; got rank 6"),
    ({"rhs": W[:, :, :3]}, ValueError, "rhs: its axis 2 must have the 4 channels of lhs; got"),
    ({"rhs": W[:0]}, ValueError, "rhs, axis H: the kernel size must be at least 1; got 0"),
    ({"strides": 2}, ValueError, "strides: must be one int for each of the 2 spatial axes; got 2"),
    ({"strides": (2,)}, ValueError, r"strides: .* got \(2,\)\. Give a tuple of 2"),
    ({"strides": (2, 0)}, ValueError, "strides, axis W: must be at least 1; got 0"),
    ({"strides": (2, 1.5)}, TypeError, "strides: must be an int; got 1.5"),
    ({"rhs_dilation": (0, 1)}, ValueError, "rhs_dilation, axis H: must be at least 1; got 0"),
    ({"padding": "full"}, ValueError, "padding: must be 'SAME', 'VALID' or pairs; got 'full'"),
    ({"padding": 1}, ValueError, r"padding: must be one \(lo, hi\) pair for each .*; got 1"),
    ({"padding": (1, 1)}, ValueError, r"padding, axis H: must be a \(lo, hi\) pair; got 1"),
    ({"feature_group_count": 3}, ValueError, "feature_group_count: must divide the input chan"),
    ({"feature_group_count": 0}, ValueError, "feature_group_count: must be at least 1; got 0"),
    ({"output_padding": 2}, ValueError, r"output_padding, axis H: .* max\(strides, rhs_dilation"),
    ({"dimension_numbers": ("NHWC", "HWIO", "NHW")}, ValueError, "dimension_numbers: the output"),
    ({"lhs": X[0, 0], "rhs": W[0, 0]}, ValueError, "strides: must be one int for each of the 0"),
    ({"precision": "best"}, ValueError, "precision: must be None, one of"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "error", "text"), REFUSALS, ids=lambda one: str(one)[:30])
def test_errors_speak_of_lax_s_arguments(change, error, text):
    call = {"lhs": X, "rhs": W, "strides": (2, 2), "padding": "SAME"} | change
    with pytest.raises(error, match=f"^{text}"):
        conv_transpose(**call)
