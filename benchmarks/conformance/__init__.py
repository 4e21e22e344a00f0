"""The scoreboard: which framework computes which transposed convolution right."""
