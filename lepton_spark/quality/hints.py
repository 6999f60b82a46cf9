"""What usually mends a refused row: one line for each reason code."""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    # Told when a file is read.
    # A setting of a format has no effect on files that are landed.
    "short_row": "a cell is missing: a cut line, or set csv.delimiter; landed files take it only as"
    " a new source",
    "long_row": "a cell too many: quote it, or set csv.delimiter; landed files take it only as a"
    " new source",
    "unclosed_quote": 'close it, double it in a cell (no \\"), or csv.quote: null; landed files'
    " take it only as a new source",
    "bad_encoding": "set encoding: latin-1 or cp1252, for example; landed files take it only as a"
    " new source",
    "nul_character": "remove NUL characters from the file; it may be damaged or not be text",
    "cell_too_large": "a cell holds at most 1,048,576 characters: deliver it as a file of its own",
    "unequal_lists": "lists of one record have as many items each: a line may be cut off",
    "bad_json": "each line is one object: is one cut off? landed files take json.records only as a"
    " new source",
    "duplicate_key": "a key is there twice in an object: remove one of them",
    "not_an_object": "each line or item is an object, by json.records; landed files take it only as"
    " a new source",
    "not_nested": "a column a.b is promised and a is no object: deliver one, or promise a itself",
    "file_too_large": "a file holds at most 64 MiB: deliver it smaller",
    "bad_image": "the image cannot be decoded: deliver it again",
    "image_too_large": "an image has at most 100,000,000 pixels: deliver it smaller",
    # Told when rows are held against other rows and tables.
    "not_unique": "another row has the value: correct it upstream, or the contract's `unique`",
    "no_reference": "the other table lacks the value: deliver its row first, or set a severity",
    # Told when a cell is given its type.
    "not_int": "set number.thousands or units under `clean`, or `nulls` for a text that means none",
    "not_number": "set number.decimal, .thousands or units under `clean`, as decimal: ','; a"
    " decimal has no exponent",
    "not_finite": "NaN and infinity are no values: name them in `nulls`, or guard a division in"
    " `derive`",
    "not_boolean": "map the texts to true and false with `spelling` under `clean`",
    "too_many_digits": "raise the scale of the column in the contract, or round upstream",
    "unknown_unit": "add the unit to number.units under `clean`",
    "no_unit": "give the empty unit under number.units where bare numbers have a meaning",
    "bad_date": "set `formats` under `clean`; days that no calendar has are mended upstream",
    "bad_time": "write instants as ISO 8601, or give the pattern under `times`",
    "ambiguous_time": "give the offset from UTC in the text; of a local time set `ambiguous` under"
    " `times`",
    "nonexistent_time": "clocks skip this time when summer time starts: correct the zone or the"
    " time",
    "no_zone": "fill the column of the zone, or name one zone for all rows under `times`",
    "bad_zone": "name a zone of the IANA database, such as Europe/Vienna",
    "date_out_of_range": "years 1678 to 2261 can be held: name a stand-in such as 9999-12-31 in"
    " `nulls`",
    "looks_like_milliseconds": "use timestamp_millis, or divide by 1000, in `derive`",
    "no_known_at": "known_at gives no instant: mend the expression, or coalesce it to a date on"
    " purpose",
    # Told where a value breaks the contract.
    "all_null_key": "an empty line, or no cell of the key is filled: remove it upstream",
    "null_key": "fill the key upstream, or choose another key for the source",
    "missing": "fill the cell upstream, or set required: false in the contract",
    "out_of_range": "correct minimum or maximum in the contract, or the unit upstream",
    "not_allowed": "add the value to validValues in the contract, or map it with `spelling`",
    "bad_pattern": "correct the pattern in the contract, or use blanks: trim under `clean`",
    "too_long": "raise maxLength in the contract",
    # Told where another row of the key counts.
    "exact_duplicate": "nothing to mend: the same row is in silver",
    "older_duplicate": "nothing to mend: of rows with one key and arrival the last counts",
    "near_duplicate": "nothing to mend: a text before it says nearly the same; see near_duplicates",
    "late_duplicate": "the row of this key in silver stays: deliver the correction as a new file",
}


def code_of(reason: str) -> str:
    """The code of a reason, without the column."""
    return reason.partition(":")[0]


def hint_of(reason: str) -> str:
    """What usually mends a reason, one line without a full stop."""
    return HINTS[code_of(reason)]
