"""The numbers that textbooks, lectures and well-known answers print."""

from __future__ import annotations

from typing import Any, NamedTuple


class Example(NamedTuple):
    """One printed example: what the operation ``op`` makes of x and w."""

    name: str
    op: str
    x: list[Any]
    w: list[Any]
    y: list[Any]
    stride: int = 1
    padding: int = 0


EXAMPLES = [
    # 1-D, a weighted sum of shifted kernels
    Example(
        "lecture_1d",
        "conv_transpose",
        [[[2, 3, 0, -1]]],
        [[[1, 2, -1]]],
        [[[2, 7, 4, -4, -2, 1]]],
    ),
    # the same at stride 2: size s(W-1)+w = 9
    Example(
        "lecture_1d_stride2",
        "conv_transpose",
        [[[2, 3, 0, -1]]],
        [[[1, 2, -1]]],
        [[[2, 4, 1, 6, -3, 0, -1, -2, 1]]],
        stride=2,
    ),
    # a convolution shows the kernel reversed
    Example(
        "lecture_impulse_conv",
        "conv",
        [[[0, 0, 1, 0, 0, 0, 0]]],
        [[[1, 2, 3]]],
        [[[3, 2, 1, 0, 0]]],
    ),
    # a transposed convolution does not
    Example(
        "lecture_impulse_transposed",
        "conv_transpose",
        [[[0, 0, 1, 0, 0, 0, 0]]],
        [[[1, 2, 3]]],
        [[[0, 0, 1, 2, 3, 0, 0, 0, 0]]],
    ),
    # two impulses
    Example(
        "lecture_layer",
        "conv_transpose",
        [[[1, 0, 0, 0, -1]]],
        [[[1, 2, 1]]],
        [[[1, 2, 1, 0, -1, -2, -1]]],
    ),
    # 2x2 input, 2x2 kernel
    Example(
        "course_basic_2d",
        "conv_transpose",
        [[[[0, 1], [2, 3]]]],
        [[[[0, 1], [2, 3]]]],
        [[[[0, 0, 1], [0, 4, 6], [4, 12, 9]]]],
    ),
    # padding crops the output
    Example(
        "course_padding",
        "conv_transpose",
        [[[[0, 1], [2, 3]]]],
        [[[[0, 1], [2, 3]]]],
        [[[[4]]]],
        padding=1,
    ),
    # stride spreads the kernels
    Example(
        "course_stride",
        "conv_transpose",
        [[[[0, 1], [2, 3]]]],
        [[[[0, 1], [2, 3]]]],
        [[[[0, 0, 0, 1], [0, 0, 2, 3], [0, 2, 0, 3], [4, 6, 6, 9]]]],
        stride=2,
    ),
    # the forward convolution, also W @ x with a 4x9 matrix W
    Example(
        "course_corr2d",
        "conv",
        [[[[0, 1, 2], [3, 4, 5], [6, 7, 8]]]],
        [[[[0, 1], [2, 3]]]],
        [[[[19, 25], [37, 43]]]],
    ),
    # 4x4 ones, kernel 1..16, stride 2, padding 1: why 6 at (0,0) and 12 at (0,1)?
    Example(
        "question_ones",
        "conv_transpose",
        [[[[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]]],
        [[[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]]],
        [
            [
                [
                    [6, 12, 14, 12, 14, 12, 14, 7],
                    [12, 24, 28, 24, 28, 24, 28, 14],
                    [20, 40, 44, 40, 44, 40, 44, 22],
                    [12, 24, 28, 24, 28, 24, 28, 14],
                    [20, 40, 44, 40, 44, 40, 44, 22],
                    [12, 24, 28, 24, 28, 24, 28, 14],
                    [20, 40, 44, 40, 44, 40, 44, 22],
                    [10, 20, 22, 20, 22, 20, 22, 11],
                ]
            ]
        ],
        stride=2,
        padding=1,
    ),
    # the four-buffer example
    Example(
        "answer_s1p0",
        "conv_transpose",
        [[[[2, 4], [0, 1]]]],
        [[[[3, 1], [1, 5]]]],
        [[[[6, 14, 4], [2, 17, 21], [0, 1, 5]]]],
        stride=1,
        padding=0,
    ),
    # the four-buffer example
    Example(
        "answer_s1p1",
        "conv_transpose",
        [[[[2, 4], [0, 1]]]],
        [[[[3, 1], [1, 5]]]],
        [[[[17]]]],
        stride=1,
        padding=1,
    ),
    # the four-buffer example
    Example(
        "answer_s2p0",
        "conv_transpose",
        [[[[2, 4], [0, 1]]]],
        [[[[3, 1], [1, 5]]]],
        [[[[6, 2, 12, 4], [2, 10, 4, 20], [0, 0, 3, 1], [0, 0, 1, 5]]]],
        stride=2,
        padding=0,
    ),
    # the four-buffer example
    Example(
        "answer_s2p1",
        "conv_transpose",
        [[[[2, 4], [0, 1]]]],
        [[[[3, 1], [1, 5]]]],
        [[[[10, 4], [0, 3]]]],
        stride=2,
        padding=1,
    ),
    # full size input_size + kernel_size - 1 = 6; kernel symbols x, y, z = 2, 3, 5
    Example(
        "exercise_1d",
        "conv_transpose",
        [[[1, 4, 3, -2]]],
        [[[2, 3, 5]]],
        [[[2, 11, 23, 25, 9, -10]]],
    ),
]
