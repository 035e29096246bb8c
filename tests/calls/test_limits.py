from __future__ import annotations

import asyncio
import gc
import math

import pytest

from runner.base.errors import CallError, NotRunError
from runner.base.event_loops import run_virtually
from runner.calls.admission.limits import Admission, Slots, Ticket


def test_slots_go_to_the_lowest_rank_in_any_order_of_arrival() -> None:
    async def main() -> list[str]:
        admission, slots, order = Admission(), Slots(1), []

        async def hold(name: str, rank: float) -> None:
            async with admission.admit((slots,), Ticket(name, rank)):
                order.append(name)
                await asyncio.sleep(1)

        await asyncio.gather(hold("short", -1), hold("long", -9), hold("middle", -5))
        return order

    order = run_virtually(main)

    assert order == ["long", "middle", "short"]


def test_no_more_than_size_are_held_at_once() -> None:
    async def main() -> int:
        admission, slots, held, most = Admission(), Slots(3), 0, 0

        async def hold() -> None:
            nonlocal held, most
            async with admission.admit((slots,), Ticket()):
                held += 1
                most = max(most, held)
                await asyncio.sleep(1)
                held -= 1

        await asyncio.gather(*(hold() for _ in range(10)))
        return most

    most = run_virtually(main)

    assert most == 3


def test_a_cancelled_waiter_loses_no_slot() -> None:
    async def main() -> float:
        admission, slots = Admission(), Slots(1)

        async def hold() -> None:
            async with admission.admit((slots,), Ticket()):
                await asyncio.sleep(1)

        first = asyncio.create_task(hold())
        waiter = asyncio.create_task(hold())
        last = asyncio.create_task(hold())
        await asyncio.sleep(0.5)
        waiter.cancel()
        await asyncio.gather(first, last)
        return asyncio.get_running_loop().time()

    ended = run_virtually(main)

    assert ended == 2.0


def test_a_waiter_cancelled_in_the_turn_of_its_grant_gives_the_slot_back() -> None:
    async def main() -> float:
        admission, slots = Admission(), Slots(1)

        async def hold() -> None:
            async with admission.admit((slots,), Ticket()):
                await asyncio.sleep(1)

        doomed = asyncio.create_task(hold())
        await asyncio.sleep(0)  # it has asked
        asyncio.get_running_loop().call_soon(doomed.cancel)  # runs after the grant
        await asyncio.wait([doomed])
        await asyncio.create_task(hold())
        return asyncio.get_running_loop().time()

    ended = run_virtually(main)

    assert ended == 1.0


