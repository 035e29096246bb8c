"""Providers through litellm: sends one request, returns one completion or raises one failure.

`transport` makes one attempt, with `http` (litellm's provider configurations over our `session`)
or `acompletion`; `choice` selects between them. `errors` classifies failures.
"""
