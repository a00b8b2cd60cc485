"""What the README and benchmarks/README.md claim, measured. Needs CLOAK_ASSETS."""
