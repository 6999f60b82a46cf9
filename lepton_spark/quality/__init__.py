"""What a row must keep to, what becomes of those that do not, and that none is lost.

Reads rows that a stage hands over, writes nothing; `silver` runs it.
"""
