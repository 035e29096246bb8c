"""What every room uses: errors, text, keys, files, tables, tokens, threads and time."""
