"""Grounding: checks the quotes of an answer against the transcript.

`grounder` checks an answer, with exact matches from `quotes` and near ones from `near`;
`absent_quotes` reports or removes quotes that are not in the transcript.
"""
