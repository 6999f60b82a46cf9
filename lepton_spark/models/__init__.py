"""The model zoo: knows tensors, not Spark. Reads and writes no table.

Training and scoring call it.
"""
