"""``tconv.compat.flax.linen`` beside flax: values, parameters, checkpoints, transformations."""

from __future__ import annotations

import dataclasses
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("flax", reason="the layers are flax's")

from flax import linen
from hypothesis import assume, given, settings
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

from tconv.compat.flax.linen import ConvTranspose
from tests.compat.layers import SETTINGS, circular_settings, integers, output_sizes, problems

WHOLE = {"kernel_init": integers, "bias_init": integers}


def both(*arguments, **options):
    """flax's layer and ours."""
    return (cls(*arguments, **(WHOLE | options)) for cls in (linen.ConvTranspose, ConvTranspose))


def total(layer, variables, x):
    """A scalar that is an integer, with a cotangent of another value at each output."""
    y = layer.apply(variables, x)
    return jnp.sum(y * jnp.reshape(jnp.arange(y.size) % 7 - 3, y.shape).astype(y.dtype))


@settings(max_examples=SETTINGS)
@given(problems())
def test_values_and_parameters_are_flax_s(problem):
    assume(min(output_sizes(problem)) >= 1)
    assume(not (problem.padding == "CIRCULAR" and problem.transpose_kernel))
    theirs, ours = both(2, problem.kernel_size, **problem.options)
    x = integers(jax.random.key(1), (*problem.batch, *problem.size, 3))
    (wanted, drawn), (got, own) = (
        layer.init_with_output(jax.random.key(0), x) for layer in (theirs, ours)
    )
    np.testing.assert_array_equal(got, wanted, strict=True)
    jax.tree.map(np.testing.assert_array_equal, own, drawn)


@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_gradients_are_flax_s(transpose_kernel):
    theirs, ours = both(
        2, (3, 2), (2, 3), kernel_dilation=(2, 1), transpose_kernel=transpose_kernel
    )
    x = integers(jax.random.key(1), (2, 4, 3, 3))
    variables = theirs.init(jax.random.key(0), x)
    results = [
        jax.jit(jax.value_and_grad(total, (1, 2)), static_argnums=0)(layer, variables, x)
        for layer in (theirs, ours)
    ]
    jax.tree.map(np.testing.assert_array_equal, *results)


def test_dtypes_are_flax_s():
    theirs, ours = both(2, (3,), (2,), dtype="bfloat16", preferred_element_type=jnp.float32)
    x = integers(jax.random.key(1), (2, 4, 3))
    with jax.numpy_dtype_promotion("standard"):
        wanted, variables = theirs.init_with_output(jax.random.key(0), x)
        np.testing.assert_array_equal(ours.apply(variables, x), wanted, strict=True)


def test_the_matrix_is_the_transpose_of_circular_conv():
    rolled = set()
    for size, kernel_size, stride, dilation in circular_settings():
        options = {
            "strides": (stride,),
            "kernel_dilation": (dilation,),
            "padding": "CIRCULAR",
            "use_bias": False,
        }
        kernel = jnp.arange(1.0, kernel_size + 1, dtype=jnp.float32)[:, None, None]
        variables = {"params": {"kernel": kernel}}
        image, unit = (jnp.eye(n, dtype=jnp.float32)[..., None] for n in (size * stride, size))
        forward = linen.Conv(1, kernel_size, **options).apply(variables, image)[..., 0]
        flaxs, got = (
            np.asarray(layer.apply(variables, unit)[..., 0])
            for layer in both(1, kernel_size, transpose_kernel=True, **options)
        )
        np.testing.assert_array_equal(got, forward.T)
        if not np.array_equal(got, flaxs):
            rolled.add((kernel_size, stride, dilation))
    assert min(rolled) == (2, 1, 1)
    assert min(each for each in rolled if each[0] % 2) == (3, 3, 1)


def test_fields_are_flax_s():
    theirs, ours = (dataclasses.fields(cls) for cls in (linen.ConvTranspose, ConvTranspose))
    known = {one.name: one for one in theirs}
    assert [one.name for one in ours if one.name in known] == list(known)
    assert {one.name for one in ours} - set(known) == {
        "feature_group_count",
        "output_padding",
        "consistent_padding",
    }
    for one in ours:
        if one.name in known:
            assert one.default == known[one.name].default
        else:
            assert one.kw_only
    _, layer = both(2, (3,))
    assert isinstance(layer, linen.ConvTranspose)
    assert hash(ConvTranspose(2, (3,))) == hash(ConvTranspose(2, (3,)))


class Model(linen.Module):
    """Layers that flax names by their class."""

    layer: type

    @linen.compact
    def __call__(self, x):
        x = self.layer(2, (3,), (2,), **WHOLE)(x)
        return self.layer(3, (2,), **WHOLE)(x)


