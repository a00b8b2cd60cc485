"""How work is done: kept when finished, named by what made it, written whole or not at all."""
