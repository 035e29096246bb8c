"""The simulated provider: an OpenAI-compatible loopback server whose behaviour is configured."""

from runner.providers.simulated.behaviour import Arrival, Behaviour, PlannedResponse, check
from runner.providers.simulated.chat import arrival_of, completion, schema_name
from runner.providers.simulated.faults import FaultResponse
from runner.providers.simulated.process import IdleProcesses, simulated_process
from runner.providers.simulated.replies import Reply, reply_to

__all__ = [
    "Arrival",
    "Behaviour",
    "FaultResponse",
    "IdleProcesses",
    "PlannedResponse",
    "Reply",
    "arrival_of",
    "check",
    "completion",
    "reply_to",
    "schema_name",
    "simulated_process",
]
