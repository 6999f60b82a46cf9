"""Find better settings: reads train and validate rows of gold.<case>_dataset, never test rows.

Writes a study below models/ and, as long as a trial may go on, a copy of the rows by fold.
"""
