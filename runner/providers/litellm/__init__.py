"""Providers through litellm: one request to a provider, one completion or failure back.

`transport` makes one attempt: by `http` (litellm's provider configurations over our `session`)
or by `acompletion`, as `choice` says; `errors` names the kind of a failure.
"""
