"""A cloak as it reaches the world."""
