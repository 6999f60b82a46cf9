"""Versions of models: every candidate logged, the best that passed its gate made champion.

Reads the candidates and their evaluation, writes MLflow and the lake's copy of a promoted bundle;
run by `jobs/register.py`.
"""
