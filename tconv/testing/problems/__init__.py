"""A problem, the fixed table of corners, and simpler problems of the same sort."""
