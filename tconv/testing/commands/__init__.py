"""The sub-commands of ``python -m tconv``, a module each."""
