"""A PyTorch generator carried over to NumPy and JAX, weights unchanged, with equal output.

    python examples/from_torch.py            # the generator of the DCGAN paper's size, 64 x 64
    python examples/from_torch.py --short    # an eighth of its channels

The state dict is read as NumPy arrays and used as it is: tconv's layers have PyTorch's shapes
and names, so nothing is flipped, transposed or renamed.  The weights are random, batch
normalisation is in evaluation mode with random running statistics, so that every array matters.

How equal is equal?  In float64 the outputs of tconv and PyTorch must lie within the rounding
error that a dot product of that length can have, carried through the layers to the end.  In
float32 tconv's distance from the float64 output may not be much more than PyTorch's own.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pictures
import torch
from matplotlib.figure import Figure
from torch import nn

from tconv.layers import ConvTranspose2d

CODE = 100


def torch_generator(width: int) -> nn.Sequential:
    """The generator of the DCGAN tutorial: code (batch, 100, 1, 1) to image (batch, 3, 64, 64)."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    channels = (CODE, 8 * width, 4 * width, 2 * width, width)
    for index, (inputs, outputs) in enumerate(itertools.pairwise(channels)):
        stride, padding = (1, 0) if index == 0 else (2, 1)
        layers += [
            nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    layers += [nn.ConvTranspose2d(width, 3, 4, 2, 1), nn.Tanh()]
    generator = nn.Sequential(*layers)
    for layer in generator:
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.2)
            nn.init.normal_(layer.bias, 0.0, 0.2)
            nn.init.normal_(layer.running_mean, 0.0, 0.1)
            nn.init.uniform_(layer.running_var, 0.05, 0.2)
    return generator.eval()


def tconv_layers(width: int) -> dict[str, ConvTranspose2d]:
    """The same transposed convolutions, by their place in the state dict."""
    return {
        "0": ConvTranspose2d(CODE, 8 * width, 4, 1, 0, bias=False),
        "3": ConvTranspose2d(8 * width, 4 * width, 4, 2, 1, bias=False),
        "6": ConvTranspose2d(4 * width, 2 * width, 4, 2, 1, bias=False),
        "9": ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
        "12": ConvTranspose2d(width, 3, 4, 2, 1),
    }


def state_of(generator: nn.Module, array: Any) -> dict[str, dict[str, Any]]:
    """The state dict as arrays, grouped by layer: {"0": {"weight": ...}, "1": ...}."""
    grouped: dict[str, dict[str, Any]] = {}
    for name, value in generator.state_dict().items():
        layer, parameter = name.split(".")
        grouped.setdefault(layer, {})[parameter] = array(value.numpy())
    return grouped


def generate(layers: dict[str, ConvTranspose2d], state: Any, code: Any, xp: Any) -> Any:
    """The generator on tconv: NumPy with ``xp`` numpy, JAX with jax.numpy."""
    h = code
    for name, layer in layers.items():
        h = layer.apply(state[name], h)
        norm = state.get(str(int(name) + 1))
        if norm is not None:
            scale, shift = scale_and_shift(norm)
            h = xp.maximum(h * scale + shift, 0)
    return xp.tanh(h)


def scale_and_shift(norm: Any) -> tuple[Any, Any]:
    """Batch normalisation by its running statistics, as h * scale + shift."""
    scale = norm["weight"] / (norm["running_var"] + 1e-5) ** 0.5
    shift = norm["bias"] - norm["running_mean"] * scale
    return scale.reshape(1, -1, 1, 1), shift.reshape(1, -1, 1, 1)


