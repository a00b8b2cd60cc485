"""How the networks that ship with this project were made: `zoo train`, `synthetic train`."""
