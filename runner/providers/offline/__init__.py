"""Offline model: a deterministic extractive reader, without network or key.

A reading takes the document (the parsed prompt) and returns an answer as plain data. Each part
imports only itself and the parts before it:

document          a prompt as transcript lines, findings and question
language          sentences, words, cues and patterns, ranking and wording of English text
dialogue          what speakers do with sentences: reasoning, agreement, stance, commitments
synthesis         transcript and findings together: minutes, decisions, threads, risks
readings          the answers of the packaged analyzers, and a generic one
verbatim          quotation marks only around words of the transcript
transport         answers requests in this process
litellm_provider  the same behind litellm
"""
