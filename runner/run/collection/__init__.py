"""Collection: the stages that read all transcripts of a batch, after its runs.

`material` shows the findings of the runs in prompts, `caller` asks, `replies` reads ids and texts,
`themes` reduces findings to themes in a `tree` of calls, `contrasts` and `synthesis` read themes,
`collect` runs the stages and writes collection/themes.json from the `state`, within `bounds`;
`forecast` predicts them.
"""
