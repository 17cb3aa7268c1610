"""A work queue that loses no job: not when a connection breaks, not when a worker dies with one in its hands.

    producer --RPUSH--> jobs --BLMOVE--> jobs:taken:<worker> --LREM--> done
                         ^                      |
                         +------- reap ---------+      where jobs:lease:<worker> has run out

A worker takes a job by moving it, in one step, into a list of its own, and takes it out of there when the work is done.
While it lives it renews a key with a lifetime; the reaper gives back what is in the lists of those whose key is gone.

So a job is done at least once, and may be done twice: a worker that was only slow finishes what was given to another
meanwhile. `Worker.finish` makes that harmless for all that happens in this server: a job's effect, its idempotency key
and its end are one transaction. For what happens elsewhere (mail, a payment), give the other side `Job.id` as the key.

The queue lives in a namespace of its own where nothing is evicted: a full one refuses new jobs instead of losing old
ones. Run it against a node:

    scrubjay serve &
    pip install redis
    python examples/work_queue.py --jobs 1000 --workers 4
"""

import argparse
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import redis
from redis.client import Pipeline

NAMESPACE = "queues"
REMEMBERED_S = 86_400
"""How long it is remembered that a job was done, and a worker that is seen no more: far beyond any lease."""


def connect(url: str) -> redis.Redis:
    """A client of the namespace in which queues live, where nothing is evicted."""
    with redis.Redis.from_url(url) as client:
        client.execute_command("JAY.NAMESPACE", "SET", NAMESPACE, "POLICY", "noeviction")
    return redis.Redis.from_url(url, db=NAMESPACE, decode_responses=True)


@dataclass(frozen=True)
class Job:
    """Something to do."""

    id: str
    payload: str
    text: str
    """As it stands in the queue."""


class Queue:
    """A queue of jobs."""

    def __init__(self, client: redis.Redis, name: str = "jobs") -> None:
        self.client = client
        self.name = name

    def put(self, payload: str) -> str:
        """Adds a job at the end, and returns its id. Refused if there is no room: nothing was added."""
        job_id = uuid.uuid4().hex
        self.client.rpush(self.name, json.dumps({"id": job_id, "payload": payload}))
        return job_id

    def __len__(self) -> int:
        """How many jobs nobody has taken yet."""
        return int(self.client.llen(self.name))

    def reap(self) -> int:
        """Gives back the jobs of workers that are gone, to the front of the queue. How many.

        Any process may do so, as often as it likes: a few times in a lease.
        """
        given_back = 0
        for worker in self.client.zrange(self.key("workers"), 0, -1):
            if self.client.exists(self.key("lease", worker)):
                continue
            while self.client.lmove(self.key("taken", worker), self.name, "RIGHT", "LEFT"):
                given_back += 1
        # Long after its lease: a job that reaches a worker's list late is still found.
        self.client.zremrangebyscore(self.key("workers"), 0, time.time() - REMEMBERED_S)
        return given_back

    def key(self, *parts: str) -> str:
        """The name of a key beside the queue."""
        return ":".join((self.name, *parts))


class Worker:
    """Takes jobs, one after the other.

    `name`: its own among all workers; `lease_s`: seconds without a sign of life after which its jobs go to others.
    """

    def __init__(self, queue: Queue, name: str, *, lease_s: float = 30) -> None:
        self.queue = queue
        self.name = name
        self._lease_s = lease_s
        self._taken = queue.key("taken", name)

    def beat(self) -> None:
        """Renews the lease. Call it now and then during work that takes long."""
        with self.queue.client.pipeline() as transaction:
            transaction.zadd(self.queue.key("workers"), {self.name: time.time()})
            transaction.set(self.queue.key("lease", self.name), 1, px=int(self._lease_s * 1000))
            transaction.execute()

    def take(self, wait_s: float | None = None) -> Job | None:
        """The next job; None if none came in time, which is a third of the lease unless told.

        What is in its own list comes first: it got there by a move whose answer a broken connection did not bring.
        """
        self.beat()
        client, wait_s = self.queue.client, self._lease_s / 3 if wait_s is None else wait_s
        text = client.lindex(self._taken, 0) or client.blmove(self.queue.name, self._taken, wait_s, "LEFT", "RIGHT")
        if text is None:
            return None
        fields = json.loads(text)
        return Job(fields["id"], fields["payload"], text)

    def acknowledge(self, job: Job) -> bool:
        """The work is done, elsewhere. False if the job was given to another worker meanwhile: it is done twice."""
        return bool(self.queue.client.lrem(self._taken, 1, job.text))

    def finish(self, job: Job, effect: Callable[[Pipeline], None]) -> bool:
        """Does what `effect` adds to a transaction, and ends the job with it. False if another had done it already."""
        done = self.queue.key("done", job.id)

        def once(transaction: Pipeline) -> bool:
            is_first = not transaction.exists(done)
            transaction.multi()
            if is_first:
                effect(transaction)
                transaction.set(done, self.name, ex=REMEMBERED_S)
            transaction.lrem(self._taken, 1, job.text)
            return is_first

        return bool(self.queue.client.transaction(once, done, value_from_callable=True))

    def run(self, handle: Callable[["Worker", Job], None], stop: threading.Event) -> None:
        """Takes jobs and lets `handle` do and end them, until `stop` is set; through broken connections."""
        while not stop.is_set():
            try:
                job = self.take()
                if job is not None:
                    handle(self, job)
            except redis.ConnectionError:
                continue  # what it has taken is in its list


def main() -> None:
    """Adds numbers up, many at once, and reaps meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="redis://127.0.0.1:6379", help="the node")
    parser.add_argument("--jobs", type=int, default=1000, help="how many")
    parser.add_argument("--workers", type=int, default=4, help="how many at once")
    arguments = parser.parse_args()

    def add_up(worker: Worker, job: Job) -> None:
        worker.finish(job, lambda transaction: transaction.incrby("example:total", int(job.payload)))

    with connect(arguments.url) as client:
        client.delete("example:total")
        queue, stop = Queue(client, "example:jobs"), threading.Event()
        workers = [Worker(queue, f"worker-{number}", lease_s=3) for number in range(arguments.workers)]
        threads = [threading.Thread(target=worker.run, args=(add_up, stop)) for worker in workers]
        for thread in threads:
            thread.start()
        for number in range(arguments.jobs):
            queue.put(str(number))
        expected = sum(range(arguments.jobs))
        while int(client.get("example:total") or 0) < expected:
            queue.reap()
            time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        print(f"{arguments.jobs} jobs add up to {client.get('example:total')}")


if __name__ == "__main__":
    main()
