#!{python} -BIS
"""A provider of things in a very small cloud, which anybody can change behind the engine's back.

It speaks the plugin protocol, version 5, with messages made by hand: there is no generated code to keep, and no more
of the protocol than Terraform asks for. https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol
"""

import json
import os
import sys
import threading
import urllib.error
import urllib.request
import uuid
from concurrent import futures
from pathlib import Path

# What pip has installed is beside this file, and nothing else is looked for.
sys.path.insert(0, str(Path(__file__).resolve().parent / "packages"))

import grpc  # noqa: E402

Fields = dict[int, list[bytes]]


# Protocol buffers

def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value: bytes | int | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(message: bytes) -> Fields:
    """Those with a length; nothing else is asked for."""
    found: Fields = {}
    at = 0

    def number() -> int:
        nonlocal at
        shift = total = 0
        while True:
            byte = message[at]
            at += 1
            total |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return total

    while at < len(message):
        key = number()
        length = number()
        if key & 7 == 2:
            found.setdefault(key >> 3, []).append(message[at : at + length])
            at += length
    return found


# Values: Terraform sends MessagePack and reads JSON as well.

def unpacked(data: bytes, at: int = 0):
    """A value, and where the next one begins. Of what is not known yet, `...`."""
    kind = data[at]
    if kind == 0xC0:
        return None, at + 1
    if 0xA0 <= kind <= 0xBF:
        end = at + 1 + (kind & 0x1F)
        return data[at + 1 : end].decode(), end
    if kind in (0xD9, 0xDA):
        width = 1 if kind == 0xD9 else 2
        start = at + 1 + width
        end = start + int.from_bytes(data[at + 1 : start])
        return data[start:end].decode(), end
    if 0x80 <= kind <= 0x8F:
        at, found = at + 1, {}
        for _ in range(kind & 0x0F):
            key, at = unpacked(data, at)
            found[key], at = unpacked(data, at)
        return found, at
    if kind == 0xD4:
        return ..., at + 3
    raise ValueError(f"cannot unpack {kind:#x}")


def packed(value) -> bytes:
    if value is ...:
        return b"\xd4\x00\x00"
    if value is None:
        return b"\xc0"
    if isinstance(value, str):
        data = value.encode()
        return b"\xda" + len(data).to_bytes(2) + data
    return bytes([0x80 | len(value)]) + b"".join(packed(k) + packed(v) for k, v in value.items())


def value_of(message: Fields, number: int):
    inner = fields(message.get(number, [b""])[0])
    if 1 in inner:
        return unpacked(inner[1][0])[0]
    return json.loads(inner[2][0]) if 2 in inner else None


def dynamic(value) -> bytes:
    return field(1, packed(value))


# The cloud

def asked(method: str, name: str, content: str = "") -> str | None:
    """What it answers; `None` where there is no such thing."""
    request = urllib.request.Request(f"{os.environ['CLOUD']}/{name}", method=method)
    request.data = content.encode() if method == "PUT" else None
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


# The resource

def attribute(name: str, **flags: int) -> bytes:
    numbers = {"required": 4, "computed": 6}
    text = field(1, name) + field(2, b'"string"')
    return text + b"".join(field(numbers[flag], is_set) for flag, is_set in flags.items())


def schema(*attributes: bytes) -> bytes:
    return field(2, b"".join(field(2, one) for one in attributes))


THING = schema(attribute("name", required=1), attribute("content", required=1), attribute("id", computed=1))
NOTHING = schema()


def get_schema(_: Fields) -> bytes:
    entry = field(1, "drifting_thing") + field(2, THING)
    return field(1, NOTHING) + field(2, entry)


def upgrade(message: Fields) -> bytes:
    raw = fields(message[3][0])
    return field(1, dynamic(json.loads(raw[1][0])))


def read(message: Fields) -> bytes:
    state = value_of(message, 2)
    content = asked("GET", state["name"])
    return field(1, dynamic(None if content is None else {**state, "content": content}))


def plan(message: Fields) -> bytes:
    proposed = value_of(message, 3)
    if proposed is not None and proposed.get("id") is None:
        proposed["id"] = ...
    return field(1, dynamic(proposed))


def apply(message: Fields) -> bytes:
    prior, planned = value_of(message, 2), value_of(message, 3)
    if planned is None:
        asked("DELETE", prior["name"])
    else:
        asked("PUT", planned["name"], planned["content"])
        if planned["id"] is ...:
            planned["id"] = uuid.uuid4().hex
    return field(1, dynamic(planned))


def prepared(message: Fields) -> bytes:
    return field(1, message.get(1, [b""])[0])


def nothing(_: Fields) -> bytes:
    return b""


def stop(_: Fields) -> bytes:
    OVER.set()
    return b""


OVER = threading.Event()
CALLS = {
    "/tfplugin5.Provider/GetSchema": get_schema,
    "/tfplugin5.Provider/PrepareProviderConfig": prepared,
    "/tfplugin5.Provider/ValidateResourceTypeConfig": nothing,
    "/tfplugin5.Provider/UpgradeResourceState": upgrade,
    "/tfplugin5.Provider/Configure": nothing,
    "/tfplugin5.Provider/ReadResource": read,
    "/tfplugin5.Provider/PlanResourceChange": plan,
    "/tfplugin5.Provider/ApplyResourceChange": apply,
    "/tfplugin5.Provider/Stop": nothing,
    "/grpc.health.v1.Health/Check": lambda _: field(1, 1),
    "/plugin.GRPCController/Shutdown": stop,
}


class Calls(grpc.GenericRpcHandler):
    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        answer = CALLS.get(details.method)
        if answer is None:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda message, _: answer(fields(message)))


def main() -> None:
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Calls()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"1|5|tcp|127.0.0.1:{port}|grpc", flush=True)
    while not OVER.wait(1) and os.getppid() != 1:
        pass
    server.stop(1)


if __name__ == "__main__":
    sys.exit(main())
