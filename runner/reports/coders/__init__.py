"""Agreement of the codings of a run or batch with those of a human coder."""
