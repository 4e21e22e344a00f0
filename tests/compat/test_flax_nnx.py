"""``tconv.compat.flax.nnx`` beside flax: values, state, checkpoints, transformations, models."""

from __future__ import annotations

import inspect
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("flax", reason="the layers are flax's")

from flax import nnx
from hypothesis import assume, given, settings
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from tconv.compat.flax.nnx import ConvTranspose, replace
from tests.compat.layers import SETTINGS, circular_settings, integers, output_sizes, problems

WHOLE = {"kernel_init": integers, "bias_init": integers}


def both(*arguments, **options):
    """flax's layer and ours, drawn alike."""
    options = WHOLE | options
    classes = (nnx.ConvTranspose, ConvTranspose)
    return (cls(*arguments, **options, rngs=nnx.Rngs(0)) for cls in classes)


def total(layer, x):
    """A scalar that is an integer, with a cotangent of another value at each output."""
    y = layer(x)
    return jnp.sum(y * jnp.reshape(jnp.arange(y.size) % 7 - 3, y.shape).astype(y.dtype))


@settings(max_examples=SETTINGS)
@given(problems())
def test_values_are_flax_s(problem):
    assume(min(output_sizes(problem)) >= 1)
    assume(not (problem.padding == "CIRCULAR" and problem.transpose_kernel))
    theirs, ours = both(3, 2, problem.kernel_size, **problem.options)
    x = integers(jax.random.key(1), (*problem.batch, *problem.size, 3))
    got, wanted = (jax.jit(layer.__call__)(x) for layer in (ours, theirs))
    np.testing.assert_array_equal(got, wanted, strict=True)


@pytest.mark.parametrize("padding", ["same", "Same_Lower", "SAME_LOWER", "valid", "Valid"])
def test_strings_of_lax_are_taken_where_flax_takes_them(padding):
    """Without strides, in any case of the letters; they are those of a convolution."""
    theirs, ours = both(3, 2, (4, 3), padding=padding, kernel_dilation=(1, 2))
    x = integers(jax.random.key(1), (2, 7, 6, 3))
    np.testing.assert_array_equal(ours(x), theirs(x), strict=True)
    for layer in both(3, 2, (4, 3), 2, padding=padding):
        with pytest.raises(ValueError, match="padding"):
            layer(x)


@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_gradients_are_flax_s(transpose_kernel):
    layers = both(3, 2, (3, 2), (2, 3), kernel_dilation=(2, 1), transpose_kernel=transpose_kernel)
    x = integers(jax.random.key(1), (2, 4, 3, 3))
    results = [nnx.jit(nnx.value_and_grad(total, argnums=(0, 1)))(layer, x) for layer in layers]
    jax.tree.map(np.testing.assert_array_equal, *map(jax.tree.leaves, results))


@pytest.mark.parametrize("transpose_kernel", [False, True])
@pytest.mark.parametrize(
    ("dtype", "param_dtype", "given"),
    [(None, "float32", "float32"), ("bfloat16", "float32", "float32"), (None, "float64", "float32"),
     (None, "complex64", "float32"), ("float32", "bfloat16", "int32")],
)  # fmt: skip
def test_dtypes_are_flax_s(dtype, param_dtype, given, transpose_kernel):
    options = {"dtype": dtype, "param_dtype": jnp.dtype(param_dtype)}
    theirs, ours = both(3, 2, (3,), 2, transpose_kernel=transpose_kernel, **options)
    x = integers(jax.random.key(1), (2, 4, 3), given)
    with jax.numpy_dtype_promotion("standard"):
        np.testing.assert_array_equal(ours(x), theirs(x), strict=True)


def test_own_promotion_and_preferred_type():
    """``promote_dtype`` is called with the three operands, and decides."""

    def promote(operands, *, dtype):
        assert dtype is None
        return tuple(jnp.asarray(operand, "float16") for operand in operands)

    options = {"promote_dtype": promote, "preferred_element_type": jnp.float32}
    theirs, ours = both(3, 2, (3,), 2, **options)
    x = integers(jax.random.key(1), (2, 4, 3))
    with jax.numpy_dtype_promotion("standard"):
        np.testing.assert_array_equal(ours(x), theirs(x), strict=True)
        assert ours(x).dtype == np.float32


