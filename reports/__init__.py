"""Output formats. Each file exports `build() -> (AuditReport -> str)`; none imports torch."""
