"""Mutants that no test can tell from the package, and why: by the name of the mutant."""

EQUIVALENTS: dict[str, str] = {
    "tconv/_numpy/forms/__init__.py <module>: 16 -> 17": "Up to which size an index is kept: it "
    "decides about time and memory alone, and within the bounds of both.",
}
