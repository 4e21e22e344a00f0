"""Times of tconv beside PyTorch's and other libraries', layer by layer."""
