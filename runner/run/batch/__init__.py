"""Batch: runs a pipeline over many transcripts with shared clients and limits.

`batch_run` runs the files, `plan` predicts them, `tally` counts results, `summary` makes the
batch's benchmark.json and metadata.json, `console` shows the progress.
"""
