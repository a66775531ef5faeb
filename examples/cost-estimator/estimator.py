#!/usr/bin/env python3
"""A cost estimator that knows its prices from a file. It needs nothing but Python, and shows what an estimator of your own has to do.

    ESTIMATOR_SECRET=… ./estimator.py prices.json --listen 127.0.0.1:8090

The contract stands in docs/costs.md.
"""

import argparse
import hashlib
import hmac
import json
import os
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Bytes of a question.
LIMIT = 512 << 20


def price(prices: dict, kind: str, values: dict | None) -> Decimal | None:
    """What one resource costs a month; None where the file does not know it."""
    if values is None:
        return Decimal(0)
    known = prices.get(kind)
    if known is None:
        return None
    if "by" in known:
        # Not known before the apply, or another value than those that have a price.
        one = known["prices"].get(str(values.get(known["by"])))
    else:
        one = known["price"]
    if one is None:
        return None
    times = values.get(known["times"]) if "times" in known else 1
    return Decimal(one) * Decimal(str(times)) if isinstance(times, (int, float)) else None


def estimate(prices: dict, plan: dict) -> dict:
    resources, unmatched = [], []
    for change in plan.get("resource_changes") or []:
        if change.get("mode", "managed") != "managed":
            continue
        before, after = change["change"].get("before"), change["change"].get("after")
        costs = [price(prices, change["type"], values) for values in (before, after)]
        if None in costs:
            unmatched.append(change["address"])
        else:
            prior, proposed = (format(cost, "f") for cost in costs)
            resources.append(
                {
                    "address": change["address"],
                    "prior_monthly_cost": prior,
                    "proposed_monthly_cost": proposed,
                }
            )
    return {"resources": resources, "unmatched": unmatched}


def handler(prices: dict, secret: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if length > LIMIT:
                return self.answer(413, {"error": "too long"})
            body = self.rfile.read(length)
            said = self.headers.get("x-statehouse-signature") or ""
            own = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
            if secret and not hmac.compare_digest(said, own):
                return self.answer(401, {"error": "the signature is another one"})
            try:
                answer = estimate(prices, json.loads(body)["plan"])
            except (ValueError, KeyError, TypeError) as error:
                return self.answer(422, {"error": repr(error)})
            return self.answer(200, answer)

        def answer(self, status: int, document: dict) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("prices", help="a JSON file of prices by type of resource")
    arguments.add_argument("--listen", default="127.0.0.1:8090", metavar="ADDRESS:PORT")
    given = arguments.parse_args()
    with open(given.prices) as file:
        prices = json.load(file)
    address, _, port = given.listen.rpartition(":")
    secret = os.environ.get("ESTIMATOR_SECRET", "")
    server = ThreadingHTTPServer((address, int(port)), handler(prices, secret))
    print(f"estimates costs at http://{address}:{server.server_port}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
