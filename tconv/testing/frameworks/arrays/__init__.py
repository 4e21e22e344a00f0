"""Functions of a framework's arrays as the checks take them, with its own pullback."""
