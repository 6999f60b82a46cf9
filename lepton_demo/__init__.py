"""Data for the example cases, written as an operator would get them."""
