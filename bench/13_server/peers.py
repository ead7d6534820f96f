"""The rows of chapter 13 on aiohttp, in one thread, until the end of its input: each line asks for its port."""

import asyncio
import itertools
import os
import sys
import time

from aiohttp import web

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "support"))
from answer_port import answer_port_until_the_end  # noqa: E402

numbers = itertools.count(1)
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def healthz(request):
    return web.json_response({"status": "ok"}, headers=HEADERS)


async def run(request):
    try:
        asked = await request.json()
    except ValueError:
        return web.json_response({"error": "the body is no JSON"}, status=400, headers=HEADERS)
    if asked["kind"] != "empty":
        return web.json_response({"error": "there is no such kind of jobs"}, status=400, headers=HEADERS)
    now = time.time_ns() // 1_000_000
    job = dict(id=next(numbers), kind="empty", args={}, state="done", result=None, error=None, worker=None,
               deadline_ms=None, submitted_ms=now, started_ms=now, finished_ms=now)  # fmt: skip
    return web.json_response(job, headers=HEADERS)


async def main():
    application = web.Application()
    application.add_routes([web.get("/healthz", healthz), web.post("/run", run)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await answer_port_until_the_end(runner.addresses[0][1])


if __name__ == "__main__":
    asyncio.run(main())
