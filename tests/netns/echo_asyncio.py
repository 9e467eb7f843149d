# SPDX-License-Identifier: BSD-2-Clause
"""A server for the tests of unmodified programs: echo with asyncio; "!" asks for what a child process says."""
import asyncio
import sys


async def child_says():
    """Fork, exec, a pipe and a signal, all in the loop that serves the sockets."""
    proc = await asyncio.create_subprocess_exec("/bin/echo", "a child of the server", stdout=asyncio.subprocess.PIPE)
    out, _ = await proc.communicate()
    return out


async def serve(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(await child_says() if data == b"!" else data)
            await writer.drain()
    finally:
        writer.close()


async def ticker():
    """A timer of the same loop."""
    while True:
        await asyncio.sleep(0.05)


async def main():
    server = await asyncio.start_server(serve, sys.argv[1], int(sys.argv[2]))
    asyncio.create_task(ticker())
    async with server:
        await server.serve_forever()


asyncio.run(main())
