"""Find which rows mean the same person, product or place, and make one row of them.

Reads `silver.<case>_<source>`, writes `silver.<case>_<entity>`, a row an entity, and
`silver.<case>_<entity>_members`, a row for each row of a source: which entity it belongs to, how
probable that is and which of its values survived. Run by `jobs/resolve.py`.

Splink learns without labels how much each comparison tells (Fellegi-Sunter); links above the
threshold are gathered into entities here. The same rows give the same entities at any number of
partitions.
"""
