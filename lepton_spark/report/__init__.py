"""How the candidates of a date were trained and what they reached, as a page.

Reads `ops.metrics` and `evaluation.json`, writes one page of HTML below `reports/` of the lake.
"""
