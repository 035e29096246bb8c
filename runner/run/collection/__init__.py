"""Collection: the stages that read all transcripts of a batch, after its runs.

`evidence` gathers the findings of the runs, `material` shows them in prompts, `caller` asks,
`themes` reduces findings to themes in a tree, `contrasts` and `synthesis` read themes, `collect`
runs the stages and writes collection/themes.json, `forecast` predicts them.
"""
