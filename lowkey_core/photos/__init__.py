"""Photographs: decoding untrusted files, and writing files without metadata."""
