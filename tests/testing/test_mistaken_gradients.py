"""The mutants of gradients: each changes the cotangents that its sentence speaks of, alone."""

import numpy as np
import pytest

from tconv import conv, conv_transpose_vjp, conv_vjp
from tconv.testing import Problem
from tconv.testing.mutants.gradients import GRADIENTS

VJPS = {"conv_transpose_vjp": conv_transpose_vjp, "conv_vjp": conv_vjp}
OPTIONS = {
    "stride": (2, 3), "padding": (0, 1), "dilation": 2, "groups": 2, "in_channels": 4,
    "out_channels": 8, "batch": 3, "bias": True, "memory": "strided", "dtype": "float64", "seed": 1,
}  # fmt: skip
PROBLEMS = {
    "conv_transpose_vjp": Problem((5, 6), (2, 3), output_padding=(1, 0), **OPTIONS),
    "conv_vjp": Problem((7, 8), (2, 3), kind="conv", **OPTIONS),
}

OF_KERNEL_1 = Problem((5, 6), (1, 2), output_padding=(1, 0), **OPTIONS)


def flipped(values):
    return values[:, :, ::-1, ::-1]


def in_memory(values):
    """What lies in a row from the first of the values on, which are every second of an array."""
    return values.base.ravel()[: values.size].reshape(values.shape)


class Right:
    """A right call, whose cotangents those of a mutant are told from."""

    def __init__(self, kind, problem):
        self.vjp = VJPS[kind]
        self.x, self.w, self.b = problem.arrays()
        self.dy, self.keywords = problem.cotangent(), problem.keywords

    def cotangents(self, w=None, dy=None):
        w, dy = self.w if w is None else w, self.dy if dy is None else dy
        _, pullback = self.vjp(self.x, w, self.b, **self.keywords)
        return dict(zip(("dx", "dw", "db"), pullback(dy), strict=True))

    def dx(self, w):
        return {"dx": self.cotangents(w=w)["dx"]}

    def dx_of_stride_1_along_the_first_axis(self):
        keywords = self.keywords | {"stride": (1, 3)}
        del keywords["output_padding"]
        return {"dx": conv(self.dy, self.w, **keywords)[:, :, :5]}


CHANGED = {
    "dy read as contiguous": lambda right: right.cotangents(dy=in_memory(right.dy)),
    "dx without the stride of kernel 1": Right.dx_of_stride_1_along_the_first_axis,
    "dx by a flipped kernel": lambda right: right.dx(flipped(right.w)),
    "dw of the groups in another order": lambda right: {
        "dw": right.cotangents()["dw"][[2, 3, 0, 1]]
    },
    "dx by a weight read as contiguous": lambda right: right.dx(in_memory(right.w)),
    "dw flipped": lambda right: {"dw": flipped(right.cotangents()["dw"])},
    "db averaged": lambda right: {"db": right.dy.sum((0, 2, 3)) / 3},
    "dx zero": lambda right: {"dx": np.zeros(right.x.shape)},
}


@pytest.mark.parametrize("mutant", GRADIENTS, ids=lambda mutant: f"{mutant.kind} {mutant.name}")
def test_what_a_mistake_changes(mutant):
    of_one_tap = mutant.name.endswith("kernel 1")
    right = Right(mutant.kind, OF_KERNEL_1 if of_one_tap else PROBLEMS[mutant.kind])
    before = right.cotangents()
    changed = CHANGED[mutant.name](right)
    y, pullback = mutant.fn(right.x, right.w, right.b, **right.keywords)
    np.testing.assert_array_equal(y, right.vjp(right.x, right.w, right.b, **right.keywords)[0])
    got = dict(zip(("dx", "dw", "db"), pullback(right.dy), strict=True))
    for name, wanted in (before | changed).items():
        np.testing.assert_allclose(got[name], wanted, rtol=0, atol=1e-11)
    for name, wrong in changed.items():
        assert np.abs(wrong - before[name]).max() > 0.1
    assert mutant.fn(right.x, right.w, **right.keywords)[1](right.dy)[2] is None


@pytest.mark.parametrize(("batch", "db"), [(0, 0.0), (1, 4.0)])
def test_a_mean_over_one_sample_or_none_is_no_mistake(batch, db):
    (averaged, _) = [mutant for mutant in GRADIENTS if mutant.name == "db averaged"]
    x, w, b = np.ones((batch, 2, 3)), np.ones((2, 1, 2)), np.ones(1)
    keywords = {"stride": (1,), "padding": (0,), "output_padding": (0,), "dilation": (1,)}
    y, pullback = averaged.fn(x, w, b, groups=1, **keywords)
    assert pullback(np.ones_like(y))[2].tolist() == [db]
