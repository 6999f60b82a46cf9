"""Statistics of columns that can be taken in pieces and added up: NumPy and Arrow alone.

Reads Arrow arrays, writes nothing; it runs in the workers of `statistics`.
"""
