"""What a limiter decides, takes and refuses."""

from __future__ import annotations

import inspect
import threading
from collections import ChainMap, OrderedDict, UserDict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

import tidegate
from tidegate import CostAboveQuotaError, Error, InvalidError, Limit, Limiter, ManualClock, Policy, PolicyFile
from tidegate.http import Gate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_text_and_its_bytes_are_one_key(limiter: Limiter) -> None:
    assert limiter.allow("käse")
    assert limiter.allow("käse".encode())
    assert not limiter.allow("käse")
    assert limiter.allow(b"\xff\x00")


@pytest.mark.parametrize("key", [1, None, bytearray(b"a"), ["a"]])
def test_other_things_are_no_keys(limiter: Limiter, key: Any) -> None:
    for call in (
        limiter.allow,
        limiter.check,
        limiter.peek,
        limiter.reset,
        lambda key: limiter.check_many([key]),
    ):
        with pytest.raises(TypeError, match="a key is str or bytes, not"):
            call(key)


def test_errors_have_the_codes_of_all_languages(limiter: Limiter) -> None:
    too_long = "k" * (tidegate.MAX_KEY_BYTES + 1)
    for code, call in [
        ("empty-key", lambda: limiter.check("")),
        ("key-too-long", lambda: limiter.allow(too_long)),
        ("zero-cost", lambda: limiter.check("a", 0)),
        ("zero-cost", lambda: limiter.check("a", -1)),
        ("cost-above-quota", lambda: limiter.check("a", 3)),
        ("cost-above-quota", lambda: limiter.check("a", 2**70)),
        ("cost-count", lambda: limiter.check("a", {"hour": 1})),
        ("zero-cost", lambda: limiter.check("a", {})),
        ("options", lambda: Limiter("1/minute", max_keys=0)),
        ("options", lambda: Limiter("1/minute", on_full="burst")),  # type: ignore[arg-type]
        ("options", lambda: limiter.acquire("a", timeout=-1.0)),
        ("options", lambda: limiter.peek("a").headers("x")),
        ("policy", lambda: Policy([])),
        ("policy-file", lambda: PolicyFile("/nowhere/policies.toml")),
    ]:
        with pytest.raises(ValueError) as raised:  # noqa: PT011, the code says more
            call()
        assert isinstance(raised.value, InvalidError)
        assert raised.value.code == code
    assert limiter.peek("a").remaining == 3


@pytest.mark.parametrize("number", [-1, 2**64, 10**30])
def test_numbers_out_of_range_are_named(limiter: Limiter, clock: ManualClock, number: int) -> None:
    for name, call in [
        ("max_keys", lambda: Limiter("1/minute", max_keys=number)),
        ("quota", lambda: Limit("a", number, 60)),
        ("burst", lambda: Limit("a", 1, 60, algorithm="token-bucket", burst=number)),
        ("max_body", lambda: Policy("1/minute", max_body=number)),
        ("max_body", lambda: Gate(limiter, max_body=number)),
        ("retry_after", lambda: limiter.check("a").headers(retry_after=number)),
        ("retry_after", lambda: limiter.check("a").raw_headers(retry_after=number)),
        ("limit", lambda: tidegate.content_too_large(number)),
        ("retry_after_seconds", lambda: tidegate.rate_limited(number)),
        ("the time", lambda: clock.set_ns(number)),
    ]:
        with pytest.raises(InvalidError, match=rf"^{name} is {number}; expected a whole number from 0 to"):
            call()
    for wrong in (number, 300):
        with pytest.raises(InvalidError, match="prefix"):
            tidegate.Proxies(ipv6_prefix=wrong)
    with pytest.raises(TypeError, match="max_keys is an int, not float"):
        Limiter("1/minute", max_keys=1.5)  # type: ignore[arg-type]


def test_a_cost_that_never_passes_says_so(limiter: Limiter) -> None:
    with pytest.raises(CostAboveQuotaError, match="ever admits at once") as raised:
        limiter.allow("a", 3)
    assert (raised.value.limit, raised.value.cost, raised.value.most) == ("second", 3, 2)


def test_costs_by_the_names_of_limits(clock: ManualClock) -> None:
    limiter = Limiter("requests: 2/minute; tokens: 1000/minute token-bucket", clock=clock)
    assert limiter.check("a", {"requests": 1, "tokens": 900})
    denied = limiter.check("a", cost={"tokens": 900, "requests": 1})
    assert denied.violated == ("tokens",)
    assert limiter.allow("a", {"tokens": 100})
    limiter.refund("a", {"tokens": 250})
    assert [status.remaining for status in limiter.peek("a").limits] == [1, 250]