def rounding_bound(layers: dict[str, ConvTranspose2d], state: Any, code: Any) -> Any:
    """How far two float64 evaluations can differ in each pixel, (batch, 3, 64, 64).

    A sum of m products, in whatever order, is off by at most m u / (1 - m u) times the sum of
    their sizes (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1); and
    the error that arrives at a layer leaves it scaled by the sizes of the weights.
    """
    unit = np.finfo(np.float64).eps / 2
    h, error = code, np.zeros_like(code)
    for name, layer in layers.items():
        sizes = {key: np.abs(value) for key, value in state[name].items()}
        bias = np.abs(state[name].get("bias", np.zeros(layer.out_channels))).reshape(1, -1, 1, 1)
        terms = layer.in_channels * int(np.prod(layer.kernel_size)) + 1
        arriving = layer.apply(sizes, error) - bias
        reach = layer.apply(sizes, np.abs(h)) + arriving
        h = layer.apply(state[name], h)
        error = arriving + terms * unit / (1 - terms * unit) * reach
        norm = state.get(str(int(name) + 1))
        if norm is not None:  # fewer than 8 roundings, however it is arranged
            scale, shift = scale_and_shift(norm)
            mean = np.abs(norm["running_mean"]).reshape(scale.shape)
            added = np.abs(norm["bias"]).reshape(scale.shape)
            sizes = (np.abs(h) + error + mean) * np.abs(scale) + added
            h = np.maximum(h * scale + shift, 0)
            error = error * np.abs(scale) + 8 * unit * sizes
    return 2 * (error + 4 * unit)  # tanh rounds a little and has slope at most 1


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="8 base channels instead of 64")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    chosen = options.parse_args(argv)
    width = 8 if chosen.short else 64

    generator, layers = torch_generator(width), tconv_layers(width)
    code = torch.randn(4, CODE, 1, 1)
    images = {}
    for kind in (torch.float32, torch.float64):
        dtype = str(kind).removeprefix("torch.")
        model, codes = generator.to(kind), code.to(kind)
        with torch.no_grad():
            images["PyTorch", dtype] = model(codes).numpy()
        state = state_of(model, np.asarray)
        images["NumPy", dtype] = generate(layers, state, codes.numpy(), np)
        with jax.enable_x64(True), jax.default_matmul_precision("highest"):
            state = state_of(model, jnp.asarray)
            on_jax = jax.jit(lambda state, codes: generate(layers, state, codes, jnp))
            images["JAX", dtype] = np.asarray(on_jax(state, jnp.asarray(codes.numpy())))

    exact = images["PyTorch", "float64"]
    bound = rounding_bound(layers, state_of(generator, np.asarray), code.double().numpy())
    off = {key: float(np.abs(image - exact).max()) for key, image in images.items()}
    for backend in ("NumPy", "JAX"):
        assert images[backend, "float32"].dtype == np.float32
        assert (np.abs(images[backend, "float64"] - exact) <= bound).all(), backend
        assert off[backend, "float32"] <= 4 * off["PyTorch", "float32"], backend

    picture = chosen.out / "from_torch.png"
    draw(images, picture)
    weights = sum(value.numel() for value in generator.parameters())
    print(f"{weights} weights; pixels between {exact.min():.2f} and {exact.max():.2f}")
    print("largest distance from PyTorch's float64 output:")
    print("           float32    float64")
    for backend in ("PyTorch", "NumPy", "JAX"):
        print(f"{backend:8} {off[backend, 'float32']:9.1e}  {off[backend, 'float64']:9.1e}")
    print(f"allowed  {4 * off['PyTorch', 'float32']:9.1e}  {bound.min():9.1e}")
    print(f"drawn in {picture}")
    return {"off": off, "bound": bound, "images": images}


def draw(images: dict[tuple[str, str], Any], path: Path) -> None:
    """The float32 images of each library, and how far two of them lie from PyTorch's."""
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    (torchs, numpys, jaxs), (empty, *distances) = figure.subplots(2, 3)
    for axes, backend in ((torchs, "PyTorch"), (numpys, "NumPy"), (jaxs, "JAX")):
        rgb = (images[backend, "float32"][0].transpose(1, 2, 0) + 1) / 2
        axes.imshow(rgb, interpolation="nearest")
        axes.set_title(f"{backend}, float32")
        axes.axis("off")
    empty.text(0, 0.5, "random weights draw noise:\nthe same noise everywhere", fontsize=12)
    empty.axis("off")
    for axes, backend in zip(distances, ("NumPy", "JAX"), strict=True):
        off = images[backend, "float32"] - images["PyTorch", "float32"]
        drawn = axes.imshow(1e6 * np.abs(off[0]).max(axis=0), cmap="magma", vmin=0, vmax=1)
        axes.set_title(f"{backend} from PyTorch,\nin millionths")
        axes.axis("off")
    figure.colorbar(drawn, ax=distances, shrink=0.8)
    pictures.save(figure, path)


if __name__ == "__main__":
    main()
