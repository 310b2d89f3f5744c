"""The endpoint: an ASGI application around one network."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cnnkit.data.inputs import Input
from cnnkit.serving.batching import Batcher
from cnnkit.serving.interface import document, interface_page
from cnnkit.serving.limits import Limits
from cnnkit.serving.metrics import CONTENT_TYPE, Metrics
from cnnkit.serving.reading import body_of, inputs_in
from cnnkit.training.use.naming import Naming
from cnnkit.training.use.prediction import compiled
from cnnkit.training.use.trained import Trained

_GONE = 499  # as nginx counts a client that did not wait for its answer


def application(trained: Trained, name: str, limits: Limits) -> Starlette:
    """The endpoint of a network.

    Args:
        trained: The network.
        name: What it is called.
        limits: What is taken on at once.
    """
    return _Service(trained, name, limits).application()


class _Service:
    """Reads requests, has their inputs computed, and answers."""

    def __init__(self, trained: Trained, name: str, limits: Limits) -> None:
        trained.require_one()
        self._trained = trained
        self._naming = Naming.of(trained)
        self._limits = limits
        self._ready = False
        self._active = 0
        self._described = document(trained, name, limits)
        answer, _ = compiled(trained)
        self._batcher = Batcher(
            answer, trained.spec.input, limits.batch, lambda size: self._metrics.batch(size)
        )
        self._metrics = Metrics(lambda: self._active, lambda: self._batcher.waiting)
        # So many bodies are decoded at once, whatever is waiting: decoding needs the most memory.
        readers = os.cpu_count() or 1
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="decode")
        self._reading = asyncio.Semaphore(readers)
        self._fault = ""

    def application(self) -> Starlette:
        """The routes, and what runs beside them."""
        routes = [
            Route("/", self._page),
            Route("/predict", self._predict, methods=["POST"]),
            Route("/health", self._health),
            Route("/ready", self._readiness),
            Route("/metrics", self._counted),
            Route("/openapi.json", self._document),
        ]
        return Starlette(
            routes=routes,
            lifespan=self._lifespan,
            exception_handlers={HTTPException: _refused},  # type: ignore[dict-item]
        )

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        work = asyncio.create_task(self._work())
        try:
            yield
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._batcher.close()
            self._readers.shutdown(wait=True, cancel_futures=True)

    async def _work(self) -> None:
        try:
            await self._batcher.warm()
        except (RuntimeError, MemoryError) as error:  # JAX's own are RuntimeErrors
            self._fault = f"the network cannot be computed: {_first_line(error)}"
            print(f"cnnkit: {self._fault}", file=sys.stderr, flush=True)
            return
        self._ready = True
        await self._batcher.work()

    async def _predict(self, request: Request) -> Response:
        begun, status = time.perf_counter(), 500
        try:
            response = await self._admitted(request)
            status = response.status_code
        except HTTPException as error:
            status = error.status_code
            raise
        except ClientDisconnect:
            status = _GONE
            return Response(status_code=_GONE)
        finally:
            self._metrics.request(status, time.perf_counter() - begun)
        return response

    async def _admitted(self, request: Request) -> Response:
        """The answer to a request, unless there are too many before it."""
        if not self._ready:
            told = self._fault or "the network is not ready yet"
            raise HTTPException(503, told, {"Retry-After": "1"})
        if self._active >= self._limits.queue:
            raise HTTPException(
                429,
                f"{self._active:,} requests are waiting, and no more are taken: try again later",
                {"Retry-After": "1", "Connection": "close"},
            )
        self._active += 1
        try:
            return await self._answered(request)
        finally:
            self._active -= 1

    async def _answered(self, request: Request) -> Response:
        naming = replace(self._naming, top=_top(request))
        loop, limits, step = asyncio.get_running_loop(), self._limits, 408
        record = self._trained.preprocessing
        try:
            async with asyncio.timeout(limits.time):
                content = await _content(request, limits.size)
                step = 504
                body = await body_of(content, request.headers, limits.examples)
                async with self._reading:
                    found = await loop.run_in_executor(
                        self._readers, inputs_in, body, record, limits
                    )
                sound = [each.values for each in found if isinstance(each, Input)]
                outputs = await self._batcher.outputs(np.stack(sound)) if sound else None
        except TimeoutError:
            told = "the body did not come" if step == 408 else "there was no answer"
            raise HTTPException(
                step, f"{told} within {limits.time:g} seconds", {"Connection": "close"}
            ) from None
        except (RuntimeError, MemoryError) as error:
            raise HTTPException(
                500, f"the network cannot be computed: {_first_line(error)}"
            ) from error
        if outputs is None:
            outputs = np.zeros((0, len(naming.names)), np.float32)
        entries = [each.name if isinstance(each, Input) else each for each in found]
        named = [each.to_dict() for each in naming.named(entries, outputs)]
        if all(each["error"] for each in named):
            told = "; ".join(each["error"] for each in named)
            return JSONResponse({"error": told, "predictions": named}, 422)
        return JSONResponse({"predictions": named})

    async def _page(self, _: Request) -> Response:
        return HTMLResponse(interface_page(self._described))

    async def _health(self, _: Request) -> Response:
        return (
            PlainTextResponse(f"{self._fault}\n", 503) if self._fault else PlainTextResponse("ok\n")
        )

    async def _readiness(self, _: Request) -> Response:
        if self._ready:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"{self._fault or 'the network is not ready yet'}\n", 503)

    async def _counted(self, _: Request) -> Response:
        return Response(self._metrics.text(), media_type=CONTENT_TYPE)

    async def _document(self, _: Request) -> Response:
        return JSONResponse(self._described)


async def _content(request: Request, limit: int) -> bytes:
    """The body of a request, of which no more is read than may be.

    Raises:
        HTTPException: 413 where it is larger.
        ClientDisconnect: The client is gone.
    """
    large = HTTPException(
        413, f"the body has more than {limit:,} bytes, the limit", {"Connection": "close"}
    )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise large
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise large
    return bytes(content)


def _top(request: Request) -> int:
    asked = request.query_params.get("top", "3")
    if not asked.isdecimal() or not 0 < len(asked) < 6 or int(asked) < 1:
        raise HTTPException(422, f"top={asked[:20]}: give a whole number from 1 on")
    return int(asked)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300] or type(error).__name__


async def _refused(_: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)
