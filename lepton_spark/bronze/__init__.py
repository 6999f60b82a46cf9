"""Land raw files as they came.

Reads the landing folder of a case, writes `bronze.<case>_<source>`; run by `jobs/land.py`.
"""