def test_the_matrix_is_the_transpose_of_circular_conv():
    """Of every setting, and flax's is that matrix rolled: where, is what the docstring says."""
    rolled = set()
    for size, kernel_size, stride, dilation in circular_settings():
        options = {"kernel_dilation": dilation, "padding": "CIRCULAR", "use_bias": False}
        conv = nnx.Conv(1, 1, kernel_size, stride, **options, rngs=nnx.Rngs(0))
        theirs, ours = both(1, 1, kernel_size, stride, transpose_kernel=True, **options)
        kernel = jnp.arange(1.0, kernel_size + 1, dtype=jnp.float32)[:, None, None]
        conv.kernel[...] = theirs.kernel[...] = ours.kernel[...] = kernel
        image, unit = (np.eye(n, dtype="float32")[..., None] for n in (size * stride, size))
        forward, got, flaxs = (
            np.asarray(jax.jit(layer.__call__)(x))[..., 0]
            for layer, x in ((conv, image), (ours, unit), (theirs, unit))
        )
        np.testing.assert_array_equal(got, forward.T)
        if not np.array_equal(got, flaxs):
            rolls = range(size * stride)
            assert any(np.array_equal(np.roll(got, r, axis=1), flaxs) for r in rolls)
            rolled.add((kernel_size, stride, dilation))
    assert min(rolled) == (2, 1, 1)
    assert min(each for each in rolled if each[0] % 2) == (3, 3, 1)


def test_constructor_and_state_are_flax_s():
    """What flax's takes, ours takes in the same place and draws from it the same parameters."""
    theirs, ours = (inspect.signature(cls).parameters for cls in (nnx.ConvTranspose, ConvTranspose))
    positional = [name for name, one in theirs.items() if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert [name for name in ours if name in positional] == positional
    for name in set(theirs) & set(ours):
        assert ours[name].default == theirs[name].default, name
    flax_layer, layer = both(3, 2, (3,), kernel_init=nnx.initializers.normal(), bias_init=integers)
    assert isinstance(layer, nnx.ConvTranspose)
    jax.tree.map(np.testing.assert_array_equal, nnx.state(flax_layer), nnx.state(layer))
    graph, state = nnx.split(layer)
    assert jax.tree.structure(state) == jax.tree.structure(nnx.split(flax_layer)[1])
    x = integers(jax.random.key(1), (1, 4, 3))
    merged = nnx.merge(graph, nnx.state(flax_layer))
    np.testing.assert_array_equal(merged(x), layer(x))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(x), layer(x))
    defaults = (cls(3, 2, 3, rngs=nnx.Rngs(7)) for cls in (nnx.ConvTranspose, ConvTranspose))
    jax.tree.map(np.testing.assert_array_equal, *map(nnx.state, defaults))


def test_checkpoints_go_both_ways(tmp_path):
    checkpoint = pytest.importorskip("orbax.checkpoint", reason="flax saves with orbax")
    theirs, ours = both(3, 2, (3,), 2)
    x = integers(jax.random.key(1), (1, 4, 3))
    for number, (saved, other) in enumerate([(theirs, ConvTranspose), (ours, nnx.ConvTranspose)]):
        with checkpoint.StandardCheckpointer() as checkpointer:
            checkpointer.save(tmp_path / str(number), nnx.state(saved))
        fresh = other(3, 2, (3,), 2, rngs=nnx.Rngs(5))
        graph, like = nnx.split(fresh)
        with checkpoint.StandardCheckpointer() as checkpointer:
            restored = checkpointer.restore(tmp_path / str(number), like)
        np.testing.assert_array_equal(nnx.merge(graph, restored)(x), theirs(x))


