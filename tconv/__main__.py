"""``python -m tconv``: ``check`` certifies the library on this machine, ``plan`` says which form
computes a problem, ``explain`` which products meet in which output."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tconv import __version__
from tconv.explanation import command as explain
from tconv.testing.commands import check, plan

COMMANDS = (check, plan, explain)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sub-command that the arguments name; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tconv", description="tools of tconv")
    parser.add_argument("--version", action="version", version=f"tconv {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
