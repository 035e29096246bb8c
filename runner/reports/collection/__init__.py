"""Tables and pages of what the transcripts of a batch say together."""
