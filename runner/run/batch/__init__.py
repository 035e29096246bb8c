"""Many transcripts, one run each, through the same clients under the same limits.

`inputs` finds the files, `work` does them, `tally` counts, `folder` keeps the table of results,
`told` is what the batch says of itself, `plan` foretells it, `console` shows it.
"""
