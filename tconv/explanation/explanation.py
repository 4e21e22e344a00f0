"""The explanation of one call: its terms, and the ways to look at them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tconv._core.arguments import Shape, fail
from tconv.explanation import animation, text
from tconv.explanation.data import plain
from tconv.explanation.plots import new_axes, render
from tconv.explanation.sums import Sums
from tconv.explanation.views import ANIMATED, VIEWS, check_view

if TYPE_CHECKING:
    from matplotlib.axes import Axes

View = Literal["distribution", "collection", "matrix", "phases"]
AnimatedView = Literal["distribution", "collection"]
NOTEBOOK = 5000  # elements of x and w up to which a notebook shows the page


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Sums):
    """What ``tconv.explain`` finds about one call; it never changes.

    ``x``, ``w``, ``b`` and ``y`` are the arrays of the call, read once.  Indices are those of
    these arrays; where there is one sample and one channel of each, the spatial part is enough.

    >>> import tconv
    >>> print(tconv.explain.sizes(2, 3, stride=2))
    conv_transpose: x (1, 1, 2), w (1, 1, 3) -> y (1, 1, 5), letters for values
    stride 2, padding 0, output_padding 0, dilation 1, groups 1
    <BLANKLINE>
    Size: (n - 1)*stride + dilation*(k - 1) + 1 - lo - hi + output_padding
        axis 0: (2 - 1)*2 + 1*(3 - 1) + 1 - 0 - 0 + 0 = 5
    <BLANKLINE>
    Phases: which taps meet at which outputs, as seen after cropping (x is 0 outside)
        axis 0:
            y[2*q] = x[q]*w[0] + x[q - 1]*w[2]
            y[2*q + 1] = x[q]*w[1]
    <BLANKLINE>
    Coverage: 6 of 6 products are kept, 0 are cropped;
        taps that reach each output position:
        1  1  2  1  1
    <BLANKLINE>
    Elements:
        y[0] = x[0]*w[0] = a*w0
        y[1] = x[0]*w[1] = a*w1
        y[2] = x[0]*w[2] + x[1]*w[0] = a*w2 + b*w0
        y[3] = x[1]*w[1] = b*w1
        y[4] = x[1]*w[2] = b*w2
    """

    def __str__(self) -> str:
        """Sizes, phases, coverage and the first elements, as text."""
        return text.summary(self)

    def __repr__(self) -> str:
        """The shapes."""
        return f"<tconv.Explanation of {text.shapes(self)}>"

    def text(self, index: Any) -> str:
        """Why an element of y is what it is: its sum with the numbers filled in, and on each axis
        the inputs and taps that meet there.  Args and Raises: those of ``terms``."""
        return text.element(self, self.orders.y.canonical(index))

    def data(self) -> dict[str, Any]:
        """Parameters and arrays as values that ``json`` writes, with which ``html`` fills its page:
        x, w, b and y are None where there are none; they have batch and channels first.

        Raises: TypeError for complex arrays.
        """
        return plain(self)

    def html(self, path: str | PathLike[str] | None = None) -> str:
        """The interactive page: one HTML document that needs nothing but a browser.

        Args:
            path: of a file to write it to; None for none.

        Returns: the document.

        Raises: TypeError for complex arrays.
        """
        values = self.data()
        from tconv.explanation.page import page

        document = page(values)
        if path is not None:
            Path(path).write_text(document, encoding="utf-8")
        return document

    def _repr_html_(self) -> str | None:
        """The page for a notebook, in a frame of its own so that no style leaks; None, and with it
        the one line of ``repr``, where the page cannot show the arrays or grew too long."""
        if self.x.dtype.kind == "c" or self.w.dtype.kind == "c":
            return None
        if self.x.size + self.w.size > NOTEBOOK:
            return None
        return (
            f'<iframe srcdoc="{escape(self.html())}" title="{escape(repr(self))}" '
            f'style="width: 100%; height: 720px; border: 0"></iframe>'
        )

    def plot(
        self, index: Any = None, view: View = "distribution", *, ax: Axes | None = None
    ) -> Axes:
        """Draw one sample and one output channel.

        Args:
            index: of the element of y to put in focus; None for none, and the first sample and
                output channel.
            view: ``"distribution"``, the shifted kernels and the frame that padding crops them
                to; ``"collection"``, the flipped kernel over the zero-inserted, padded input;
                ``"matrix"``, the rows of the transposed matrix; ``"phases"``, which taps meet in
                which outputs.
            ax: matplotlib axes to draw on, which are cleared; without, those of a new figure
                that is as large as it needs.

        Returns: the axes; ``.figure.savefig(path)`` saves them.  Arrays of more than 16 positions
            along an axis are cut around the focus, with a note.

        Raises: ValueError for an index or a view that there is not, and for an empty x, w or y;
            ImportError without matplotlib.
        """
        drawing = VIEWS[check_view(view, VIEWS)](self, self._drawn(index))
        axes = new_axes(drawing.rows, drawing.columns) if ax is None else ax
        render(drawing, axes)
        return axes

    def animate(
        self,
        path: str | PathLike[str],
        view: AnimatedView = "distribution",
        *,
        index: Any = None,
    ) -> Path:
        """Write an animation: one input a frame, or one output a frame.

        Args:
            path: of a .gif, or of an .mp4 where the program ffmpeg is installed.
            view: ``"distribution"``, an input a frame, or ``"collection"``, an output a frame.
            index: of an element of the sample and output channel to show; None for the first.

        Returns: the path.

        Raises: ValueError for a suffix, an index or a view that there is not; ImportError without
            matplotlib or ffmpeg.
        """
        return animation.animate(self, path, check_view(view, ANIMATED), self._drawn(index))

    def _drawn(self, index: Any) -> Shape | None:
        """An index of y in canonical order, if there is anything to draw."""
        plan = self.plan
        if 0 in (plan.batch, plan.in_channels, plan.out_channels):
            rule = "a picture needs at least one sample and one channel of each"
            fail("x, w", None, rule, text.shapes(self), "Leave the picture out.")
        return None if index is None else self.orders.y.canonical(index)
