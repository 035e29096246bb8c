"""Whether somebody has said what an answer quotes: exactly (`quotes`), nearly (`near`), or not.

`grounder` checks an answer, `invented` says what is to become of quotes that nobody has said.
"""
