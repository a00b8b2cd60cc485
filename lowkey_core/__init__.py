"""Faces, embeddings, cloaks. Knows no adversary."""
