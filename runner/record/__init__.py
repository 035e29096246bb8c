"""Run and batch directories: files, journal, log, and the answers that are reused from them."""
