"""Architectures that several plugins share."""
