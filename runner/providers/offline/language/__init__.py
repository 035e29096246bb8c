"""Language: sentences, words, cue phrases and term weights of English text."""
