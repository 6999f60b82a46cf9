"""Features to training rows: reads gold features, writes gold.<case>_dataset; job `prepare`.

Whatever is fitted is fitted here, after the split, on training rows only.
"""
