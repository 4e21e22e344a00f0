"""What follows a property that does not hold: suspects, a diagnosis, and the report."""
