"""Network architectures that several plugins share."""
