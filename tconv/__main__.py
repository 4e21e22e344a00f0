"""``python -m tconv check`` certifies the installed library on this machine."""

from tconv.testing.command import main

if __name__ == "__main__":
    raise SystemExit(main())
