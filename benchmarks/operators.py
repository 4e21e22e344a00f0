"""``python -m benchmarks operators``: a blur and its adjoint beside other libraries' operators.

One filter over an image that keeps its size, as every peer has it: PyLops' ``Convolve2D``, SciPy's
``fftconvolve`` and the matrix in compressed rows, SCICO's ``Convolve`` where it is installed.  A
step of conjugate gradients on the damped normal equations applies both; NumPy's peers run in
SciPy's ``cg``, JAX's in ``jax.scipy.sparse.linalg.cg``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import jax_versions, line, machine, numpy_versions
from benchmarks.report import markdown, plain, write_json
from benchmarks.timing import alternate
from tconv.operators import Conv

KERNEL, DAMP = 7, 1.0
Vector = Any


class Peer(NamedTuple):
    """The operator and its adjoint on flat vectors of its library, and whether that is JAX."""

    matvec: Callable[[Vector], Vector]
    rmatvec: Callable[[Vector], Vector]
    on_jax: bool = False


def main(arguments: Sequence[str]) -> None:
    """Time and print; ``--json`` keeps the figures."""
    options = _options(arguments)
    found = table(options.sizes, options.seconds, options.steps)
    print(f"{machine()}\n{line(numpy_versions() | jax_versions() | _versions())}\n")
    print((markdown if options.markdown else plain)(found))
    if options.json:
        write_json(options.json, {"machine": machine(), "operators": found})


def table(sizes: Sequence[int], seconds: float, steps: int) -> list[list[str]]:
    """A row for each peer and size, whose results are those of the first."""
    rows = [["image", "operator", "matvec, ms", "rmatvec, ms", "CG steps a second"]]
    rng = np.random.default_rng(0)
    w = rng.integers(-2, 3, (KERNEL, KERNEL)).astype(np.float32)
    for size in sizes:
        x = rng.integers(-2, 3, size * size).astype(np.float32)
        every = peers(w, size)
        calls = {name: _calls(peer, x, steps) for name, peer in every.items()}
        _compare(calls)
        columns = [
            alternate([call[number] for call in calls.values()], seconds) for number in range(3)
        ]
        for name, *times in zip(calls, *columns, strict=True):
            there, back, solved = (timing.median for timing in times)
            figures = [f"{1e3 * there:.2f}", f"{1e3 * back:.2f}", f"{steps / solved:.0f}"]
            rows.append([f"{size} x {size}", name, *figures])
    return rows


def peers(w: Any, size: int) -> dict[str, Peer]:
    """Whoever is installed, tconv first."""
    import jax
    from scipy.signal import fftconvolve

    operator = Conv(w[None, None], (size, size), padding=KERNEL // 2)
    on_jax, matrix = jax.device_put(operator), operator.to_sparse()
    backwards = matrix.T.tocsr()
    shape, turned = (size, size), w[::-1, ::-1]

    def by_fft(kernel: Any, x: Vector) -> Vector:
        return fftconvolve(x.reshape(shape), kernel, "same").reshape(-1)

    found = {
        "tconv, NumPy": Peer(operator.matvec, operator.rmatvec),
        "tconv, JAX": Peer(jax.jit(on_jax.matvec), jax.jit(on_jax.rmatvec), True),
        "SciPy, fftconvolve": Peer(partial(by_fft, turned), partial(by_fft, w)),
        "SciPy, CSR": Peer(lambda x: matrix @ x, lambda y: backwards @ y),
    }
    if find_spec("pylops"):
        from pylops.signalprocessing import Convolve2D

        middle = (KERNEL // 2, KERNEL // 2)
        for method in ("fft", "direct"):
            convolve = Convolve2D(shape, turned, middle, method=method, dtype="float32")
            found[f"PyLops, {method}"] = Peer(convolve.matvec, convolve.rmatvec)
    if find_spec("scico"):
        from scico.linop import Convolve

        blur = Convolve(jax.numpy.asarray(turned), shape, mode="same")
        found["SCICO"] = Peer(
            jax.jit(lambda x: blur(x.reshape(shape)).reshape(-1)),
            jax.jit(lambda y: blur.adj(y.reshape(shape)).reshape(-1)),
            True,
        )
    return found


def _calls(peer: Peer, x: Any, steps: int) -> list[Callable[[], Any]]:
    """The operator, its adjoint, and so many steps of conjugate gradients, which never end."""
    import jax
    from jax.scipy.sparse import linalg as jax_linalg
    from scipy.sparse.linalg import LinearOperator, cg

    def normal(v: Vector) -> Vector:
        return peer.rmatvec(peer.matvec(v)) + DAMP * v

    def solved(y: Vector) -> Vector:
        if peer.on_jax:
            return jax_linalg.cg(normal, y, tol=0.0, maxiter=steps)[0]
        system = LinearOperator((x.size, x.size), matvec=normal, dtype=x.dtype)
        return cg(system, y, rtol=0.0, maxiter=steps)[0]

    functions = [peer.matvec, peer.rmatvec, jax.jit(solved) if peer.on_jax else solved]
    operand = jax.device_put(x) if peer.on_jax else x
    return [partial(_finished, function, operand) for function in functions]


def _finished(function: Callable[[Vector], Vector], operand: Vector) -> Vector:
    import jax

    return jax.block_until_ready(function(operand))


def _compare(calls: dict[str, list[Callable[[], Any]]]) -> None:
    """The images are small integers, and exact but for what a Fourier transform rounds."""
    wanted, *others = ([np.asarray(call()) for call in each] for each in calls.values())
    for name, found in zip(list(calls)[1:], others, strict=True):
        for one, other in zip(wanted, found, strict=True):
            np.testing.assert_allclose(
                other, one, rtol=1e-3, atol=1e-3 * np.abs(one).max(), err_msg=name
            )


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("scipy", "pylops", "scico") if find_spec(name)}


def _options(arguments: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks operators", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256, 512])
    parser.add_argument("--steps", type=int, default=10, help="of a solve; default: 10")
    parser.add_argument("--seconds", type=float, default=2.0, help="a column; default: 2")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)
