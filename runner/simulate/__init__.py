"""The simulated provider: an OpenAI-compatible loopback server whose behaviour is declared."""

from runner.simulate.behaviour import Arrival, Behaviour, Verdict, check
from runner.simulate.chat import arrival_of, completion, schema_name
from runner.simulate.faults import Fault
from runner.simulate.process import Idle, simulated_process
from runner.simulate.replies import Reply, reply_to

__all__ = [
    "Arrival",
    "Behaviour",
    "Fault",
    "Idle",
    "Reply",
    "Verdict",
    "arrival_of",
    "check",
    "completion",
    "reply_to",
    "schema_name",
    "simulated_process",
]
