"""Features: what was known of each row at the moment of its day, and nothing that needs fitting.

Reads silver.<case>_<source> as known at the moment of the run; writes gold.<case>_features; run by
jobs/features.py.
"""
