"""What a run leaves and what is found there again: files, records, the journal, answers by key.

`directory` is a run's, `recorder` writes it while the run goes on, `journal` keeps what was paid;
`keys` digests a call, `known` looks its answer up in an `earlier` session's records or in the
`store` of all runs; `found` looks at a directory and trusts nothing.
"""
