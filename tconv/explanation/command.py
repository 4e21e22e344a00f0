"""``python -m tconv explain``: a transposed convolution explained, with letters for values."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tconv.explanation.entry import sizes
from tconv.explanation.views import ANIMATED, VIEWS


def add_to(commands: Any) -> None:
    """Add this command to the sub-parsers of ``python -m tconv``."""
    parser = commands.add_parser("explain", help="say which products meet in which output")
    parser.add_argument("--input", type=_ints, required=True, help="spatial size, such as 4,4")
    parser.add_argument("--kernel", type=_ints, required=True, help="kernel size, such as 4,4")
    parser.add_argument("--stride", type=_ints, default=(1,))
    parser.add_argument(
        "--padding", type=_padding, default=(0,), help="such as 1, 1,2 or, with both sides, 0:1,1:2"
    )
    parser.add_argument("--output-padding", type=_ints, default=(0,))
    parser.add_argument("--dilation", type=_ints, default=(1,))
    parser.add_argument("--index", type=_ints, help="output element to tell of or to draw")
    parser.add_argument("--view", choices=tuple(VIEWS), default="distribution")
    parser.add_argument("--text", action="store_true", help="print it: done too if nothing else is")
    parser.add_argument("--plot", metavar="FILE", help="draw the view: .png, .svg or .pdf")
    parser.add_argument("--gif", metavar="FILE", help=f"animate the view: {' or '.join(ANIMATED)}")
    parser.add_argument("--html", metavar="FILE", help="write the interactive page")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print or write what is asked for: 0, or 2 for what cannot be done."""
    try:
        _explain(options)
    except (ImportError, OSError, ValueError, TypeError) as error:
        print(f"tconv explain: {error}")
        return 2
    return 0


def _explain(options: argparse.Namespace) -> None:
    explanation = sizes(
        options.input,
        options.kernel,
        stride=options.stride,
        padding=options.padding,
        output_padding=options.output_padding,
        dilation=options.dilation,
    )
    if options.text or not (options.plot or options.gif or options.html):
        print(explanation if options.index is None else explanation.text(options.index))
    if options.plot:
        axes = explanation.plot(options.index, options.view)
        figure: Any = axes.get_figure(root=True)
        figure.savefig(options.plot)
    if options.gif:
        explanation.animate(options.gif, options.view, index=options.index)
    if options.html:
        explanation.html(options.html)
    for written in filter(None, (options.plot, options.gif, options.html)):
        print(f"written to {Path(written)}")


def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _padding(text: str) -> Any:
    """``same``, ``same_lower``, or ints and pairs ``lo:hi``."""
    if not any(letter.isdigit() for letter in text):
        return text
    parts = [tuple(int(side) for side in part.split(":")) for part in text.split(",")]
    return tuple(part[0] if len(part) == 1 else part for part in parts)
