"""Mutants that no test can tell from the package, and why: by the name of the mutant."""

EQUIVALENTS: dict[str, str] = {}
