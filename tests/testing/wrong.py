"""Wrong implementations, each right but for the one mistake that its name says."""

from itertools import product

import numpy as np

from tconv import conv_transpose


def ints(padding):
    return [p if isinstance(p, tuple) else (p, p) for p in padding]


def extents(w, dilation):
    return [d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation, strict=True)]


def column(b, x):
    return b.reshape(-1, *[1] * (x.ndim - 2))


def kernel_flipped(x, w, b=None, **kw):
    return conv_transpose(x, np.flip(w, tuple(range(2, w.ndim))), b, **kw)


def first_axis_flipped(x, w, b=None, **kw):
    return conv_transpose(x, np.flip(w, 2), b, **kw)


def last_axis_flipped(x, w, b=None, **kw):
    return conv_transpose(x, np.flip(w, -1), b, **kw)


def output_channels_interleaved(x, w, b=None, *, groups, **kw):
    y = conv_transpose(x, w, None, groups=groups, **kw)
    order = np.arange(y.shape[1]).reshape(groups, -1).T.ravel()
    y = y[:, order]
    return y if b is None else y + column(b, x)


def input_channels_interleaved(x, w, b=None, *, groups, **kw):
    order = np.arange(x.shape[1]).reshape(-1, groups).T.ravel()
    return conv_transpose(x[:, order], w, b, groups=groups, **kw)


def padding_as_input_padding(x, w, b=None, *, padding, stride, **kw):
    outwards = [(-lo * s, -hi * s) for (lo, hi), s in zip(ints(padding), stride, strict=True)]
    return conv_transpose(x, w, b, padding=outwards, stride=stride, **kw)


def padding_as_lax(x, w, b=None, *, padding, dilation, **kw):
    spans = zip(ints(padding), extents(w, dilation), strict=True)
    pairs = [(k - 1 - lo, k - 1 - hi) for (lo, hi), k in spans]
    return conv_transpose(x, w, b, padding=pairs, dilation=dilation, **kw)


def output_padding_at_the_low_side(x, w, b=None, *, padding, output_padding, **kw):
    pairs = [(lo - op, hi) for (lo, hi), op in zip(ints(padding), output_padding, strict=True)]
    return conv_transpose(x, w, b, padding=pairs, **kw)


def output_padding_appends_blanks(x, w, b=None, *, output_padding, **kw):
    y = conv_transpose(x, w, None, **kw)
    y = np.pad(y, [(0, 0), (0, 0), *((0, op) for op in output_padding)])
    return y if b is None else y + column(b, x)


def weight_channels_exchanged(x, w, b=None, *, groups, **kw):
    shape = (groups, -1, *w.shape[1:])
    by_group = w.reshape(shape).swapaxes(1, 2)
    if by_group.shape == w.reshape(shape).shape:
        w = by_group.reshape(w.shape)
    return conv_transpose(x, w, b, groups=groups, **kw)


def dilation_ignored(x, w, b=None, *, dilation, padding, output_padding, **kw):
    axes = zip(ints(padding), extents(w, dilation), w.shape[2:], output_padding, strict=True)
    pairs = [(lo, hi - (e - k) - op) for (lo, hi), e, k, op in axes]
    return conv_transpose(x, w, b, padding=pairs, **kw)


def half_precision(x, w, b=None, **kw):
    y = conv_transpose(x.astype(np.float16), w.astype(np.float16), None, **kw).astype(x.dtype)
    return y if b is None else y + column(b, x)


def tf32(x, w, b=None, **kw):
    def rounded(a):
        bits = np.ascontiguousarray(a).view(np.uint32)
        return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view(np.float32)

    return conv_transpose(rounded(x), rounded(w), b, **kw)


def shifted_low(x, w, b=None, *, padding, **kw):
    pairs = ints(padding)
    pairs[-1] = (pairs[-1][0] + 1, pairs[-1][1] - 1)
    return conv_transpose(x, w, b, padding=pairs, **kw)


def shifted_high(x, w, b=None, *, padding, **kw):
    pairs = ints(padding)
    pairs[0] = (pairs[0][0] - 1, pairs[0][1] + 1)
    return conv_transpose(x, w, b, padding=pairs, **kw)


def border(side, of):
    """Leaves out the first or last input position, kernel tap or output position."""

    def wrong(x, w, b=None, **kw):
        x, w = x.copy(), w.copy()
        at = 0 if side == "first" else -1
        if of == "input":
            x[..., at] = 0
        elif of == "tap":
            w[..., at] = 0
        y = conv_transpose(x, w, None, **kw)
        if of == "output":
            y[..., at] = 0
        return y if b is None else y + column(b, x)

    wrong.__name__ = f"{side}_{of}_left_out"
    return wrong


