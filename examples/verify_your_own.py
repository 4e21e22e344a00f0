"""Certify the transposed convolutions of other libraries, and a kernel of one's own.

Each adapter is a few lines: it takes PyTorch's layouts and parameters and turns them into what
the library wants.  ``supports`` keeps the problems inside what it offers.  Run

    python examples/verify_your_own.py [NAME ...]

A library that is not installed is passed over, with a line that says so; ``pallas_rest`` is a
kernel with a mistake, for its report.
"""

from __future__ import annotations

import sys
from importlib import import_module

import numpy as np

from tconv.testing import CheckFailure, check_conv_transpose


def flipped(w, groups=1):
    """The kernel as (O, I/g): flipped, its channel axes exchanged within each group."""
    grouped = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2)
    grouped = np.flip(grouped, tuple(range(3, grouped.ndim)))
    return grouped.reshape(-1, *grouped.shape[2:])


def stuffed_padding(w, padding, output_padding, dilation):
    """The padding of the zero-stuffed input: dilation*(k - 1) - lo, and - hi + output_padding."""
    reach = [d * (k - 1) for k, d in zip(w.shape[2:], dilation, strict=True)]
    pairs = [p if isinstance(p, tuple) else (p, p) for p in padding]
    return [
        (r - lo, r - hi + op) for r, (lo, hi), op in zip(reach, pairs, output_padding, strict=True)
    ]


