"""The command line: ``python -m benchmarks`` and one of the names of ``COMMANDS``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks import limits, operators, scale, summary
from benchmarks.choice import command as choice
from benchmarks.choice import rates
from benchmarks.conformance import command as conformance
from benchmarks.peers import command as peers
from benchmarks.peers import compiling, gpu

COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    "numpy": partial(peers.main, "numpy"),
    "jax": partial(peers.main, "jax"),
    "gpu": gpu.main,
    "compile": compiling.main,
    "choice": choice.main,
    "conformance": conformance.main,
    "rates": rates.main,
    "limits": limits.main,
    "operators": operators.main,
    "scale": scale.main,
    "summary": summary.main,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that is named first; each has a ``--help``."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments or arguments[0] not in COMMANDS:
        raise SystemExit(f"usage: python -m benchmarks {{{','.join(COMMANDS)}}} [--help]")
    COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    main()
