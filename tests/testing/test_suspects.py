"""Each usual suspect gives the result that an implementation with this mistake gives."""

from functools import partial

import numpy as np
import pytest

from tconv import conv, conv_transpose
from tconv.testing import Problem
from tconv.testing.failure.suspects import suspects

PROBLEM = Problem(
    (2, 3, 4), (2, 3, 2), stride=(2, 3, 1), padding=((1, 0), (0, 3), (2, 2)),
    output_padding=(1, 2, 2), dilation=(1, 2, 3), groups=2, in_channels=4, out_channels=6, batch=2,
    bias=True, dtype="float64", memory="reversed",
)  # fmt: skip
FORWARD = Problem(
    (4, 6, 6), (2, 3, 2), stride=(2, 3, 1), padding=((1, 0), (0, 3), (2, 2)), dilation=(1, 2, 3),
    groups=2, in_channels=4, out_channels=6, batch=2, bias=True, dtype="float64", memory="reversed",
    kind="conv",
)  # fmt: skip
AXES = {
    "every spatial axis": (0, 1, 2),
    "the first spatial axis alone": (0,),
    "the last spatial axis alone": (2,),
    "all spatial axes but the first": (1, 2),
    "all spatial axes but the last": (0, 1),
    "the middle spatial axis alone": (1,),
}
PAIRS = {
    "the first and the last spatial axis": [2, 1, 0],
    "the first two spatial axes": [1, 0, 2],
    "the last two spatial axes": [0, 2, 1],
}


def without(values, axis, at):
    mask = np.ones(values.shape[axis])
    mask[at] = 0
    return values * mask.reshape(-1, *[1] * (values.ndim - 1 - axis))


