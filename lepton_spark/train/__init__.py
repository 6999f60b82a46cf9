"""Fit models: reads gold.<case>_dataset, writes candidate bundles below models/; job `train`."""
