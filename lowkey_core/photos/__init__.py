"""Photographs: untrusted files in, clean files out."""