def expected(problem):
    """Sentence -> result, computed by the package."""
    x, w, b = problem.arrays()
    keywords = problem.keywords
    function = conv_transpose if problem.transposed else conv
    lo, hi = np.array(problem.padding).T
    stride, dilation, kernel = map(np.array, (problem.stride, problem.dilation, w.shape[2:]))
    deepest = dilation * (kernel - 1)

    def result(x=x, w=w, b=b, **changed):
        named = keywords | changed
        more = np.broadcast_to(named.pop("output_padding", 0), 3).tolist()
        pairs = [(0, 0)] * 3 if named["padding"] == 0 else named["padding"]
        named["padding"] = [(lo, hi - op) for (lo, hi), op in zip(pairs, more, strict=True)]
        return function(x, w, b, **named)

    def cropped(lo, hi, **changed):
        pairs = [(int(start), int(end)) for start, end in zip(lo, hi, strict=True)]
        return result(padding=pairs, **changed)

    found = {}
    for name, axes in AXES.items():
        flipped = np.flip(w, [2 + axis for axis in axes])
        found[f"the kernel is flipped on {name}"] = result(w=flipped)
        for step, side in ((1, "low"), (-1, "high")):
            moved = np.isin(range(3), axes) * step
            sentence = f"the result is shifted by one position towards the {side} end on {name}"
            found[sentence] = cropped(lo + moved, hi - moved)
    found["spatial axes 0 and 2 of the kernel are transposed"] = result(w=w.swapaxes(2, 4))
    for place, axis in (("first", 2), ("last", 4)):
        for end, at in (("first", 0), ("last", -1)):
            sentence = f"of the {place} spatial axis is left out"
            found[f"the {end} input position {sentence}"] = result(x=without(x, axis, at))
            found[f"the {end} tap {sentence}"] = result(w=without(w, axis, at))
    # 4 channels in and 6 out, in groups of 2 and 3
    first, second = (2, 3) if problem.transposed else (3, 2)
    reread = w.reshape(2, second, first, *kernel).swapaxes(1, 2).reshape(w.shape)
    found[
        "transposed layout: the weight's memory is read with its channel axes in the other order"
    ] = result(w=reread)
    out = "the output channels of the groups are interleaved"
    bias = b.reshape(-1, 1, 1, 1)
    plain = result(b=None)
    found[f"{out} (read as group-minor)"] = plain[:, [0, 3, 1, 4, 2, 5]] + bias
    found[f"{out} (read as group-major)"] = plain[:, [0, 2, 4, 1, 3, 5]] + bias
    into = "the input channels of the groups are interleaved"
    for how in ("minor", "major"):
        found[f"{into} (read as group-{how})"] = result(x=x[:, [0, 2, 1, 3]])
    half = w[: len(w) // 2]
    found["every group uses the weight of the first group"] = result(w=np.concatenate([half] * 2))
    if problem.transposed:
        found[
            "padding is read as padding of the input: it extends the output instead of cropping it"
        ] = cropped(-lo * stride, -hi * stride)
        found[
            "padding is read as padding of the zero-stuffed input, as jax.lax.conv_transpose "
            "does: that needs dilation*(kernel_size - 1) - padding"
        ] = cropped(deepest - lo, deepest - hi)
        found["padding crops the high end alone"] = cropped(0 * lo, lo + hi)
        op = np.array(problem.output_padding)
        found["output padding is on the wrong side: it extends the low end"] = cropped(
            lo - op, hi, output_padding=0
        )
        found["output padding is ignored"] = result(output_padding=0)
        found["output padding is cut down to stride - 1"] = result(output_padding=(1, 2, 0))
        blank = plain.copy()
        blank[:, :, -1:] = 0
        blank[:, :, :, -2:] = 0
        blank[:, :, :, :, -2:] = 0
        found["output padding appends empty positions, where it should crop less of the result"] = (
            blank + bias
        )
    else:
        found["padding is at the high end alone"] = cropped(0 * lo, lo + hi)
    found["padding is ignored"] = result(padding=0)
    split = "unequal padding is split anew from its sum, the larger half"
    found[f"{split} low"] = cropped([1, 2, 2], [0, 1, 2])
    found[f"{split} high"] = cropped([0, 1, 2], [1, 2, 2])
    found["the two sides of the padding are exchanged"] = cropped(hi, lo)
    down = "padding deeper than dilation*(kernel_size - 1) is cut down to it"
    least = np.minimum(lo, deepest)
    found[down] = cropped(least, np.minimum(hi, deepest))
    found[f"{down} at the low side"] = cropped(least, hi + lo - least)
    found["stride is ignored"] = result(stride=1)
    found["dilation is ignored"] = result(dilation=1)
    found["dilation is ignored in the values, though not in the shape"] = cropped(
        lo, hi - (dilation - 1) * (kernel - 1), dilation=1
    )
    of_first = {"stride": 2, "dilation": 1, "padding": [(1, 0)] * 3}
    found["stride, padding and dilation of the first axis are used on every axis"] = result(
        **of_first
    )
    for axes, order in PAIRS.items():
        labels = ["stride", "padding", "dilation", *["output_padding"] * problem.transposed]
        for name in labels:
            entries = [getattr(problem, name)[axis] for axis in order]
            sentence = f"the {name.replace('_', ' ')}s of {axes} are exchanged"
            changed = partial(result, **{name: entries})
            found[sentence] = changed()
            kept = shaped(problem, changed, name, entries)
            found[f"{sentence}, with the right shape"] = kept
    found["the bias is missing"] = plain
    found["the bias is added twice"] = plain + 2 * bias
    found["the bias is subtracted"] = plain - bias
    reached = result(x=np.ones(x.shape), w=np.ones(w.shape), b=None) != 0
    found["the bias is missing where no tap reaches"] = plain + bias * reached
    found["every sample is computed from the first"] = result(x=x[[0, 0]])
    raw_x, raw_w = (values.ravel()[::-1].reshape(values.shape) for values in (x, w))
    for name, operands in (
        ("x", {"x": raw_x}), ("w", {"w": raw_w}), ("x and w", {"x": raw_x, "w": raw_w}),
    ):  # fmt: skip
        sentence = "is read as if it were contiguous: its strides are ignored"
        found[f"the memory of {name} {sentence}"] = result(**operands)
    return found


def shaped(problem, result, name, entries):
    """The result with the high padding that leads to the right size."""
    pairs = entries if name == "padding" else problem.padding
    strides = entries if name == "stride" else problem.stride
    sizes = result().shape[2:]
    padding = []
    for (lo, hi), size, wanted, s in zip(pairs, sizes, problem.output_size, strides, strict=True):
        more = size - wanted if problem.transposed else s * (wanted - size)
        padding.append((lo, hi + more))
    return result(padding=padding)


@pytest.mark.parametrize("problem", [PROBLEM, FORWARD], ids=lambda problem: problem.kind)
def test_what_each_suspect_gives(problem):
    found, wanted = dict(suspects(problem, *problem.arrays())), expected(problem)
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name](), values, rtol=0, atol=1e-12, err_msg=name)


def test_only_what_can_be_is_suspected():
    """One axis, channel and sample: no groups, no bias, no other layout."""
    problem = Problem((3,), (2,), dtype="complex128")
    x, w, _ = problem.arrays()
    found = dict(suspects(problem, x, w, None))
    assert not [name for name in found if "bias" in name or "memory of" in name]
    assert not [name for name in found if "sample" in name or "groups" in name or "axes of" in name]
    for name, operands in (("kernel", (x, w.conj())), ("input", (x.conj(), w))):
        values = found[f"the {name} is conjugated"]()
        np.testing.assert_allclose(values, conv_transpose(*operands), rtol=0, atol=1e-14)
    square = Problem((3,), (2,), in_channels=4, out_channels=4, groups=2, dtype="float64")
    x, w, _ = square.arrays()
    name = "transposed layout: the weight's two channel axes are exchanged within each group"
    values = dict(suspects(square, x, w, None))[name]()
    exchanged = np.concatenate([w[:2].swapaxes(0, 1), w[2:].swapaxes(0, 1)])
    np.testing.assert_allclose(values, conv_transpose(x, exchanged, groups=2), rtol=0, atol=1e-14)
