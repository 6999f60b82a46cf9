"""Look at what was refused, and judge it again after a fix.

Reads `bronze.<case>_<source>`, writes `silver.<case>_<source>` and `ops.quarantine`; run by
`lepton quarantine` and `jobs/replay.py`.
"""
