"""Where the times are from: the processor, the libraries, their threads, the rate of a GEMM."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import tconv
from tconv.testing.commands.machine import cores, processor

RESULTS = Path(__file__).parent / "results"
GEMM_SIZE, GEMM_SECONDS = 2048, 0.5


def machine() -> str:
    """The processor and the cores that this process may use."""
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{processor()}, {cores()} cores, {system}"


def results(name: str, device: str | None = None) -> Path:
    """Where raw figures of this name go on this machine, or of a device in it."""
    place = device or f"{processor()} {cores()} cores"
    folder = re.sub(r"\W+", "-", place.lower()).strip("-")
    return RESULTS / folder / f"{name}.json"


def numpy_versions() -> dict[str, str]:
    """tconv, NumPy, and the BLAS that it multiplies with."""
    found = {"tconv": tconv.__version__, "numpy": np.__version__}
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return found
    for pool in threadpool_info():
        if pool["user_api"] == "blas" and "numpy" in pool["filepath"]:
            found["NumPy's BLAS"] = f"{pool['internal_api']} {pool['version']}"
            found["BLAS threads"] = str(pool["num_threads"])
    return found


def jax_versions() -> dict[str, str]:
    """tconv, JAX with what compiles for it, and the device."""
    import jax
    import jaxlib

    return {
        "tconv": tconv.__version__,
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "device": jax.devices()[0].device_kind,
    }


def torch_versions() -> dict[str, str]:
    """PyTorch and its threads."""
    import torch

    return {"torch": torch.__version__, "torch threads": str(torch.get_num_threads())}


def line(versions: dict[str, str]) -> str:
    """The versions as one line of text."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def numpy_gemm(dtype: str) -> float:
    """Floating-point operations a second of NumPy's own square matrix product."""
    a = np.ones((GEMM_SIZE, GEMM_SIZE), dtype)
    out = np.empty_like(a)
    return _gemm_rate(lambda: np.matmul(a, a, out=out))


def jax_gemm(dtype: str) -> float:
    """The same of JAX's, compiled."""
    import jax
    import jax.numpy as jnp

    a, product = jnp.ones((GEMM_SIZE, GEMM_SIZE), dtype), jax.jit(jnp.matmul)
    return _gemm_rate(lambda: jax.block_until_ready(product(a, a)))


def _gemm_rate(product: Callable[[], Any]) -> float:
    product()
    best, start = float("inf"), perf_counter()
    while perf_counter() - start < GEMM_SECONDS:
        before = perf_counter()
        product()
        best = min(best, perf_counter() - before)
    return 2 * GEMM_SIZE**3 / best