@pytest.mark.parametrize("mapping", [MappingProxyType, UserDict, ChainMap, OrderedDict])
def test_costs_by_any_mapping(clock: ManualClock, mapping: Callable[[dict[str, int]], Any]) -> None:
    limiter = Limiter("requests: 5/minute; tokens: 10/minute", clock=clock)
    assert limiter.check("a", mapping({"tokens": 6}))
    assert not limiter.allow("a", mapping({"tokens": 6, "requests": 1}))
    limiter.refund("a", mapping({"tokens": 2}))
    assert [status.remaining for status in limiter.peek("a").limits] == [5, 6]
    with pytest.raises(InvalidError, match="given for the limit `hour`"):
        limiter.check("a", mapping({"hour": 1}))
    with pytest.raises(TypeError, match=r"a mapping of the limits' names to ints, not .*list"):
        limiter.check("a", [("tokens", 6)])  # type: ignore[arg-type]


def test_a_batch_decides_as_single_checks_do(clock: ManualClock) -> None:
    keys = [f"key-{i * i % 7}" for i in range(50)]
    batch = Limiter("3/minute", clock=clock).check_many(iter(keys))
    single = Limiter("3/minute", clock=clock)
    assert list(batch) == [single.check(key) for key in keys]
    assert batch.allowed == [bool(decision) for decision in batch]
    assert len(batch) == 50
    assert batch[-1] == batch[49]
    with pytest.raises(IndexError):
        batch[50]


def test_a_batch_has_a_cost_or_one_for_each_key(clock: ManualClock) -> None:
    limiter = Limiter("5/minute", clock=clock)
    assert limiter.check_many(("a", b"b"), 3).allowed == [True, True]
    assert limiter.check_many({"a": 0, "b": 0}, costs=[2, 3]).allowed == [True, False]
    with pytest.raises(ValueError, match="1 costs were given for 2 keys"):
        limiter.check_many(["a", "b"], [1])
    with pytest.raises(Error):
        limiter.check_many(["c", ""])
    assert limiter.peek("c").remaining == 5
    assert list(limiter.check_many([])) == []


def test_refund_and_reset(limiter: Limiter) -> None:
    assert limiter.check("a", 2).allowed
    assert not limiter.peek("a").limits[1].remaining
    limiter.refund("a")
    assert limiter.allow("a")
    limiter.reset("a")
    assert limiter.check("a").remaining == 2


def test_a_joint_check_takes_all_or_nothing(clock: ManualClock) -> None:
    users, organisations = Limiter("3/minute", clock=clock), Limiter("4/minute", clock=clock)
    assert tidegate.check_all([(users, "alice", 3), (organisations, b"acme", 3)])
    denied = tidegate.check_all([(users, "bob", 2), (organisations, "acme", 2)])
    assert not denied
    assert not denied.allowed
    assert [decision.allowed for decision in denied.decisions] == [True, False]
    assert denied.reported == denied.decisions[1]
    assert users.peek("bob").remaining == 3
    assert tidegate.check_all([(users, "bob"), (organisations, "acme")])
    with pytest.raises(InvalidError) as raised:
        tidegate.check_all([(users, "a"), (users, "b")])
    assert raised.value.code == "joint"


def test_a_joint_check_takes_a_cost_for_each_limit(clock: ManualClock) -> None:
    users = Limiter("requests: 3/minute; tokens: 900/minute", clock=clock)
    organisations = Limiter("1000/minute", clock=clock)
    ask = [(users, "alice", {"requests": 1, "tokens": 600}), (organisations, "acme", 600)]
    assert tidegate.check_all(ask)
    assert not tidegate.check_all(ask)
    assert [limit.remaining for limit in users.peek("alice").limits] == [2, 300]
    with pytest.raises(InvalidError, match="`tokns`"):
        tidegate.check_all([(users, "alice", {"tokns": 1})])


def test_decisions_outlive_their_limiter(clock: ManualClock) -> None:
    decision = Limiter("2/minute", clock=clock).check("a")
    batch = Limiter("2/minute", clock=clock).check_many(["a", "b"])
    Limiter("7/day", clock=clock).check("a")
    assert (decision.limit, decision.remaining) == (2, 1)
    assert batch[1].policy == Policy("2/minute")


def test_a_decision_that_somebody_has_stays_as_it_is(clock: ManualClock) -> None:
    limiter = Limiter("9/minute", clock=clock)
    kept = [limiter.check("a") for _ in range(3)]
    for expected in (5, 4, 3):
        decision = limiter.check("a")
        assert (decision.remaining, limiter.peek("b").remaining) == (expected, 9)
    assert [one.remaining for one in kept] == [8, 7, 6]
    assert len({id(one) for one in [*kept, decision]}) == 4


