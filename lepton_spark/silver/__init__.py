"""Make raw text into rows one can trust: typed, unique by key, with instants in UTC.

Reads `bronze.<case>_<source>`, writes `silver.<case>_<source>` and `ops.quarantine`; run by
`jobs/refine.py`.

A row that breaks its contract goes to quarantine with reason codes; every row of bronze ends in
exactly one of the two tables. A row that says it was known only after the moment of a run, even
years after, is kept and not used by that run: `known_at` in `knowledge` sees to that.
Text is kept as it came: two spellings of one letter (NFC and NFD, full width) are two values.
"""
