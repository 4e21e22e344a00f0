"""An explanation as the plain values that its page is made from."""

from __future__ import annotations

from typing import Any

from tconv.explanation.sums import Sums


def plain(sums: Sums) -> dict[str, Any]:
    """Parameters and arrays as dicts, lists, ints, floats and None alone.

    Arrays are in canonical order, (batch, channels, *spatial) and (in_channels,
    out_channels/groups, *kernel_size), without the batch where x has none.
    """
    plan, layout = sums.plan, sums.call.layout
    parameters = {
        "input_size": list(plan.input_size),
        "kernel_size": list(plan.kernel_size),
        "stride": list(plan.stride),
        "padding": [list(pair) for pair in sums.padding],
        "output_padding": list(sums.output_padding),
        "dilation": list(plan.dilation),
        "groups": plan.groups,
        "in_channels": plan.in_channels,
        "out_channels": plan.out_channels,
        "batch": plan.batch if layout.batched else None,
        "axes": len(plan.axes),
    }
    arrays: dict[str, Any] = dict.fromkeys("xwby")
    dtype = "float32"  # of the calls that the page shows where letters stand for values
    if sums.y is not None:
        if sums.y.dtype.kind == "c":
            raise TypeError(
                f"x, w: the page shows real numbers; got a result of {sums.y.dtype}. Explain the "
                f"real and the imaginary parts, or take text and plot."
            )
        x, y = layout.from_input(sums.x), layout.from_output(sums.y)
        arrays["x"], arrays["y"] = (
            (each if layout.batched else each[0]).tolist() for each in (x, y)
        )
        arrays["w"] = layout.from_kernel(sums.w).tolist()
        arrays["b"] = None if sums.b is None else sums.b.tolist()
        dtype = str(sums.y.dtype)
    return {"parameters": parameters, **arrays, "dtype": dtype}
