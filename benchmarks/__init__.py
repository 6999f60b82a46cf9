"""Measurements: ours, the peers and the limit in one invocation; each writes a JSON file."""