class Paced:
    """Lets one in every *every_s* seconds."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self.next_at = 0.0

    def wait_s(self, now: float, ticket: Ticket) -> float:
        return max(0.0, self.next_at - now)

    def enter(self, now: float, ticket: Ticket) -> None:
        self.next_at = now + self.every_s

    def leave(self, now: float, ticket: Ticket) -> None: ...


class Refusing:
    """Never has room."""

    def wait_s(self, now: float, ticket: Ticket) -> float:
        return 0.0

    def enter(self, now: float, ticket: Ticket) -> None:
        raise NotRunError("budget", "used up")

    def leave(self, now: float, ticket: Ticket) -> None:
        raise AssertionError("left without having entered")


class Weighed(Slots):
    """Room for *size* tokens."""

    def wait_s(self, now: float, ticket: Ticket) -> float:
        return 0.0 if self.held + ticket.tokens <= self.size else math.inf

    def enter(self, now: float, ticket: Ticket) -> None:
        self.held += ticket.tokens

    def leave(self, now: float, ticket: Ticket) -> None:
        self.held -= ticket.tokens


def test_an_attempt_holds_nothing_while_it_waits_for_another_limit() -> None:
    """`both` lacks the busy limit only; meanwhile the free one is still free."""

    async def main() -> list[tuple[str, float]]:
        admission, busy, free, order = Admission(), Slots(1), Slots(1), []

        async def hold(name: str, *limits: Slots) -> None:
            async with admission.admit(limits, Ticket(name)):
                order.append((name, asyncio.get_running_loop().time()))
                await asyncio.sleep(10)

        first = asyncio.create_task(hold("first", busy))
        await asyncio.sleep(1)
        both = asyncio.create_task(hold("both", free, busy))
        await asyncio.sleep(1)
        await asyncio.gather(first, both, hold("other", free))
        return order

    order = run_virtually(main)

    assert order == [("first", 0.0), ("other", 2.0), ("both", 12.0)]


def test_a_small_attempt_does_not_overtake_a_large_one_with_the_same_limits() -> None:
    async def main() -> list[str]:
        admission, room, order = Admission(), Weighed(10), []

        async def hold(name: str, tokens: int) -> None:
            async with admission.admit((room,), Ticket(name, tokens=tokens)):
                order.append(name)
                await asyncio.sleep(1)

        await asyncio.gather(hold("half", 5), hold("large", 10), hold("small", 1))
        return order

    assert run_virtually(main) == ["half", "large", "small"]


def test_equal_ranks_go_in_the_order_in_which_they_asked() -> None:
    async def main() -> list[int]:
        admission, slots, order = Admission(), Slots(1), []

        async def hold(number: int) -> None:
            async with admission.admit((slots,), Ticket(rank=1.0)):
                order.append(number)
                await asyncio.sleep(1)

        await asyncio.gather(*(hold(number) for number in range(20)))
        return order

    assert run_virtually(main) == list(range(20))


def test_a_rate_limit_is_checked_again_when_its_wait_is_over() -> None:
    async def main() -> list[float]:
        admission, paced, slots, at = Admission(), Paced(2.5), Slots(9), []

        async def hold() -> None:
            async with admission.admit((slots, paced), Ticket()):
                at.append(asyncio.get_running_loop().time())

        await asyncio.gather(*(hold() for _ in range(4)))
        return at

    assert run_virtually(main) == [0.0, 2.5, 5.0, 7.5]


def test_a_limit_that_refuses_for_good_leaves_the_others_as_they_were() -> None:
    async def main() -> int:
        admission, slots = Admission(), Slots(1)
        with pytest.raises(NotRunError, match="used up"):
            async with admission.admit((slots, Refusing()), Ticket()):
                pass
        return slots.held + admission.in_flight

    assert run_virtually(main) == 0


def test_room_is_released_after_an_exception() -> None:
    async def main() -> int:
        admission, slots = Admission(), Slots(1)
        with pytest.raises(ValueError, match="inside"):
            async with admission.admit((slots,), Ticket()):
                raise ValueError("inside")
        return slots.held + admission.in_flight

    assert run_virtually(main) == 0


def test_closing_refuses_waiters_and_new_attempts_but_not_attempts_in_flight() -> None:
    async def main() -> list[tuple[str, float]]:
        admission, slots, ended = Admission(), Slots(1), []

        async def hold(name: str) -> None:
            try:
                async with admission.admit((slots,), Ticket(name)):
                    await asyncio.sleep(10)
            except CallError as error:
                name += f" {error.kind}"
            ended.append((name, asyncio.get_running_loop().time()))

        inside, waiting = (asyncio.create_task(hold(name)) for name in ("inside", "waiting"))
        await asyncio.sleep(3)
        admission.close(NotRunError("interrupted", "the run was interrupted"))
        await asyncio.gather(inside, waiting, hold("late"))
        return ended

    ended = run_virtually(main)

    assert sorted(ended) == [
        ("inside", 10.0),
        ("late interrupted", 3.0),
        ("waiting interrupted", 3.0),
    ]


def test_a_pause_ends_when_its_time_is_over_or_admission_is_closed() -> None:
    async def main() -> list[tuple[str, float]]:
        admission, ended = Admission(), []

        async def pause(seconds: float) -> None:
            try:
                await admission.pause(seconds, Slots(1))
                why = "over"
            except CallError as error:
                why = error.kind
            ended.append((why, asyncio.get_running_loop().time()))

        pauses = [asyncio.create_task(pause(seconds)) for seconds in (2.0, 300.0)]
        await asyncio.sleep(3)
        admission.close(NotRunError("interrupted", "the run was interrupted"))
        await asyncio.gather(*pauses, pause(60.0))
        return ended

    ended = run_virtually(main)

    assert ended == [("over", 2.0), ("interrupted", 3.0), ("interrupted", 3.0)]


def test_a_pause_that_is_cancelled_as_admission_closes_leaves_no_failure_behind() -> None:
    async def main() -> list[str]:
        admission, lost = Admission(), list[str]()
        asyncio.get_running_loop().set_exception_handler(lambda _, at: lost.append(at["message"]))
        pause = asyncio.create_task(admission.pause(300.0, Slots(1)))
        await asyncio.sleep(1)
        admission.close(NotRunError("interrupted", "the run was interrupted"))
        pause.cancel()
        await asyncio.wait((pause,))
        del pause
        gc.collect()
        return lost

    assert [] == run_virtually(main)


def test_a_cancelled_waiter_at_the_head_of_the_queue_blocks_no_other() -> None:
    async def main() -> float:
        admission, room = Admission(), Weighed(10)

        async def hold(tokens: int, seconds: float) -> None:
            async with admission.admit((room,), Ticket(tokens=tokens)):
                await asyncio.sleep(seconds)

        long = asyncio.create_task(hold(5, 100.0))
        large = asyncio.create_task(hold(10, 1.0))
        small = asyncio.create_task(hold(1, 1.0))
        await asyncio.sleep(2)
        large.cancel()
        await small
        ended = asyncio.get_running_loop().time()
        await asyncio.wait([long, large])
        return ended

    assert run_virtually(main) == 3.0
