"""The lake: sessions, names, files and the one way a table is read and published."""
