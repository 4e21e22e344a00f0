"""A volume up-sampled chunk by chunk, in a fraction of the memory that it would take.

    python examples/larger_than_memory.py            # a minute, 2 GB of disk
    python examples/larger_than_memory.py --short    # seconds

A volume in zarr is doubled along its three axes by the trilinear transposed convolution, from
zarr to zarr: each task reads a chunk and its halo, and writes one chunk.  The process allows
itself, by ``resource.setrlimit``, far less memory than the result takes; that the limit holds is
shown first, by asking for the result in memory.  Slabs of the result are compared with the direct
result of the slabs of the volume below them.

It needs Linux, whose limit on data counts what is allocated, and dask and zarr.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import zarr
from dask.diagnostics import ProgressBar

import tconv
import tconv.dask

MB = 2**20
UP = {"stride": 2, "padding": 1}


def trilinear() -> Any:
    """Weight of the doubling, (1, 1, 4, 4, 4): tents of width 2 along each axis."""
    tent = np.array([1, 3, 3, 1], np.float32) / 4
    return np.einsum("i,j,k->ijk", tent, tent, tent)[None, None]


def written(path: Path, size: int, chunk: int) -> Any:
    """A volume (1, 1, size, size, size) of waves and noise, in zarr, written plane by plane."""
    shape, chunks = (1, 1, *[size] * 3), (1, 1, *[chunk] * 3)
    volume = zarr.create_array(path, shape=shape, chunks=chunks, dtype="float32", compressors=None)
    rng = np.random.default_rng(0)
    along = np.sin(np.arange(size, dtype=np.float32) / 9)
    for start in range(0, size, chunk):
        slab = along[start : start + chunk, None, None] * along[:, None] * along
        volume[0, 0, start : start + chunk] = slab + rng.random(slab.shape, np.float32)
    return volume


def data_in_use() -> int:
    """Bytes that count against the limit: private memory that can be written."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise OSError("This example needs Linux: /proc/self/status has no VmData.")


def off_the_direct_result(volume: Any, result: Any, thickness: int = 4) -> float:
    """The largest difference on slabs at both ends and in the middle."""
    size, worst = volume.shape[2], 0.0
    for start in (0, size // 2 - 1, size - thickness):
        low, high = max(0, start - 2), min(size, start + thickness + 2)
        direct = tconv.conv_transpose(volume[:, :, low:high], trilinear(), **UP)
        inner = slice(2 * (start - low), 2 * (start - low + thickness))
        part = result[:, :, 2 * start : 2 * (start + thickness)]
        worst = max(worst, float(np.abs(part - direct[:, :, inner]).max()))
    return worst


def main(argv: list[str] | None = None) -> dict[str, Any]:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="192 positions an axis, not 384")
    options.add_argument("--memory", type=int, help="MB beyond those of the libraries")
    options.add_argument("--workers", type=int, default=2, help="threads that compute")
    chosen = options.parse_args(argv)
    size, chunk = (192, 32) if chosen.short else (384, 64)
    allowed = MB * (chosen.memory or (72 if chosen.short else 256))

    with tempfile.TemporaryDirectory() as folder, dask.config.set(num_workers=chosen.workers):
        volume = written(Path(folder) / "x.zarr", size, chunk)
        x = da.from_zarr(volume)
        y = tconv.dask.conv_transpose(x, trilinear(), **UP)
        result = zarr.create_array(
            Path(folder) / "y.zarr", shape=y.shape, chunks=y.chunksize, dtype=y.dtype,
            compressors=None,
        )  # fmt: skip
        # Threads and the buffers of BLAS come with the first call and are the libraries' own.
        y.blocks[0, 0, 0].compute()
        unlimited = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (data_in_use() + allowed, unlimited[1]))
        try:
            np.ones(y.shape, y.dtype)
        except MemoryError:
            print(f"{y.nbytes / MB:.0f} MB at once: refused, {allowed / MB:.0f} MB are allowed")
        else:
            raise AssertionError("the limit is not in force")
        start = time.perf_counter()
        with ProgressBar(dt=0.5):
            da.store(y, result, lock=False)
        seconds = time.perf_counter() - start
        resource.setrlimit(resource.RLIMIT_DATA, unlimited)
        off = off_the_direct_result(volume, result)
        print(f"{x.nbytes / MB:.0f} MB to {y.nbytes / MB:.0f} MB, {y.npartitions} chunks of "
              f"{y.nbytes / y.npartitions / MB:.1f} MB: {seconds:.1f} s")  # fmt: skip
        print(f"largest difference from the direct result of three slabs: {off:.1e}")
        # Each output sums 8 products of positive weights that add up to 1 and values below 2.
        assert off <= 2 * 8 * 2.0**-24 * 2
    return {"off": off, "seconds": seconds, "times larger": y.nbytes / allowed}


if __name__ == "__main__":
    found = main()
    print(f"the result is {found['times larger']:.1f} times the memory allowed")
