"""Web sessions: sign in, read, sign out here or everywhere, and a new id whenever rights change.

A session is one hash. Its lifetime slides: each read begins it anew. That it ends some day however often it is read,
the field `user` sees to, which has a deadline of its own: a hash without it is no session any more. All sessions of a
user bear one tag, so signing out everywhere is one deletion that needs no list of them. Run it against a node:

    scrubjay serve &
    pip install redis
    python examples/session_store.py

The key is a digest of the id: who can read the cache still cannot take over a session.
"""

import argparse
import hashlib
import secrets
import time
from dataclasses import dataclass

import redis
from redis.client import Pipeline

USER = "user"
"""The field that makes a hash a session."""


@dataclass(frozen=True)
class Session:
    """What a visitor's id stands for."""

    user: str
    data: dict[str, str]


class SessionStore:
    """The sessions of a site.

    `idle_s`: seconds without a read after which a session ends; `lifetime_s`: seconds after which it ends anyway.
    """

    def __init__(self, client: redis.Redis, *, idle_s: int = 1800, lifetime_s: int = 7 * 86_400) -> None:
        self._client = client
        self._idle_s = idle_s
        self._lifetime_s = lifetime_s

    def sign_in(self, user: str, **data: str) -> str:
        """Begins a session and returns its id, for the visitor's cookie."""
        session_id = secrets.token_urlsafe(32)
        key = _key(session_id)
        with self._client.pipeline() as transaction:
            transaction.hsetex(key, USER, user, exat=int(time.time()) + self._lifetime_s)
            if data:
                transaction.hset(key, mapping=data)
            transaction.expire(key, self._idle_s)
            transaction.execute_command("JAY.TAG", key, _tag(user))
            transaction.execute()
        return session_id

    def read(self, session_id: str) -> Session | None:
        """The session, whose lifetime begins anew; None if there is none, for whatever reason."""
        key = _key(session_id)
        with self._client.pipeline() as transaction:
            transaction.hgetall(key)
            transaction.expire(key, self._idle_s)
            fields, _ = transaction.execute()
        user = fields.pop(USER, None)
        if user is None:
            self._client.delete(key)  # what is left of one whose time is over
            return None
        return Session(user, fields)

    def put(self, session_id: str, name: str, value: str, *, lifetime_s: int | None = None) -> bool:
        """Writes a value into the session, for its life or for `lifetime_s` seconds. Whether there is such a session.

        One that ends meanwhile stays ended: the write happens only if the session did not change since it was looked
        at, and is tried again otherwise.
        """
        if name == USER:
            raise ValueError("the user of a session does not change: sign in anew")
        key = _key(session_id)

        def write(transaction: Pipeline) -> bool:
            there = bool(transaction.hexists(key, USER))
            transaction.multi()
            if there and lifetime_s is not None:
                transaction.hsetex(key, name, value, ex=lifetime_s)
            elif there:
                transaction.hset(key, name, value)
            return there

        return bool(self._client.transaction(write, key, value_from_callable=True))

    def rotate(self, session_id: str) -> str | None:
        """Gives the session a new id, as is due when a visitor's rights change. The old one is void from then on.

        Deadlines and tags move along. None if there is no such session; the new id of one that ends meanwhile is as
        void as the old one.
        """
        fresh = secrets.token_urlsafe(32)
        try:
            self._client.rename(_key(session_id), _key(fresh))
        except redis.ResponseError as refused:
            if "no such key" in str(refused):
                return None
            raise
        return fresh

    def sign_out(self, session_id: str) -> bool:
        """Ends one session. Whether there was one."""
        return bool(self._client.delete(_key(session_id)))

    def sign_out_everywhere(self, user: str) -> None:
        """Ends all sessions of a user, on every machine and in every browser, at once."""
        self._client.execute_command("JAY.DELTAG", _tag(user))


def _key(session_id: str) -> str:
    return "session:" + hashlib.sha256(session_id.encode()).hexdigest()


def _tag(user: str) -> str:
    return f"sessions-of:{user}"


def main() -> None:
    """Signs somebody in twice, and out again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="redis://127.0.0.1:6379", help="the node")
    arguments = parser.parse_args()
    with redis.Redis.from_url(arguments.url, decode_responses=True) as client:
        store = SessionStore(client)
        laptop, phone = store.sign_in("ada", device="laptop"), store.sign_in("ada", device="phone")
        other = store.sign_in("grace", device="terminal")
        store.put(laptop, "cart", "3 acorns")
        print("laptop:", store.read(laptop))
        renewed = store.rotate(laptop)
        print("by the old id:", store.read(laptop))
        print("by the new id:", store.read(renewed) if renewed else None)
        store.sign_out_everywhere("ada")
        print("after signing out everywhere:", store.read(renewed) if renewed else None, store.read(phone))
        print("somebody else:", store.read(other))
        store.sign_out(other)


if __name__ == "__main__":
    main()