def only_when(name, condition, mistake=None):
    """Right unless the condition holds for some axis: then doubled, or as the mistake gives."""

    def wrong(x, w, b=None, **kw):
        axes = zip(
            x.shape[2:], w.shape[2:], kw["stride"], ints(kw["padding"]), kw["output_padding"],
            kw["dilation"], extents(w, kw["dilation"]), strict=True,
        )  # fmt: skip
        if any(condition(*axis) for axis in axes):
            return (mistake or doubled)(x, w, b, **kw)
        return conv_transpose(x, w, b, **kw)

    wrong.__name__ = name
    return wrong


def doubled(x, w, b=None, **kw):
    return conv_transpose(2 * x, w, None if b is None else 2 * b, **kw)


def last_group_only(x, w, b=None, *, groups, **kw):
    y = conv_transpose(x, w, b, groups=groups, **kw)
    if groups > 1 and y.size:
        share = y.shape[1] // groups
        y[:, -share:] = y[:, -share:][..., ::-1]
    return y


def second_sample_only(x, w, b=None, **kw):
    y = conv_transpose(x, w, b, **kw)
    if y.shape[0] > 1:
        y[1] *= 1.5
    return y


def strides_ignored(x, w, b=None, **kw):
    base = x
    while isinstance(base.base, np.ndarray):
        base = base.base
    bare = base.ravel(order="K")[: x.size].reshape(x.shape)
    return conv_transpose(bare, w, b, **kw)


def non_contiguous_weight(x, w, b=None, **kw):
    if not w.flags.c_contiguous:
        w = w.ravel(order="K").reshape(w.shape)[..., ::-1]
    return conv_transpose(x, w, b, **kw)


def writes_into_its_input(x, w, b=None, **kw):
    y = conv_transpose(x, w, b, **kw)
    x *= 2
    return y


def writes_into_its_weight(x, w, b=None, **kw):
    w[...] = np.flip(w, -1)
    y = conv_transpose(x, np.flip(w, -1), b, **kw)
    return y


def one_too_small(x, w, b=None, **kw):
    y = conv_transpose(x, w, b, **kw)
    return y[..., :-1] if y.shape[-1] > 1 else y


def one_too_large(x, w, b=None, **kw):
    y = conv_transpose(x, w, b, **kw)
    return np.concatenate([y, y[..., -1:]], axis=-1)


def bias_missed_where_uncovered(x, w, b=None, **kw):
    y = conv_transpose(x, w, None, **kw)
    if b is None:
        return y
    reached = conv_transpose(np.ones_like(x), np.ones_like(w), None, **kw) != 0
    return y + np.where(reached, column(b, x), 0).astype(y.dtype)


def bias_missed(x, w, b=None, **kw):
    return conv_transpose(x, w, None, **kw)


class WrongInOneCallOfThree:
    """Returns something else in every third call."""

    __name__ = "wrong_in_one_call_of_three"

    def __init__(self):
        self.calls = 0

    def __call__(self, x, w, b=None, **kw):
        self.calls += 1
        y = conv_transpose(x, w, b, **kw)
        return y + 1 if self.calls % 3 == 0 else y


class UsesItsBufferAgain:
    """Returns the same array for every result of one shape."""

    __name__ = "uses_its_buffer_again"

    def __init__(self):
        self.buffers = {}

    def __call__(self, x, w, b=None, **kw):
        y = conv_transpose(x, w, b, **kw)
        buffer = self.buffers.setdefault(y.shape, np.empty_like(y))
        buffer[...] = y
        return buffer


def float64_result(x, w, b=None, **kw):
    return conv_transpose(x, w, b, **kw).astype(np.float64)


def zero_times_infinity(x, w, b=None, **kw):
    """Multiplies zeros of a padded kernel, so that a NaN reaches positions beside its taps."""
    y = conv_transpose(x, w, b, **kw)
    return y + 0 * x.sum(axis=tuple(range(1, x.ndim)), keepdims=True)


def not_linear_in_x(x, w, b=None, **kw):
    """Clips large values: no value is wrong while x is small."""
    return conv_transpose(np.clip(x, -3.9, 3.9), w, b, **kw)


def fails_on_empty_batch(x, w, b=None, **kw):
    if x.shape[0] == 0:
        raise ValueError("zero-size array to reduction operation maximum which has no identity")
    return conv_transpose(x, w, b, **kw)


