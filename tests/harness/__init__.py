"""What the tests of real servers share: a raw client, starting and stopping servers, waiting for events.

Nothing here depends on a client library: what a server really sent is the thing under test.
"""
