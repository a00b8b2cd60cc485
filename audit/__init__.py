"""Measures whether a cloak protects: plan, protocol, metrics, caveats, report."""
