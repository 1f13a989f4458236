"""Signal → arrays."""
