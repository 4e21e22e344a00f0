"""Problems of every padding mode, their operators, and what the definition gives."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tconv.operators import Conv, ConvTranspose
from tconv.testing import reference
from tconv.testing.strategies import conv_problems, conv_transpose_problems

KINDS = {"conv": Conv, "conv_transpose": ConvTranspose}
PROBLEMS = {"conv": conv_problems, "conv_transpose": conv_transpose_problems}
EXTENDED = {"zeros": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}


@st.composite
def bounded_problems(draw, kind, **options):
    """A problem and a padding mode for each of its axes; a single position mirrors nothing."""
    problem = draw(PROBLEMS[kind](bias=False, **options))
    sizes = problem.input_size if kind == "conv" else problem.output_size
    every = tuple(draw(st.sampled_from([*EXTENDED])) for _ in sizes)
    if draw(st.booleans()):
        every = every[:1] * len(every)
    single = zip(every, sizes, strict=True)
    return problem, tuple("replicate" if n == 1 and m == "reflect" else m for m, n in single)


def operator_of(problem, modes, w):
    lead = () if problem.batch is None else (problem.batch,)
    kind = KINDS[problem.kind]
    return kind(w, problem.input_size, batch=lead, padding_mode=modes, **problem.keywords)


def extended(x, padding, modes):
    """x with what its modes say beyond the border: NumPy's ``pad``, and a crop where negative."""
    for axis, ((lo, hi), mode) in enumerate(zip(padding, modes, strict=True), x.ndim - len(modes)):
        widths = [(0, 0)] * x.ndim
        widths[axis] = (max(lo, 0), max(hi, 0))
        x = np.pad(x, widths, EXTENDED[mode])
        stop = x.shape[axis] + min(hi, 0)
        x = x.take(range(max(-lo, 0), stop), axis)
    return x


def conv_of(problem, modes, image, w):
    """The definition of the convolution of the problem, or of that which its map transposes."""
    padding = problem.padding
    if problem.transposed:
        ends = zip(padding, problem.output_padding, strict=True)
        padding = [(lo, hi - more) for (lo, hi), more in ends]
    parameters = {"stride": problem.stride, "dilation": problem.dilation, "groups": problem.groups}
    image = extended(image, padding, modes)
    return reference.conv(image, w, padding=(0,) * problem.ndim, **parameters)
