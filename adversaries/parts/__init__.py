"""What several adversaries share."""
