"""The simulated provider: an OpenAI-compatible loopback server whose behaviour is declared."""

from runner.simulate.behaviour import Arrival, Behaviour, Verdict, check
from runner.simulate.chat import arrival_of, completion, schema_name
from runner.simulate.faults import Fault
from runner.simulate.process import simulated_process
from runner.simulate.replies import Reply, reply_to
from runner.simulate.server import Received, SimulatedProvider

__all__ = [
    "Arrival",
    "Behaviour",
    "Fault",
    "Received",
    "Reply",
    "SimulatedProvider",
    "Verdict",
    "arrival_of",
    "check",
    "completion",
    "reply_to",
    "schema_name",
    "simulated_process",
]