@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_groups_are_layers_side_by_side(transpose_kernel):
    options = {"padding": "VALID", "transpose_kernel": transpose_kernel}
    groups = {"feature_group_count": 2} | WHOLE
    layer = ConvTranspose(4, 6, (3,), 2, **groups, **options, rngs=nnx.Rngs(0))
    assert layer.kernel_shape == ((3, 3, 4) if transpose_kernel else (3, 2, 6))
    assert layer.kernel.shape == layer.kernel_shape
    x = integers(jax.random.key(1), (2, 5, 4))
    blocks = []
    for group in range(2):
        single, _ = both(2, 3, (3,), 2, **options)
        axis, width = (2, 2) if transpose_kernel else (2, 3)
        at = slice(group * width, (group + 1) * width)
        single.kernel[...] = layer.kernel[(slice(None),) * axis + (at,)]
        single.bias[...] = layer.bias[3 * group : 3 * group + 3]
        blocks.append(single(x[..., 2 * group : 2 * group + 2]))
    np.testing.assert_array_equal(layer(x), jnp.concatenate(blocks, axis=-1), strict=True)


def test_output_padding_and_consistent_padding_are_pytorch_s():
    torch = pytest.importorskip("torch", reason="the reference is PyTorch")
    options = {"kernel_dilation": (2, 1), "transpose_kernel": True, "use_bias": False}
    layer = ConvTranspose(
        4, 6, (3, 2), (2, 3), padding=[1, 2], output_padding=(1, 2), consistent_padding=True,
        feature_group_count=2, **options, **WHOLE, rngs=nnx.Rngs(0),
    )  # fmt: skip
    x = np.asarray(integers(jax.random.key(1), (2, 4, 3, 4)))
    kernel = np.asarray(layer.kernel[...])  # (*kernel_size, out/groups, in)
    wanted = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x.transpose(0, 3, 1, 2).copy()),
        torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()),
        None, (2, 3), (1, 2), (1, 2), 2, (2, 1),
    )  # fmt: skip
    np.testing.assert_array_equal(layer(x), wanted.numpy().transpose(0, 2, 3, 1), strict=True)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"strides": 0}, "strides, .*must be at least 1"),
        ({"kernel_dilation": (0, 1)}, "kernel_dilation, .*must be at least 1"),
        ({"strides": (1, 2, 3)}, "strides: must be an int or one int for each of the 2"),
        ({"padding": [1, 2, 3]}, "padding: must be one .* pair for each of the 2"),
        ({"padding": "CAUSAL"}, "padding: 'CAUSAL' is none"),
        ({"padding": "EVEN"}, "padding: .*'EVEN'"),
        ({"padding": 1.5}, "padding: "),
        ({"padding": -9}, r"padding, .*kernel_dilation\*\(kernel - 1\)"),
        ({"output_padding": 3}, r"output_padding, .*max\(strides, kernel_dilation\)"),
        ({"padding": "CIRCULAR", "output_padding": 1, "strides": 2}, "output_padding: must be 0"),
        ({"feature_group_count": 4}, "feature_group_count: must divide in_features"),
        ({"feature_group_count": 3}, "feature_group_count: must divide out_features"),
        ({"mask": np.ones((2, 2, 3, 2), "float32")}, "mask: must have the shape of the kernel"),
    ],
)
def test_errors_speak_of_flax_s_arguments(options, text):
    arguments = (3, 2, (3, 2)) if "feature_group_count" not in options else (6, 4, (3, 2))
    x = integers(jax.random.key(1), (1, 4, 4, arguments[0]))
    with pytest.raises((ValueError, TypeError), match=text):
        ConvTranspose(*arguments, **options, rngs=nnx.Rngs(0))(x)


@pytest.mark.parametrize(("shape", "text"), [((4,), "inputs: must have"), ((1, 4, 5), "kernel: ")])
def test_inputs_are_checked(shape, text):
    layer = ConvTranspose(3, 2, (3,), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=text):
        layer(jnp.ones(shape, jnp.float32))


class Block(nnx.Module):
    """Layers in every kind of place: an attribute, a list, a dict, and one of them twice."""

    def __init__(self, rngs):
        self.up = nnx.ConvTranspose(2, 2, (3,), strides=2, rngs=rngs)
        self.same = self.up
        listed = [nnx.ConvTranspose(2, 2, (2,), rngs=rngs), nnx.Linear(2, 2, rngs=rngs)]
        self.listed = nnx.List(listed)
        self.named = nnx.Dict(deep=nnx.Sequential(nnx.ConvTranspose(2, 2, (2,), rngs=rngs)))

    def __call__(self, x):
        x = self.same(self.up(x))
        for layer in self.listed:
            x = layer(x)
        return self.named["deep"](x)


