"""Predict the rows of one day with the champion, and trace any prediction back.

Reads gold.<case>_features, silver, quarantine and the bundle of the champion; writes
gold.<case>_predictions; run by `jobs/score.py`.
"""
