"""Every number of a transposed convolution, and why it is what it is."""
