"""Judge models: metrics with intervals, slices, calibration, and the verdict of the gate.

Reads gold.<case>_dataset and candidate bundles, writes judged bundles and `evaluation.json` beside
them; run by jobs/evaluate.py.
"""