@pytest.mark.parametrize("name", ["allow", "check"])
def test_the_usual_calls_take_arguments_as_all_do(clock: ManualClock, name: str) -> None:
    limiter = Limiter("one: 10/minute; two: 10/minute", clock=clock)
    call, described = getattr(limiter, name), getattr(tidegate._tidegate.Limiter, name)
    for arguments, named in [
        (("a",), {}),
        (("a", 1), {}),
        (("a",), {"cost": 1}),
        ((), {"key": "a"}),
        ((), {"key": "a", "cost": 1}),
        ((), {"cost": 1, "key": "a"}),
        (("a", {"one": 1, "two": 1}), {}),
        ((), {"cost": {"one": 1, "two": 1}, "key": b"a"}),
    ]:
        assert call(*arguments, **named)
    assert limiter.peek("a").remaining == 2
    for arguments, named in [
        ((), {}),
        (("a", 1, 1), {}),
        (("a",), {"key": "a"}),
        (("a", 1), {"cost": 1}),
        ((), {"cost": 1}),
        (("a",), {"costs": 1}),
    ]:
        with pytest.raises(TypeError, match=rf"Limiter\.{name}\(\) "):
            call(*arguments, **named)
    with pytest.raises(TypeError):
        described(object(), "a")
    assert str(inspect.signature(described)) == "(self, /, key, cost=1)"
    assert described.__qualname__ == f"Limiter.{name}"


def test_a_full_table(clock: ManualClock) -> None:
    admitted = {}
    for on_full in ("overflow", "deny", "allow"):
        limiter = Limiter("1/minute", max_keys=1, clock=clock, on_full=on_full)  # type: ignore[arg-type]
        assert limiter.allow("first")
        admitted[on_full] = [limiter.allow(key) for key in ("second", "third")]
        assert limiter.counters()["overflowed"] == 2
        assert not limiter.check("fourth").tracked
    assert admitted == {"overflow": [True, False], "deny": [False, False], "allow": [True, True]}


def test_counters(limiter: Limiter) -> None:
    assert [limiter.allow("a") for _ in range(4)] == [True, True, False, False]
    counters = limiter.counters()
    assert (counters["admitted"], counters["denied"]) == (2, {"minute": 0, "second": 2})


def test_many_threads_never_take_too_much() -> None:
    limiter = Limiter("1000/hour")
    admitted: list[int] = []

    def take() -> None:
        admitted.append(sum(limiter.allow("a") for _ in range(500)))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(admitted) == 1000


def test_policies_are_values() -> None:
    burst = Limit("burst", 10, 1.0, algorithm="token-bucket", burst=20)
    policy = Policy([Limit("minute", 100, 60), burst], name="free", report="tightest", max_body=5_000_000)
    assert str(policy) == str(Policy("100/minute; burst: 10/second token-bucket burst=20"))
    assert (policy.name, policy.report, policy.max_body) == ("free", "tightest", 5_000_000)
    assert policy.limits[1] == burst
    assert policy != Policy("100/minute")
    assert Limiter(policy).policy == policy
    assert hash(policy) == hash(Policy(policy.limits, name="free", report="tightest", max_body=5_000_000))
    for wrong in [
        lambda: Limit("minute", 100, 60, algorithm="leaky"),  # type: ignore[arg-type]
        lambda: Limit("minute", 100, 60, burst=5),
        lambda: Limit("Minute", 100, 60),
        lambda: Limit("minute", 100, 60, unit="apples"),  # type: ignore[arg-type]
        lambda: Policy("1/minute", report="all"),  # type: ignore[arg-type]
    ]:
        with pytest.raises(InvalidError):
            wrong()


def test_a_policy_file(tmp_path: Path) -> None:
    text = '[free]\nlimits = "100/minute"\nmax_body = "5 MB"\n\n[pro]\nlimits = "1000/minute"\n'
    path = tmp_path / "policies.toml"
    path.write_text(text)
    for policies in (PolicyFile(path), PolicyFile.from_toml(text)):
        assert list(policies) == policies.names() == ["free", "pro"]
        assert len(policies) == 2
        assert "pro" in policies
        assert policies.get("fre") is None
        assert policies["free"].max_body == 5_000_000
        with pytest.raises(InvalidError, match="did you mean `free`"):
            policies["fre"]
    assert Limiter(PolicyFile(path)["pro"]).check("a").limit == 1000