class Doubled(nnx.ConvTranspose):
    """A layer that tconv cannot know."""

    def __call__(self, x):
        return 2 * super().__call__(x)


def test_replace_changes_every_layer_in_place():
    model = Block(nnx.Rngs(0))
    optimizer_sees = nnx.state(model)
    x = jax.random.normal(jax.random.key(1), (2, 4, 2), jnp.float32)
    before = model(x)
    inner = model.up
    assert replace(model) is model
    assert model.up is inner is model.same
    for layer in (model.up, model.listed[0], model.named["deep"].layers[0]):
        assert type(layer) is ConvTranspose
    assert type(model.listed[1]) is nnx.Linear
    jax.tree.map(np.testing.assert_array_equal, nnx.state(model), optimizer_sees)
    # Sums of at most 6 terms, through 5 layers.
    np.testing.assert_allclose(model(x), before, rtol=1e-5, atol=1e-5)
    compiled = nnx.jit(lambda model, x: model(x))
    np.testing.assert_allclose(compiled(model, x), before, rtol=1e-5, atol=1e-5)
    assert replace(model) is model
    copied = nnx.clone(model)
    assert type(copied.up) is ConvTranspose
    assert copied.up is copied.same


def test_replace_takes_a_layer_a_tree_and_leaves_subclasses():
    layers = [cls(1, 1, (2,), rngs=nnx.Rngs(0)) for cls in (nnx.ConvTranspose, Doubled)]
    assert type(replace(layers[0])) is ConvTranspose
    assert [type(layer) for layer in replace({"a": layers})["a"]] == [ConvTranspose, Doubled]


def test_training_steps_are_the_same_after_replace():
    """An optimizer that was made before goes on, and learns the same."""
    optax = pytest.importorskip("optax", reason="flax's optimizer wraps it")
    x = jax.random.normal(jax.random.key(1), (4, 8, 2), jnp.float32)

    @nnx.jit
    def step(model, optimizer):
        value, slope = nnx.value_and_grad(lambda model: jnp.mean(model(x) ** 2))(model)
        optimizer.update(model, slope)
        return value

    losses = []
    for change in (lambda model: model, replace):
        model = Block(nnx.Rngs(0))
        optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)
        model = change(model)
        losses.append([float(step(model, optimizer)) for _ in range(3)])
    assert losses[0][2] < losses[0][0]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


@pytest.mark.parametrize("axis_type", [AxisType.Auto, AxisType.Explicit], ids=str)
def test_a_kernel_partitioned_over_two_devices(axis_type):
    mesh = jax.make_mesh((2,), ("model",), axis_types=(axis_type,))
    with jax.set_mesh(mesh):
        spread = nnx.with_partitioning(integers, (None, None, "model"))
        layer = ConvTranspose(3, 4, (3,), 2, kernel_init=spread, rngs=nnx.Rngs(0))
        assert layer.kernel[...].sharding == NamedSharding(mesh, P(None, None, "model"))
        x = integers(jax.random.key(1), (2, 4, 3))
        x = jax.device_put(x, NamedSharding(mesh, P()))
        got = nnx.jit(lambda layer, x: layer(x))(layer, x)
    # flax's own layer refuses explicit meshes.
    wanted = nnx.ConvTranspose(3, 4, (3,), 2, kernel_init=integers, rngs=nnx.Rngs(0))(x)
    np.testing.assert_array_equal(got, wanted)
    assert got.sharding.spec[-1] == "model"


def test_vmapped_layers_keep_an_axis_of_their_own():
    """An ensemble made by ``nnx.vmap``, whose kernels have one more axis."""

    @nnx.split_rngs(splits=2)
    @nnx.vmap
    def ensemble(rngs):
        return nnx.ConvTranspose(3, 2, (3,), 2, **WHOLE, rngs=rngs)

    layers = ensemble(nnx.Rngs(0))
    x = integers(jax.random.key(1), (1, 4, 3))
    run = nnx.vmap(lambda layer, x: layer(x), in_axes=(0, None))
    before = run(layers, x)
    np.testing.assert_array_equal(run(replace(layers), x), before)
