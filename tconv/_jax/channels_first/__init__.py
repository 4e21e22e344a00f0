"""Forms that compute with channels outermost, as PyTorch lays out arrays."""
