"""What a problem is: its arguments, axes, plan and layout.  No backend, and hardly an array."""
