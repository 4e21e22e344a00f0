"""Which inputs a part of an output needs: integers alone, for arrays that lie anywhere.

A tile of ``y = conv_transpose(x, w, b, ...)`` is a transposed convolution of a slice of x with a
padding of its own.  With ``i*stride + t*dilation - lo == o`` the outputs [a, b) read the inputs

    ceil((a + lo - dilation*(kernel_size - 1)) / stride)   to   floor((b - 1 + lo) / stride),

and the inputs [a, b) reach the outputs ``a*stride - lo`` to
``(b - 1)*stride + dilation*(kernel_size - 1) - lo``.  A convolution with the same numbers reads
the second range and reaches the first.

Gradients are tiled alike.  With ``y, pullback = conv_transpose_vjp(x[tile.input], w, ...)`` and
``dx, dw, db = pullback(dy[tile.output])`` for each tile, dw and db are the sums over all tiles of
theirs, and the dx of all tiles, added where they overlap, are dx.  Without overlap a tile of dx is
one of ``conv(dy, w)``: ``conv_tiles`` of y's size with the same parameters and the padding
``(lo, hi - output_padding)``.
"""

from tconv.tiles.cutting import Tile, conv_tiles, conv_transpose_tiles
from tconv.tiles.reach import (
    context,
    conv_halo,
    conv_transpose_halo,
    input_range_of,
    output_range_of,
    receptive_field,
)

__all__ = [
    "Tile",
    "context",
    "conv_halo",
    "conv_tiles",
    "conv_transpose_halo",
    "conv_transpose_tiles",
    "input_range_of",
    "output_range_of",
    "receptive_field",
]
