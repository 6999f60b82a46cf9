"""Profiles of clean tables: what their columns hold, when somebody asks.

Reads silver tables and the features of a case, writes `ops.metrics`; run by `lepton statistics`
and by `jobs/measure_tables.py`.
"""
