"""Forms that compute with channels innermost, for arrays that arrive channels-last.

Operands and results have PyTorch's order as everywhere in the backend; each form brings them to
its own order first and back at the end, and XLA cancels that against the caller's.  Blocked arrays
are (groups, batch, *blocks, *phases, channels): a copy moves runs of all channels, where one of
a channels-first form moves single values of an array that lies channels-last.
"""

from tconv._jax.channels_last import convolution, depthwise, scatter, windows

__all__ = ["convolution", "depthwise", "scatter", "windows"]
