"""Transposed convolution step by step: shifted kernels, the matrix, zeros, phases, gradients.

    python examples/walkthrough.py

Every figure is small enough to redo by hand, and every step is asserted before it is printed.
The whole walk is taken twice: once on NumPy arrays, aloud, and once on JAX arrays, where only
the verdict is printed.  A drawing by ``tconv.explain`` shows steps 1, 4, 5 and 6.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pictures
from matplotlib.figure import Figure
from walkthrough_telling import walk

import tconv


def main(argv: list[str] | None = None) -> dict[str, int]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="print the verdict alone")
    options.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    chosen = options.parse_args(argv)

    aloud = (lambda *_: None) if chosen.short else print
    numpys, jaxs = walk(STEPS, np.asarray, aloud), walk(STEPS, jnp.asarray, lambda *_: None)
    picture = chosen.out / "walkthrough.png"
    draw(picture)
    print(f"\n{numpys} statements hold on NumPy, {jaxs} on JAX; drawn in {picture}")
    return {"NumPy": numpys, "JAX": jaxs}


def shifted_kernels(array: Any, holds: Any) -> None:
    """A sum of shifted kernels

    Each input value stamps one copy of the kernel, scaled by the value, a stride further on
    than the one before.  Where copies overlap they add up.
    """
    x, w = [2.0, 3.0, 0.0, -1.0], [1.0, 2.0, -1.0]
    copies = np.zeros((4, 6))
    for i, value in enumerate(x):
        copies[i, i : i + 3] = value * np.array(w)
    holds("the copies of (1, 2, -1) for the input (2, 3, 0, -1):", array(copies), copies)

    signal, kernel = array([[x]]), array([[w]])
    y = tconv.conv_transpose(signal, kernel)
    holds("their sum:", y, [[[2, 7, 4, -4, -2, 1]]])
    holds("is the column sum above:", y[0, 0], copies.sum(axis=0))

    # The output has (n - 1) * stride + k values: 9 here.
    y = tconv.conv_transpose(signal, kernel, stride=2)
    holds("at stride 2 neighbours share one place:", y, [[[2, 4, 1, 6, -3, 0, -1, -2, 1]]])

    y = tconv.conv_transpose(array([[[1.0, 4.0, 3.0, -2.0]]]), array([[[2.0, 3.0, 5.0]]]))
    holds("an exercise, (1, 4, 3, -2) with (2, 3, 5):", y, [[[2, 11, 23, 25, 9, -10]]])


def two_axes(array: Any, holds: Any) -> None:
    """Two axes, stride and padding

    On an image the copies are stamped along both axes.  The stride spreads them; padding
    crops the result, the opposite of what it does to a convolution.
    """
    x = array([[[[0.0, 1.0], [2.0, 3.0]]]])
    y = tconv.conv_transpose(x, x)
    holds("(0 1 / 2 3) with itself:", y, [[[[0, 0, 1], [0, 4, 6], [4, 12, 9]]]])
    holds("padding 1 leaves the middle:", tconv.conv_transpose(x, x, padding=1), [[[[4]]]])
    y = tconv.conv_transpose(x, x, stride=2)
    tiles = [[0, 0, 0, 1], [0, 0, 2, 3], [0, 2, 0, 3], [4, 6, 6, 9]]
    holds("stride 2 = kernel size, so nothing overlaps:", y, [[tiles]])

    x, w = array([[[[2.0, 4.0], [0.0, 1.0]]]]), array([[[[3.0, 1.0], [1.0, 5.0]]]])
    four = {
        (1, 0): [[6, 14, 4], [2, 17, 21], [0, 1, 5]],
        (1, 1): [[17]],
        (2, 0): [[6, 2, 12, 4], [2, 10, 4, 20], [0, 0, 3, 1], [0, 0, 1, 5]],
        (2, 1): [[10, 4], [0, 3]],
    }
    for (stride, padding), expected in four.items():
        y = tconv.conv_transpose(x, w, stride=stride, padding=padding)
        holds(f"(2 4 / 0 1) with (3 1 / 1 5), stride {stride}, padding {padding}:", y, [[expected]])


def orientation(array: Any, holds: Any) -> None:
    """Which way round the kernel lies

    A convolution (in this field a correlation) reads through the kernel, so that a single 1
    shows it reversed.  A transposed convolution writes through it: no reversal.
    """
    impulse, w = array([[[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]]]), array([[[1.0, 2.0, 3.0]]])
    holds("conv of an impulse:", tconv.conv(impulse, w), [[[3, 2, 1, 0, 0]]])
    y = tconv.conv_transpose(impulse, w)
    holds("conv_transpose of it:", y, [[[0, 0, 1, 2, 3, 0, 0, 0, 0]]])

    y = tconv.conv_transpose(array([[[1.0, 0.0, 0.0, 0.0, -1.0]]]), array([[[1.0, 2.0, 1.0]]]))
    holds("two impulses, two copies:", y, [[[1, 2, 1, 0, -1, -2, -1]]])


def the_matrix(array: Any, holds: Any) -> None:
    """The matrix, and why the name

    A convolution is linear, so it is a matrix.  The transposed convolution is the transpose
    of that matrix: it runs from the convolution's output size back to its input size.  It is
    no inverse: shapes come back, values do not.
    """
    w = array([[[[0.0, 1.0], [2.0, 3.0]]]])
    matrix = tconv.conv_matrix(w, (3, 3))
    rows = [
        [0, 1, 0, 2, 3, 0, 0, 0, 0],
        [0, 0, 1, 0, 2, 3, 0, 0, 0],
        [0, 0, 0, 0, 1, 0, 2, 3, 0],
        [0, 0, 0, 0, 0, 1, 0, 2, 3],
    ]
    holds("the matrix of the kernel (0 1 / 2 3) on a 3x3 image:", matrix, rows)
    image = array(np.arange(9.0).reshape(1, 1, 3, 3))
    small = tconv.conv(image, w)
    holds("convolving 0..8:", small, [[[[19, 25], [37, 43]]]])
    holds("is a product with it:", matrix @ image.ravel(), small.ravel())
    back = tconv.conv_transpose(small, w)
    holds("the transposed convolution of that:", back.ravel(), matrix.T @ small.ravel())

    columns = [
        [1, 0, 0, 0],
        [2, 1, 0, 0],
        [-1, 2, 1, 0],
        [0, -1, 2, 1],
        [0, 0, -1, 2],
        [0, 0, 0, -1],
    ]
    matrix = tconv.conv_matrix(array([[[1.0, 2.0, -1.0]]]), 6)
    holds("in 1-D the columns of the transpose are the shifted kernels:", matrix.T, columns)


def zero_insertion(array: Any, holds: Any) -> None:
    """Zeros between the pixels

    The same result as a plain convolution: spread the input with stride - 1 zeros, flip the
    kernel, pad by k - 1 - padding.  Hence "fractionally strided"; it is the picture in many
    tutorials, and the slow way, for most products are with zeros.
    """
    spread = tconv.fractional_stride(array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), 2)
    holds("1..6 at stride 2 (along one axis):", spread, [[[1, 0, 2, 0, 3], [4, 0, 5, 0, 6]]])

    x, w = array([[[[2.0, 4.0], [0.0, 1.0]]]]), array([[[[3.0, 1.0], [1.0, 5.0]]]])
    zeros = tconv.fractional_stride(x, 2)
    holds("(2 4 / 0 1) with zeros:", zeros, [[[[2, 0, 4], [0, 0, 0], [0, 0, 1]]]])
    for padding in (0, 1):
        direct = tconv.conv_transpose(x, w, stride=2, padding=padding)
        by_zeros = tconv.conv(zeros, w[:, :, ::-1, ::-1], padding=1 - padding)
        holds(f"convolved with the flipped kernel, padding {padding}:", by_zeros, direct)


def phases(array: Any, holds: Any) -> None:
    """Phases: why 6 here and 12 there

    A well-known question: ones(4, 4), the kernel 1..16, stride 2, padding 1.  Why is the
    output uneven?  At stride 2 the output pixels fall in 2 x 2 phases, and each phase meets
    its own quarter of the kernel, every second tap.
    """
    x = array(np.ones((1, 1, 4, 4)))
    w = array(np.arange(1.0, 17.0).reshape(1, 1, 4, 4))
    y = tconv.conv_transpose(x, w, stride=2, padding=1)
    edge, first, second = [6, 12, 14, 12, 14, 12, 14, 7], [12, 24, 28], [20, 40, 44]
    inner = [[a, b, c, b, c, b, c, c // 2] for a, b, c in (first, second)]
    last = [10, 20, 22, 20, 22, 20, 22, 11]
    expected = [edge, inner[0], inner[1], inner[0], inner[1], inner[0], inner[1], last]
    holds("the output:", y, [[expected]])
    holds("(0, 0) is reached by one tap, 6 (row 1, column 1):", y[0, 0, 0, 0], 6)
    holds("(0, 1) by two, 5 and 7 (row 1, columns 0 and 2):", y[0, 0, 0, 1], 5 + 7)

    # Phase r takes the taps r, r + 2: pixel 2*i + r of the uncropped output meets x[i - t].
    full = tconv.conv_transpose(x, w, stride=2)
    for row in (0, 1):
        for column in (0, 1):
            quarter = w[:, :, row::2, column::2]
            collected = tconv.conv_transpose(x, quarter)
            what = f"phase ({row}, {column}), taps {np.asarray(quarter).ravel().tolist()}:"
            holds(what, collected, full[:, :, row::2, column::2])


def columns(array: Any, holds: Any) -> None:
    """Columns: one product, then overlap-add

    How libraries compute it: one matrix product turns each input position into its scaled
    kernel, a column; col2im adds the columns where they land.
    """
    x, w = array([[[2.0, 3.0, 0.0, -1.0]]]), array([[[1.0, 2.0, -1.0]]])
    cols = w[0, 0][:, None] * x[0, 0][None, :]
    holds("the columns:", cols, [[2, 3, 0, -1], [4, 6, 0, -2], [-2, -3, 0, 1]])
    y = tconv.col2im(cols[None], (9,), 3, stride=2)
    holds("added at stride 2:", y, tconv.conv_transpose(x, w, stride=2))
    for method in ("col2im", "dilated", "subpixel", "matrix"):
        y = tconv.conv_transpose(x, w, stride=2, method=method)
        holds(f"method={method!r}:", y, [[[2, 4, 1, 6, -3, 0, -1, -2, 1]]])


def gradients(array: Any, holds: Any) -> None:
    """Gradients

    The gradient of a matrix product is a product with the transpose.  So the input gradient
    of a transposed convolution is a convolution, and the other way round; the weight
    gradient counts how often each tap joins an input to an output.
    """
    x, w = array([[[2.0, 3.0, 0.0, -1.0]]]), array([[[1.0, 2.0, -1.0]]])
    dy = array([[[1.0, 0.0, 2.0, -1.0, 0.0, 3.0, 1.0, 1.0, 0.0]]])
    y, pullback = tconv.conv_transpose_vjp(x, w, stride=2)
    dx, dw, _ = pullback(dy)
    holds("dx for dy = (1, 0, 2, -1, 0, 3, 1, 1, 0):", dx, [[[-1, 0, 5, 3]]])
    holds("is the convolution of dy:", dx, tconv.conv(dy, w, stride=2))
    windows = tconv.im2col(dy, 3, stride=2)
    holds("dw sums x over the windows of dy:", dw, (windows @ x[0, 0])[None])

    # <conv_transpose(x), dy> = <x, conv(dy)>: the definition of a transpose.
    holds("<y, dy> = <x, dx>:", (y * dy).sum(), (x * dx).sum())
    # y is linear in w too, so a finite difference is exact.
    nudged = tconv.conv_transpose(x, w + array([[[0.0, 1.0, 0.0]]]), stride=2)
    holds("nudging the middle tap by 1:", ((nudged - y) * dy).sum(), dw[0, 0, 1])

    def loss(x: Any, w: Any) -> Any:
        return (tconv.conv_transpose(x, w, stride=2) * jnp.asarray(dy)).sum()

    by_jax = jax.grad(loss, (0, 1))(jnp.asarray(x), jnp.asarray(w))
    holds("jax.grad finds the same dx:", dx, by_jax[0])
    holds("and the same dw:", dw, by_jax[1])


def sizes(array: Any, holds: Any) -> None:
    """Sizes: the way there and back

    A strided convolution rounds down, so that s input sizes share one output size.  The way
    back takes the smallest of them, w + s*q; output_padding (0 to s - 1) restores the others.
    """
    spec = {"stride": 3, "padding": 2}
    there = [tconv.conv_output_size(n, 5, **spec)[0] for n in (15, 16, 17, 18)]
    holds("kernel 5, stride 3, padding 2 on 15, 16, 17, 18:", array(there), [5, 6, 6, 6])
    (shared,) = tconv.conv_input_sizes(6, 5, **spec)
    holds(
        "sizes that give 6, and their output_padding:", array(shared), [[16, 0], [17, 1], [18, 2]]
    )
    back = [tconv.conv_transpose_output_size(6, 5, output_padding=p, **spec)[0] for _, p in shared]
    holds("back from 6 with each:", array(back), [16, 17, 18])

    five = tconv.conv_output_size((5, 5), 3, stride=2, padding=1)
    again = tconv.conv_transpose_output_size(five, 3, stride=2, padding=1)
    holds("kernel 3, stride 2, padding 1 takes 5x5 to 3x3:", array(five), [3, 3])
    holds("and back:", array(again), [5, 5])


def alternatives(array: Any, holds: Any) -> None:
    """Checkerboards, and what to use instead

    Kernel 4 at stride 3 reaches some pixels once and others two or four times.  A kernel that
    the stride divides, or interpolation before a convolution, treats all alike.
    """
    counts = tconv.coverage((3, 3), 4, stride=3)[3:7, 3:7]
    expected = [[4, 2, 2, 4], [2, 1, 1, 2], [2, 1, 1, 2], [4, 2, 2, 4]]
    holds("taps that reach the pixels in the middle:", array(counts), expected)
    holds(
        "with kernel 6:", array(tconv.coverage((3, 3), 6, stride=3)[3:7, 3:7]), np.full((4, 4), 4)
    )

    x = array([[[[1.0, 2.0], [3.0, 4.0]]]])
    nearest = np.repeat(np.repeat([[1, 2], [3, 4]], 3, axis=0), 3, axis=1)
    holds("(1 2 / 3 4) nearest:", tconv.interpolate(x, scale_factor=3), nearest[None, None])
    thirds = np.array([3, 3, 4, 5, 6, 6]) / 3  # 1, 1, 4/3, 5/3, 2, 2
    smooth = tconv.interpolate(x, scale_factor=3, mode="bilinear")
    bilinear = [[[thirds + 2 * (row - 1) for row in thirds]]]
    # Each value is a sum of 4 products: a few roundings of numbers up to 4.
    holds("bilinear:", smooth, bilinear, within=16 * float(jnp.finfo(smooth.dtype).eps))

    w = array(np.arange(9.0).reshape(1, 1, 3, 3))
    y = tconv.conv_transpose(x, w, stride=2, padding=1, output_padding=1)
    resized = tconv.resize_conv(x, w, scale_factor=2, mode="bilinear")
    holds("kernel 3, stride 2 and its replacement: 4x4 =", array(y.shape[2:]), resized.shape[2:])


def draw(path: Path) -> None:
    """Shifted kernels, the matrix, zero insertion and phases."""
    signal, kernel = np.array([[[2, 3, 0, -1]]]), np.array([[[1, 2, -1]]])
    image, weight = np.array([[[[2, 4], [0, 1]]]]), np.array([[[[3, 1], [1, 5]]]])
    ones, counted = np.ones((1, 1, 4, 4), int), np.arange(1, 17).reshape(1, 1, 4, 4)
    figure = Figure(figsize=(14, 9.2))
    edges = {"left": 0.01, "right": 1, "bottom": 0, "top": 0.96, "hspace": 0.1, "wspace": 0.03}
    axes = figure.subplots(2, 2, gridspec_kw=edges).flat
    one = tconv.explain(signal, kernel, stride=2)
    one.plot(view="distribution", ax=axes[0])
    axes[0].set_title("1. Shifted kernels: stride 2", loc="left")
    one.plot(view="matrix", ax=axes[1])
    axes[1].set_title("4. The same kernels as the columns of a matrix", loc="left")
    spread = tconv.explain(image, weight, stride=2)
    spread.plot((1, 1), "collection", ax=axes[2])
    axes[2].set_title("5. Zeros between the pixels: stride 2, padding 0", loc="left")
    tconv.explain(ones, counted, stride=2, padding=1).plot((0, 1), "phases", ax=axes[3])
    axes[3].set_title("6. Phases: stride 2, padding 1", loc="left")
    pictures.save(figure, path, dpi=72)


STEPS = (
    shifted_kernels,
    two_axes,
    orientation,
    the_matrix,
    zero_insertion,
    phases,
    columns,
    gradients,
    sizes,
    alternatives,
)


if __name__ == "__main__":
    main()