def stride_axes_exchanged(x, w, b=None, *, stride, padding, output_padding, **kw):
    pairs = [(lo, hi - op) for (lo, hi), op in zip(ints(padding), output_padding, strict=True)]
    sizes = zip(x.shape[2:], stride, stride[::-1], strict=True)
    moved = [(lo, hi + (n - 1) * (t - s)) for (lo, hi), (n, s, t) in zip(pairs, sizes, strict=True)]
    return conv_transpose(x, w, b, stride=stride[::-1], padding=moved, **kw)


WRONG = [
    kernel_flipped,
    first_axis_flipped,
    last_axis_flipped,
    output_channels_interleaved,
    input_channels_interleaved,
    padding_as_input_padding,
    padding_as_lax,
    output_padding_at_the_low_side,
    output_padding_appends_blanks,
    weight_channels_exchanged,
    dilation_ignored,
    half_precision,
    tf32,
    shifted_low,
    shifted_high,
    *(border(*b) for b in product(("first", "last"), ("input", "tap", "output"))),
    only_when("only_op_at_least_stride", lambda n, k, s, p, op, d, e: op >= s),
    only_when("only_stride_above_kernel", lambda n, k, s, p, op, d, e: s > e),
    only_when("only_padding_deeper_than_kernel", lambda n, k, s, p, op, d, e: max(p) >= e),
    only_when("only_size_1", lambda n, k, s, p, op, d, e: n == 1),
    only_when("only_kernel_1_flipped_bias", lambda n, k, s, p, op, d, e: k == 1, bias_missed),
    only_when("only_shared_factor", lambda n, k, s, p, op, d, e: np.gcd(s, d) > 1),
    only_when("only_negative_padding", lambda n, k, s, p, op, d, e: min(p) < 0),
    last_group_only,
    second_sample_only,
    strides_ignored,
    non_contiguous_weight,
    writes_into_its_input,
    writes_into_its_weight,
    one_too_small,
    one_too_large,
    bias_missed_where_uncovered,
    bias_missed,
    WrongInOneCallOfThree,
    UsesItsBufferAgain,
    float64_result,
    zero_times_infinity,
    not_linear_in_x,
    fails_on_empty_batch,
    stride_axes_exchanged,
]


def only_above(name, size_of, bound):
    """Right up to a size, as a kernel is that breaks past its first tile."""

    def wrong(x, w, b=None, **kw):
        if size_of(x, w, kw) > bound:
            return doubled(x, w, b, **kw)
        return conv_transpose(x, w, b, **kw)

    wrong.__name__ = name
    return wrong


def last_rows_past_16(x, w, b=None, **kw):
    """A rest that is not a whole tile of 16 positions is left out."""
    y = conv_transpose(x, w, b, **kw)
    rest = y.shape[-1] % 16
    if y.shape[-1] > 16 and rest:
        y[..., -rest:] = 0
    return y


ABOVE = [
    only_above("only_batch_above_3", lambda x, w, kw: x.shape[0], 3),
    only_above("only_groups_above_3", lambda x, w, kw: kw["groups"], 3),
    only_above("only_in_a_group_above_4", lambda x, w, kw: w.shape[0] // kw["groups"], 4),
    only_above("only_out_of_a_group_above_4", lambda x, w, kw: w.shape[1], 4),
    only_above("only_channels_above_12", lambda x, w, kw: x.shape[1], 12),
    only_above("only_channels_above_128", lambda x, w, kw: x.shape[1], 128),
    *(only_above(f"only_kernel_above_{n}", lambda x, w, kw: max(w.shape[2:]), n) for n in (8, 64)),
    *(only_above(f"only_stride_above_{n}", lambda x, w, kw: max(kw["stride"]), n) for n in (8, 64)),
    *(
        only_above(f"only_dilation_above_{n}", lambda x, w, kw: max(kw["dilation"]), n)
        for n in (6, 64)
    ),
    *(
        only_above(f"only_input_above_{n}", lambda x, w, kw: max(x.shape[2:]), n)
        for n in (10, 16, 64, 128)
    ),
    only_above("only_padding_above_32", lambda x, w, kw: max(map(max, ints(kw["padding"]))), 32),
    only_above(
        "only_kernel_and_stride_above_8",
        lambda x, w, kw: max(map(min, zip(w.shape[2:], kw["stride"], strict=True))),
        8,
    ),
    only_above(
        "only_input_and_out_of_a_group_above_16",
        lambda x, w, kw: min(max(x.shape[2:]), w.shape[1]),
        16,
    ),
    last_rows_past_16,
]
WRONG += ABOVE
