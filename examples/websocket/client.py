#!/usr/bin/env python3
"""A WebSocket client in Python: a ticker, then its updates.

    python3 client.py [ws://127.0.0.1:8765 [exchange [symbol [updates]]]]

It needs the library websockets (Debian: python3-websockets). Reading needs no
token; for writing send the header "Authorization: Bearer <token>".
"""
import asyncio
import json
import sys

import websockets


async def request_ticker(url, exchange, symbol):
    async with websockets.connect(url) as websocket:
        # Request ticker data
        request = {
            "request_id": "req_001",
            "operation": "get_ticker",
            "params": {
                "exchange": exchange,
                "symbol": symbol
            }
        }
        await websocket.send(json.dumps(request))

        # Receive response
        response = await websocket.recv()
        data = json.loads(response)

        if data.get('success'):
            print(f"Ticker: ${data['result']['price']}", flush=True)
        else:
            sys.exit(f"{data['error_code']}: {data['error']}")


async def stream_tickers(url, exchange, symbol, updates):
    """Prints so many updates. A connection that breaks is made again, and begins
    with the present ticker."""
    while updates > 0:
        try:
            async with websockets.connect(url) as websocket:
                await websocket.send(json.dumps({
                    "request_id": "req_002",
                    "operation": "stream_tickers",
                    "params": {
                        "exchange": exchange,
                        "symbols": [symbol]
                    }
                }))
                async for message in websocket:
                    update = json.loads(message)
                    if update.get('success') is False:
                        sys.exit(f"{update['error_code']}: {update['error']}")
                    if update.get('type') == "stream_error":  # it goes on when it can
                        print(f"{update['error_code']}: {update['error']}", flush=True)
                    if update.get('type') != "ticker_update":
                        continue
                    print(f"{update['exchange']} {update['symbol']}: price {update['price']}, volume {update['volume']}, "
                          f"timestamp {update['timestamp']}", flush=True)
                    updates -= 1
                    if updates == 0:
                        return
        except (OSError, websockets.WebSocketException) as reason:
            print(f"disconnected: {reason}", flush=True)
            await asyncio.sleep(1)


async def main(url="ws://127.0.0.1:8765", exchange="binance", symbol="BTC/USDT", updates="10"):
    await request_ticker(url, exchange, symbol)
    await stream_tickers(url, exchange, symbol, int(updates))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
