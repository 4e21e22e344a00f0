"""Dask arrays: chunk by chunk the whole call, lazily, on each kind of scheduler."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tconv
from tconv.testing import Problem
from tconv.testing.strategies import conv_problems, conv_transpose_problems

da = pytest.importorskip("dask.array", reason="Dask is an optional package")
dask = pytest.importorskip("dask", reason="Dask is an optional package")

import tconv.dask  # noqa: E402

KINDS = pytest.mark.parametrize("kind", ["conv_transpose", "conv"])
PROBLEMS = {"conv_transpose": conv_transpose_problems, "conv": conv_problems}


def lists_of(size):
    """Chunk sizes that add up."""
    marks = st.sets(st.integers(1, size - 1), max_size=3) if size > 1 else st.just(set())
    return marks.map(lambda inner: tuple(np.diff([0, *sorted(inner), size]).tolist()))


@st.composite
def chunked(draw, kind):
    """A problem, the chunks of its x, and how those of the result are asked for."""
    problem = draw(PROBLEMS[kind](dtypes=("int32",), batch=(1, 2, None), max_positions=80))
    leading = [] if problem.batch is None else [draw(lists_of(problem.batch))]
    chunks = (*leading, (problem.in_channels,), *map(draw, map(lists_of, problem.input_size)))
    asked = st.none() | st.integers(1, 4) | st.tuples(*map(lists_of, problem.output_size))
    return problem, chunks, draw(asked)


@KINDS
def test_any_chunks_give_the_whole_call(kind):
    @given(chunked(kind))
    def check(drawn):
        problem, chunks, asked = drawn
        x, w, b = problem.arrays()
        whole = getattr(tconv, kind)(x, w, b, **problem.keywords)
        lazy = getattr(tconv.dask, kind)(
            da.from_array(x, chunks), w, b, output_chunks=asked, **problem.keywords
        )
        assert lazy.shape == whole.shape
        assert lazy.dtype == whole.dtype
        if isinstance(asked, tuple):
            assert lazy.chunks[-problem.ndim :] == asked
        y = lazy.compute(scheduler="sync")
        np.testing.assert_array_equal(y, whole, strict=True)
        # Every chunk has the size that it says.
        for index in np.ndindex(*lazy.numblocks):
            size = tuple(along[n] for along, n in zip(lazy.chunks, index, strict=True))
            assert lazy.blocks[index].compute(scheduler="sync").shape == size

    check()


BIG = Problem((12, 9), (4, 3), (2, 1), 1, in_channels=2, out_channels=3, batch=2, bias=True,
              dtype="int64")  # fmt: skip


def lazily(x=None, **more):
    values, w, b = BIG.arrays()
    x = da.from_array(values, (1, 2, 5, 4)) if x is None else x
    return tconv.dask.conv_transpose(x, w, b, **{**BIG.keywords, **more})


@pytest.fixture(scope="module")
def direct():
    x, w, b = BIG.arrays()
    return tconv.conv_transpose(x, w, b, **BIG.keywords)


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_schedulers(scheduler, direct):
    y = lazily().compute(scheduler=scheduler, num_workers=2)
    np.testing.assert_array_equal(y, direct)


def test_the_distributed_scheduler(direct):
    distributed = pytest.importorskip("distributed", reason="distributed is an optional package")
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    )
    with cluster, distributed.Client(cluster):
        np.testing.assert_array_equal(lazily().compute(), direct)


def test_nothing_is_computed_before_it_is_asked_for():
    def fail(block):
        raise AssertionError("computed")

    x = da.from_array(BIG.arrays()[0], (1, 2, 5, 4)).map_blocks(
        fail, dtype="int64", meta=np.empty(0, "int64")
    )
    lazy = lazily(x)
    with pytest.raises(AssertionError, match="computed"):
        lazy.compute(scheduler="sync")


def test_chunks_lie_over_those_of_x():
    assert lazily().chunks == ((1, 1), (3,), (10, 10, 4), (4, 4, 1))
    assert lazily(output_chunks=(8, 9)).chunks[2:] == ((8, 8, 8), (9,))


def test_a_chunk_reads_itself_and_its_halo():
    """What the task of one chunk holds is bounded by the chunk, not by the array."""
    read = []

    def seen(block):
        read.append(block.shape)
        return block

    x = da.from_array(np.ones((1, 1, 4096)), (1, 1, 64))
    lazy = tconv.dask.conv_transpose(
        x.map_blocks(seen, dtype=float, meta=np.empty((0, 0, 0))),
        np.ones((1, 1, 4)),
        stride=2,
        padding=1,
    )
    lazy.blocks[0, 0, 20].compute(scheduler="sync")
    assert read == [(1, 1, 64)] * 3  # itself, and the two that it takes an input each from


def test_layouts_and_dask_weights(direct):
    x, w, b = BIG.arrays()
    lazy = tconv.dask.conv_transpose(
        da.from_array(np.moveaxis(x, 1, -1), (1, 5, 4, 2)),
        da.from_array(np.moveaxis(w, (0, 1), (-2, -1)), 2),
        da.from_array(b, 1),
        dimension_numbers=("NHWC", "HWIO", "NCHW"),
        **BIG.keywords,
    )
    assert lazy.chunks == ((1, 1), (3,), (10, 10, 4), (4, 4, 1))
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), direct)


def test_empty_chunks_of_x_take_no_part(direct):
    lazy = lazily(da.from_array(BIG.arrays()[0], ((1, 1), (2,), (5, 0, 1, 6), (4, 5))))
    assert lazy.chunks[2] == (10, 2, 12)
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), direct)


def test_other_parameters_reach_every_tile():
    x = da.ones((1, 1, 12), (1, 1, 5), dtype="float32")
    named = {
        "stride": 2,
        "output_size": 25,
        "method": "col2im",
        "preferred_element_type": "float64",
    }
    y = tconv.dask.conv_transpose(x, np.ones((1, 1, 3), "float32"), **named)
    assert (y.shape, y.dtype) == ((1, 1, 25), np.float64)
    whole = tconv.conv_transpose(
        np.ones((1, 1, 12), "float32"), np.ones((1, 1, 3), "float32"), **named
    )
    np.testing.assert_array_equal(y.compute(scheduler="sync"), whole, strict=True)


def test_zarr_is_read_and_written_chunk_by_chunk(tmp_path):
    zarr = pytest.importorskip("zarr", reason="zarr is an optional package")
    x = np.arange(40.0 * 24).reshape(1, 1, 40, 24)
    stored = zarr.create_array(tmp_path / "x.zarr", data=x, chunks=(1, 1, 8, 8))
    y = tconv.dask.conv_transpose(da.from_zarr(stored), np.ones((1, 1, 4, 4)), stride=2, padding=1)
    target = zarr.create_array(
        tmp_path / "y.zarr", shape=y.shape, chunks=y.chunksize, dtype=y.dtype
    )
    assert target.chunks == (1, 1, 16, 16)
    da.store(y, target, lock=False)
    whole = tconv.conv_transpose(x, np.ones((1, 1, 4, 4)), stride=2, padding=1)
    np.testing.assert_array_equal(target[...], whole)


def test_mistakes_are_named():
    x, w = da.ones((2, 2, 8), (1, 2, 4)), np.ones((2, 3, 3))
    unknown = x[:, :, da.from_array(np.arange(8), 4) > 2]
    with pytest.raises(
        ValueError,
        match=r"x: the sizes of its chunks must be known; got chunks .*"
        r"nan.* Compute them with x\.compute_chunk_sizes\(\)\.",
    ):
        tconv.dask.conv_transpose(unknown, w)
    with pytest.raises(
        ValueError,
        match=r"x: its channels must be one chunk; got \(1, 1\)\. "
        r"Rechunk it with x\.rechunk\(\{1: -1\}\)\.",
    ):
        tconv.dask.conv(x.rechunk({1: 1}), np.ones((3, 2, 3)))
    with pytest.raises(TypeError, match=r"x: must be a dask\.array\.Array; got numpy\.ndarray\."):
        tconv.dask.conv_transpose(np.ones((2, 2, 8)), w)
    with pytest.raises(ValueError, match=r"output_chunks, spatial axis 0: chunks must be at least"):
        tconv.dask.conv_transpose(x, w, output_chunks=((4, 4),))
    with pytest.raises(ValueError, match=r"w: a transposed convolution's weight is"):
        tconv.dask.conv_transpose(x, np.ones((3, 2, 3)))
