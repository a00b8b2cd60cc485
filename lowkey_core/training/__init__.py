"""Training of the networks that ship with this project: `zoo train`, `synthetic train`."""
