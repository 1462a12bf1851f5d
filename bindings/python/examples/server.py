"""A FastAPI application that holds every caller to a quota, which all its workers share:

    SEGMENT=/dev/shm/quota uvicorn server:app --workers 4

So do servers in other languages on the same segment. POLICY is the limits, or, with POLICY_FILE, the
name of a policy in that file. Each API key has a quota of its own; callers without one share that of
their address.
"""

import os

from fastapi import FastAPI

from tidegate import Limiter, PolicyFile
from tidegate.asgi import RateLimitMiddleware
from tidegate.http import api_key, client_address, first_of

policy = os.environ.get("POLICY", "100/minute; 10/second token-bucket")
if file := os.environ.get("POLICY_FILE"):
    policy = PolicyFile(file)[policy]

app = FastAPI()
app.add_middleware(
    RateLimitMiddleware,
    limiter=Limiter(policy, segment=os.environ.get("SEGMENT")),
    key=first_of(api_key(), client_address()),
    style="x-ratelimit, ietf",
)


@app.get("/")
async def welcome() -> dict[str, object]:
    return {"message": "Welcome.", "worker": os.getpid()}
