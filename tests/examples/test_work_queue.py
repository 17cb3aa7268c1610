"""The work queue among the examples, against a node whose connections are killed."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from types import ModuleType

import pytest
import redis

from harness.servers import Server
from harness.waiting import eventually


@pytest.fixture
def connect(example: ModuleType, ours: Server) -> Iterator[Callable[[], redis.Redis]]:
    """Clients of the emptied namespace for queues."""
    with ExitStack() as stack:

        def client() -> redis.Redis:
            return stack.enter_context(example.connect(f"redis://127.0.0.1:{ours.port}"))

        client().flushdb()
        yield client


def connections(admin: redis.Redis, worker: redis.Redis) -> list[str]:
    """The ids of a worker's connections."""
    ports = {str(connection._sock.getsockname()[1]) for connection in _open(worker)}
    return [row["id"] for row in admin.client_list() if row["addr"].rsplit(":", 1)[1] in ports]


def _open(client: redis.Redis) -> list[redis.Connection]:
    pool = client.connection_pool
    every = [*pool._available_connections, *pool._in_use_connections]
    return [connection for connection in every if connection._sock is not None]


def is_waiting(admin: redis.Redis, worker: redis.Redis) -> bool:
    """Whether the worker's connection waits for a job."""
    ids = connections(admin, worker)
    return any(row["id"] in ids and "b" in row["flags"] for row in admin.client_list())


def kill(admin: redis.Redis, worker: redis.Redis) -> int:
    """Kills the connections of a worker; how many."""
    return sum(admin.client_kill_filter(_id=number) for number in connections(admin, worker))


def through_broken_connections(act: Callable[[], bool]) -> bool:
    """Tries until it is answered: a killed connection's end may reach the client only when it has sent something."""
    while True:
        try:
            return act()
        except redis.ConnectionError:
            continue


def test_jobs_are_done_in_order_and_once(example: ModuleType, connect: Callable[[], redis.Redis]) -> None:
    queue = example.Queue(connect())
    worker = example.Worker(queue, "w")
    ids = [queue.put(f"job {number}") for number in range(10)]
    assert len(queue) == 10
    for number, job_id in enumerate(ids):
        job = worker.take()
        assert (job.id, job.payload) == (job_id, f"job {number}")
        assert worker.acknowledge(job)
        assert not worker.acknowledge(job)
    assert worker.take(wait_s=0.001) is None
    assert queue.reap() == 0


def test_a_connection_that_is_killed_while_it_waits_loses_nothing(
    example: ModuleType, connect: Callable[[], redis.Redis]
) -> None:
    admin, client, stop = connect(), connect(), threading.Event()
    queue, done = example.Queue(admin), []

    def handle(worker: object, job: object) -> None:
        done.append(job.payload)  # type: ignore[attr-defined]
        worker.acknowledge(job)  # type: ignore[attr-defined]

    worker = example.Worker(example.Queue(client), "w", lease_s=60)
    thread = threading.Thread(target=worker.run, args=(handle, stop))
    thread.start()
    try:
        for number in range(5):
            eventually(lambda: is_waiting(admin, client), "the worker waits")
            assert kill(admin, client) == 1
            queue.put(str(number))
            eventually(lambda expected=number + 1: len(done) == expected, "the job is done")
    finally:
        stop.set()
        queue.put("last")
        thread.join()
    assert sorted(done) == ["0", "1", "2", "3", "4", "last"]


def test_a_connection_that_is_killed_while_it_holds_a_job_ends_it_all_the_same(
    example: ModuleType, connect: Callable[[], redis.Redis]
) -> None:
    admin, client = connect(), connect()
    queue, worker = example.Queue(admin), example.Worker(example.Queue(client), "w")
    for end in (worker.acknowledge, lambda job: worker.finish(job, lambda _: None)):
        queue.put("hold me")
        job = worker.take()
        assert kill(admin, client) == 1
        assert through_broken_connections(partial(end, job))
        assert worker.take(wait_s=0.001) is None


def test_the_answer_that_a_broken_connection_did_not_bring_is_found_again(
    example: ModuleType, connect: Callable[[], redis.Redis]
) -> None:
    admin = connect()
    queue, worker = example.Queue(admin), example.Worker(example.Queue(connect()), "w")
    job_id = queue.put("taken, and nobody knows")
    queue.put("another")
    admin.lmove("jobs", "jobs:taken:w", "LEFT", "RIGHT")
    assert worker.take().id == job_id


def test_the_jobs_of_a_worker_that_died_go_to_the_next_in_their_place(
    example: ModuleType, connect: Callable[[], redis.Redis]
) -> None:
    admin, client = connect(), connect()
    queue = example.Queue(admin)
    dead, alive = example.Worker(example.Queue(client), "dead"), example.Worker(queue, "alive")
    ids = [queue.put(str(number)) for number in range(3)]
    job = dead.take()
    kill(admin, client)
    assert queue.reap() == 0, "its lease goes on"
    admin.pexpire("jobs:lease:dead", 1)
    eventually(queue.reap, "the lease runs out")
    assert alive.take().id == ids[0]
    assert not dead.acknowledge(job), "it comes back and learns that it was given up"


def test_a_job_that_is_done_twice_has_its_effect_once(example: ModuleType, connect: Callable[[], redis.Redis]) -> None:
    admin = connect()
    queue = example.Queue(admin)
    slow, quick = example.Worker(queue, "slow"), example.Worker(queue, "quick")
    queue.put("5")
    late = slow.take()
    admin.delete("jobs:lease:slow")
    assert queue.reap() == 1
    job = quick.take()
    assert job.id == late.id

    def pay(transaction: redis.client.Pipeline) -> None:
        transaction.incrby("paid", 5)

    assert quick.finish(job, pay)
    assert not slow.finish(late, pay)
    assert admin.get("paid") == "5"
    assert admin.exists("jobs", "jobs:taken:slow", "jobs:taken:quick") == 0


def test_no_job_is_lost_while_connections_are_killed_at_random(
    example: ModuleType, connect: Callable[[], redis.Redis]
) -> None:
    admin, stop, chance = connect(), threading.Event(), random.Random(1)
    queue, jobs = example.Queue(admin), 300

    def handle(worker: object, job: object) -> None:
        worker.finish(job, lambda transaction: transaction.incrby("total", int(job.payload)))  # type: ignore[attr-defined]

    clients = [connect() for _ in range(3)]
    workers = [example.Worker(example.Queue(client), f"w{n}", lease_s=0.5) for n, client in enumerate(clients)]
    threads = [threading.Thread(target=worker.run, args=(handle, stop)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for number in range(jobs):
            queue.put(str(number))
            if chance.random() < 0.2:
                victim = chance.choice(admin.client_list(_type="normal"))
                if victim["id"] != str(admin.client_id()):
                    admin.client_kill_filter(_id=victim["id"])

        def is_done() -> bool:
            queue.reap()
            return int(admin.get("total") or 0) == sum(range(jobs))

        eventually(is_done, "every job has its effect, once")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not admin.keys("jobs:taken:*")
    assert len(queue) == 0


def test_it_runs_as_its_docstring_says(run_example: Callable[..., list[str]]) -> None:
    assert run_example("--jobs", "200", "--workers", "3") == ["200 jobs add up to 19900"]
