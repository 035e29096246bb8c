"""The simulated provider: an OpenAI-compatible loopback server whose behaviour is declared."""

from runner.providers.simulated.behaviour import Arrival, Behaviour, Verdict, check
from runner.providers.simulated.chat import arrival_of, completion, schema_name
from runner.providers.simulated.faults import Fault
from runner.providers.simulated.process import Idle, simulated_process
from runner.providers.simulated.replies import Reply, reply_to

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