def test_checkpoints_go_both_ways(tmp_path):
    checkpoint = pytest.importorskip("orbax.checkpoint", reason="flax saves with orbax")
    x = integers(jax.random.key(1), (1, 4, 3))
    models = [Model(linen.ConvTranspose), Model(ConvTranspose)]
    results = [model.init_with_output(jax.random.key(0), x) for model in models]
    jax.tree.map(np.testing.assert_array_equal, *results)
    for number, (wanted, variables) in enumerate(results):
        with checkpoint.StandardCheckpointer() as checkpointer:
            checkpointer.save(tmp_path / str(number), variables)
        abstract = jax.eval_shape(models[1 - number].init, jax.random.key(3), x)
        with checkpoint.StandardCheckpointer() as checkpointer:
            restored = checkpointer.restore(tmp_path / str(number), abstract)
        np.testing.assert_array_equal(models[1 - number].apply(restored, x), wanted)


def test_pickled_layers_are_equal():
    layer = ConvTranspose(2, (3,), feature_group_count=2, **WHOLE)
    assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize("transpose_kernel", [False, True])
def test_groups_output_padding_and_consistent_padding_are_pytorch_s(transpose_kernel):
    torch = pytest.importorskip("torch", reason="the reference is PyTorch")
    layer = ConvTranspose(
        6, (3, 2), (2, 3), padding=(1, 2), kernel_dilation=(2, 1), use_bias=False, **WHOLE,
        transpose_kernel=transpose_kernel, feature_group_count=2, output_padding=(1, 2),
        consistent_padding=True,
    )  # fmt: skip
    x = integers(jax.random.key(1), (2, 4, 3, 4))
    got, variables = layer.init_with_output(jax.random.key(0), x)
    kernel = np.asarray(variables["params"]["kernel"])
    if transpose_kernel:
        assert kernel.shape == (3, 2, 3, 4)
        weight = kernel.transpose(3, 2, 0, 1)
    else:
        assert kernel.shape == (3, 2, 2, 6)
        blocks = np.split(np.flip(kernel, (0, 1)), 2, axis=-1)
        weight = np.concatenate([block.transpose(2, 3, 0, 1) for block in blocks])
    wanted = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(np.asarray(x).transpose(0, 3, 1, 2).copy()),
        torch.from_numpy(weight.copy()),
        None, (2, 3), (1, 2), (1, 2), 2, (2, 1),
    )  # fmt: skip
    np.testing.assert_array_equal(got, wanted.numpy().transpose(0, 2, 3, 1), strict=True)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"strides": 0}, "strides, .*must be at least 1"),
        ({"padding": "CAUSAL"}, "padding: 'CAUSAL' is none"),
        ({"padding": -9}, r"padding, .*kernel_dilation\*\(kernel - 1\)"),
        ({"output_padding": 3}, r"output_padding, .*max\(strides, kernel_dilation\)"),
        ({"feature_group_count": 4}, "feature_group_count: must divide in_features"),
        ({"mask": np.ones((2, 2, 3, 2), "float32")}, "mask: must have the shape of the kernel"),
    ],
)
def test_errors_speak_of_flax_s_arguments(options, text):
    layer = ConvTranspose(2, (3, 2), **options)
    with pytest.raises((ValueError, TypeError), match=text):
        layer.init(jax.random.key(0), jnp.ones((1, 4, 4, 3), jnp.float32))


def test_a_kernel_partitioned_over_two_devices():
    mesh = jax.make_mesh((2,), ("model",), axis_types=(jax.sharding.AxisType.Auto,))
    spread = linen.with_partitioning(integers, (None, None, "model"))
    x = integers(jax.random.key(1), (2, 4, 3))
    theirs, ours = both(4, (3,), (2,), kernel_init=spread)
    variables = ours.init(jax.random.key(0), x)
    specs = linen.get_partition_spec(variables)
    assert specs == linen.get_partition_spec(theirs.init(jax.random.key(0), x))
    placed = jax.device_put(
        linen.meta.unbox(variables), jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs)
    )
    assert placed["params"]["kernel"].sharding.spec == P(None, None, "model")
    x = jax.device_put(x, NamedSharding(mesh, P()))
    got, wanted = (jax.jit(layer.apply)(placed, x) for layer in (ours, theirs))
    np.testing.assert_array_equal(got, wanted)
    assert got.sharding.spec[-1] == "model"


def test_lifted_transformations():
    """``linen.vmap`` over layers of their own kernels, and ``linen.remat``."""
    x = integers(jax.random.key(1), (3, 1, 4, 3))
    results = []
    for layer in (linen.ConvTranspose, ConvTranspose):
        mapped = linen.vmap(
            linen.remat(layer), variable_axes={"params": 0}, split_rngs={"params": True}
        )
        results.append(mapped(2, (3,), (2,), **WHOLE).init_with_output(jax.random.key(0), x))
    jax.tree.map(np.testing.assert_array_equal, *results)