def with_torch(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
    import torch

    function = getattr(torch.nn.functional, f"conv_transpose{x.ndim - 2}d")
    tensors = [None if a is None else torch.tensor(a.copy()) for a in (x, w, b)]
    return function(*tensors, stride, padding, output_padding, groups, dilation).numpy()


def with_lax(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
    from jax import lax

    axes = "DHW"[-len(stride) :]
    y = lax.conv_transpose(
        x.copy(),
        np.flip(w, tuple(range(2, w.ndim))),
        stride,
        stuffed_padding(w, padding, output_padding, dilation),
        rhs_dilation=dilation,
        dimension_numbers=(f"NC{axes}", f"IO{axes}", f"NC{axes}"),
    )
    return y if b is None else y + b.reshape(1, -1, *[1] * len(stride))


def with_flax(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
    from flax import linen

    layer = linen.ConvTranspose(
        features=w.shape[1],
        kernel_size=w.shape[2:],
        strides=stride,
        padding=stuffed_padding(w, padding, output_padding, dilation),
        kernel_dilation=dilation,
        use_bias=b is not None,
    )
    kernel = np.moveaxis(np.flip(w, tuple(range(2, w.ndim))), (0, 1), (-2, -1))
    params = {"kernel": kernel} | ({} if b is None else {"bias": b})
    return np.moveaxis(layer.apply({"params": params}, np.moveaxis(x, 1, -1)), -1, 1)


def with_equinox(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
    import equinox
    import jax

    layer = equinox.nn.ConvTranspose(
        len(stride), x.shape[1], w.shape[1] * groups, w.shape[2:], stride, padding,
        output_padding, dilation, groups, use_bias=b is not None, key=jax.random.key(0),
    )  # fmt: skip
    layer = equinox.tree_at(lambda layer: layer.weight, layer, flipped(w, groups))
    if b is not None:
        layer = equinox.tree_at(lambda layer: layer.bias, layer, b.reshape(layer.bias.shape))
    return jax.vmap(layer)(x.copy())


def with_onnx(x, w, b=None, *, stride, padding, output_padding, dilation, groups):
    import onnxruntime
    from onnx import TensorProto, helper

    pairs = [p if isinstance(p, tuple) else (p, p) for p in padding]
    names = ["x", "w", "b"][: 2 if b is None else 3]
    node = helper.make_node(
        "ConvTranspose", names, ["y"], kernel_shape=w.shape[2:], strides=stride,
        pads=[lo for lo, _ in pairs] + [hi for _, hi in pairs], output_padding=output_padding,
        dilations=dilation, group=groups,
    )  # fmt: skip
    inputs = {name: np.ascontiguousarray(a) for name, a in zip(names, (x, w, b), strict=False)}
    kinds = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, a.shape)
        for name, a in inputs.items()
    ]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(
        helper.make_graph([node], "one_layer", kinds, [result]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)[0]


TILE = 8  # output channels that one program of the kernel computes


def with_pallas(
    x, w, b=None, *, stride, padding, output_padding, dilation, groups,
    tiles=lambda channels: -(-channels // TILE),
):  # fmt: skip
    """A kernel of one's own: each tap scatters to every stride-th position of the output."""
    import jax
    import jax.numpy as jnp
    from jax.experimental import pallas as pl

    (size, taps), (step,), (spread,) = (x.shape[2], w.shape[2]), stride, dilation
    full = (size - 1) * step + spread * (taps - 1) + 1 + output_padding[0]

    def kernel(x_ref, w_ref, y_ref):
        y_ref[...] = jnp.zeros_like(y_ref)
        for tap in range(taps):
            reached = pl.ds(tap * spread, size, stride=step)
            y_ref[:, :, reached] += (w_ref[:, :, tap].T @ x_ref[0])[None]

    y = pl.pallas_call(
        kernel,
        grid=(x.shape[0], tiles(w.shape[1])),
        in_specs=[
            pl.BlockSpec((1, *x.shape[1:]), lambda sample, tile: (sample, 0, 0)),
            pl.BlockSpec((w.shape[0], TILE, taps), lambda sample, tile: (0, tile, 0)),
        ],
        out_specs=pl.BlockSpec((1, TILE, full), lambda sample, tile: (sample, tile, 0)),
        out_shape=jax.ShapeDtypeStruct((x.shape[0], w.shape[1], full), x.dtype),
        interpret=True,
    )(x.copy(), w.copy())
    y = y[:, :, padding[0] : full - padding[0]]
    return y if b is None else y + b.reshape(1, -1, 1)


def with_pallas_rest(x, w, b=None, **keywords):
    """The same with a mistake: rounded down, the tiles leave a rest of the channels out."""
    return with_pallas(x, w, b, tiles=lambda channels: max(channels // TILE, 1), **keywords)


def extends_by_less_than_the_stride(problem):
    return all(op < s for op, s in zip(problem.output_padding, problem.stride, strict=True))


def xla_computes(problem):
    """Two errors of XLA's CPU convolution (jaxlib 0.10.2), both found by this check: where the
    spread input would be cropped it reads beyond the image and returns whatever lies there, and it
    aborts the process over some kernels of 2 with stride 2, which it takes for groups."""
    for n, k, s, d, (lo, hi), op in zip(
        problem.input_size, problem.kernel_size, problem.stride, problem.dilation,
        problem.padding, problem.output_padding, strict=True,
    ):  # fmt: skip
        if max(lo, hi - op) > d * (k - 1):
            return False
        if k == s == 2 and d == lo == hi - op == 1 and n != 2:
            return False
    return True


ADAPTERS = {
    "torch": (with_torch, {"supports": lambda p: p.symmetric}),
    "jax": (with_lax, {"supports": lambda p: p.groups == 1 and xla_computes(p)}),
    "flax": (with_flax, {"supports": lambda p: p.groups == 1 and xla_computes(p)}),
    "equinox": (
        with_equinox,
        {
            "supports": lambda p: (
                p.symmetric
                and p.batch != 0
                and extends_by_less_than_the_stride(p)
                and xla_computes(p)
            )
        },
    ),
    "onnxruntime": (
        with_onnx,
        {"supports": lambda p: p.symmetric and p.batch != 0 and extends_by_less_than_the_stride(p)},
    ),
    "pallas": (
        with_pallas,
        {"ndim": 1, "supports": lambda p: p.symmetric and p.groups == 1 and p.batch != 0},
    ),
}
PALLAS = "jax.experimental.pallas"
PACKAGES = {"pallas": PALLAS, "pallas_rest": PALLAS, "onnxruntime": "onnxruntime"}
# Wrong, to see how that is told: tried where it is named.
WRONG = {"pallas_rest": (with_pallas_rest, ADAPTERS["pallas"][1] | {"profile": "few"})}


def verify(name, **options):
    """One line about an adapter: certified, wrong (with the report), or not installed."""
    try:
        import_module(PACKAGES.get(name, name))
    except ImportError:
        print(f"{name:12} not installed, passed over")
        return True
    function, offers = (ADAPTERS | WRONG)[name]
    try:
        summary = check_conv_transpose(function, **offers | options)
    except CheckFailure as failure:
        print(f"{name:12} wrong\n{failure}")
        return False
    print(f"{name:12} correct on {summary.problems} problems, {summary.seconds:.1f} s")
    return True


if __name__ == "__main__":
    correct = [verify(name) for name in sys.argv[1:] or ADAPTERS]
    sys.exit(0 if all(correct) else 1)
