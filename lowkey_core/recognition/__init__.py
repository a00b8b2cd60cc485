"""From pictures to candidates: recognition by a network of ours, or by a service."""
