"""Speed of tconv beside its peers: ``python -m benchmarks numpy`` or ``jax``."""
