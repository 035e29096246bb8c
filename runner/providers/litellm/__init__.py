"""The way out: one request to a provider, one completion or failure back, no policy.

`request` is what crosses the seam, `transport` makes one attempt, `direct` is its short way
(`templates` what to send, `replies` what is read), `launch` the order in which requests leave,
`classify` what a failure was.
"""
