"""Runs stages: arguments -> context -> stage -> ledger -> one JSON line -> exit code.

Reads case and environment, writes `ops.runs`; every script in `jobs/` and every command runs here.
"""
