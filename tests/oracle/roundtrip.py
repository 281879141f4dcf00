"""botocore as the oracle of the wire codec.

Answers one JSON line on standard output for each JSON line on standard input:

    {"ask": "request", "service": "ec2", "operation": "RunInstances", "seed": 7}
        -> {"value": {...}, "body": "Action=RunInstances&..."}    a random request, as botocore sends it
    {"ask": "response", ...same...}
        -> {"value": {...}, "body": "<RunInstancesResponse ..."}  a random response and what botocore reads in it
    {"ask": "parse", "service": ..., "operation": ..., "body": "<..."}
        -> {"value": {...}}                                       what botocore reads in this body

Values are in the conventions of `lab::wire`: bytes as base64, times as RFC 3339 with milliseconds and Z.
"""

import base64
import datetime
import json
import random
import sys
from urllib.parse import urlencode
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

WORDS = ["", "web", "a b", "x+y=z&w", "<b>&amp;\"quotes'", "日本語", "10.0.1.0/24", "line\nbreak", "100%", "tab\t", "é", "😀"]
MAX_DEPTH = 6
services = {}


def service(name):
    if name not in services:
        model = Loader().load_service_model(name, "service-2")
        services[name] = ServiceModel(model, service_name=name)
    return services[name]


class Maker:
    """Random values of a shape, as botocore takes them."""

    def __init__(self, seed, request):
        self.random = random.Random(seed)
        self.request = request

    def make(self, shape, depth=0):
        return getattr(self, shape.type_name, self.string)(shape, depth)

    def structure(self, shape, depth):
        share = self.random.choice([0.1, 0.4, 0.9]) if depth < 3 else 0.3
        names = [
            name
            for name, member in shape.members.items()
            if name in shape.required_members
            or (self.random.random() < share and (depth < MAX_DEPTH or self.is_scalar(member)))
        ]
        # An empty structure leaves no trace in a form, so a request cannot hold one.
        if not names and self.request and depth:
            names = [name for name, member in shape.members.items() if self.is_scalar(member)][:1] or list(shape.members)[:1]
        return {name: self.make(shape.members[name], depth + 1) for name in names}

    def list(self, shape, depth):
        least = 1 if self.request else 0
        return [self.make(shape.member, depth + 1) for _ in range(self.random.choice([least, 1, 2, 3 if depth < 4 else 1]))]

    def map(self, shape, depth):
        return {f"key-{i}": self.make(shape.value, depth + 1) for i in range(self.random.randint(1, 3))}

    def string(self, shape, depth):
        if shape.enum and self.random.random() < 0.8:
            return self.random.choice(shape.enum)
        return self.random.choice(WORDS) + self.random.choice(WORDS)

    def integer(self, shape, depth):
        return self.random.choice([0, 1, -1, 8080, 2**31 - 1, -(2**31)])

    def long(self, shape, depth):
        return self.random.choice([0, 1, -1, 2**62, -(2**62)])

    def float(self, shape, depth):
        return self.random.randint(-4000, 4000) / 8 + 0.125

    double = float

    def boolean(self, shape, depth):
        return self.random.random() < 0.5

    def timestamp(self, shape, depth):
        seconds = self.random.randint(0, 2_000_000_000)
        at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        return at.replace(microsecond=self.random.choice([0, 1000 * self.random.randint(1, 999)]))

    def blob(self, shape, depth):
        return self.random.randbytes(self.random.randint(0, 40))

    @staticmethod
    def is_scalar(shape):
        return shape.type_name not in ("structure", "list", "map")


def plain(value):
    """The value in the conventions of lab::wire."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        at = value.astimezone(datetime.timezone.utc)
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
    return value


class Writer:
    """A response's XML, in one of the many layouts that mean the same."""

    def __init__(self, seed=None):
        self.plain = seed is None
        self.random = random.Random(seed)
        self.pretty = not self.plain and self.random.random() < 0.5

    def gap(self):
        return "\n  " if self.pretty else ""

    def element(self, name, shape, value):
        inner = self.inner(shape, value)
        if inner == "" and (self.plain or self.random.random() < 0.5):
            return f"{self.gap()}<{name}/>"
        return f"{self.gap()}<{name}>{inner}</{name}>"

    def inner(self, shape, value):
        kind = shape.type_name
        if kind == "structure":
            parts = [self.element(self.name(shape.members[key], key), shape.members[key], item) for key, item in value.items()]
            if not self.plain:
                self.random.shuffle(parts)
            return "".join(parts) + (self.gap() if parts else "")
        if kind == "list":
            parts = [self.element(self.name(shape.member, "member"), shape.member, item) for item in value]
            return "".join(parts) + (self.gap() if parts else "")
        text = str(plain(value)).lower() if kind == "boolean" else str(plain(value))
        if self.plain:
            return escape(text)
        if kind == "string" and "\n" not in text and self.random.random() < 0.1 and "]]>" not in text:
            return f"<![CDATA[{text}]]>"
        text = escape(text)
        return text.replace("日", "&#26085;").replace("é", "&#xe9;") if self.random.random() < 0.5 else text

    @staticmethod
    def name(shape, default):
        return shape.serialization.get("name", default)


def write_response(model, operation, value, seed):
    shape = operation.output_shape
    if model.metadata["protocol"] == "json":
        return json.dumps(json_of(shape, value))
    writer = Writer(seed)
    inner = writer.inner(shape, value) if shape else ""
    if wrapper := (shape.serialization.get("resultWrapper") if shape else None):
        inner = f"<{wrapper}>{inner}</{wrapper}>"
    space = model.metadata["xmlNamespace"]
    return f'<?xml version="1.0"?><{operation.name}Response xmlns="{space}"><requestId>r</requestId>{inner}</{operation.name}Response>'


def json_of(shape, value):
    if shape.type_name == "structure":
        return {key: json_of(shape.members[key], item) for key, item in value.items()}
    if shape.type_name == "list":
        return [json_of(shape.member, item) for item in value]
    return value.timestamp() if shape.type_name == "timestamp" else plain(value)


def parse(model, operation, body):
    parser = create_parser(model.metadata["protocol"])
    return plain(parser.parse({"body": body.encode(), "headers": {}, "status_code": 200}, operation.output_shape))


def answer(question):
    model = service(question["service"])
    operation = model.operation_model(question["operation"])
    if question["ask"] == "parse":
        return {"value": parse(model, operation, question["body"])}
    seed = f"{question['operation']}/{question['seed']}"
    if question["ask"] == "request":
        value = Maker(seed, request=True).make(operation.input_shape)
        sent = create_serializer(model.metadata["protocol"], include_validation=False).serialize_to_request(value, operation)
        body = sent["body"]
        return {"value": plain(value), "body": urlencode(body) if isinstance(body, dict) else body.decode()}
    value = Maker(seed, request=False).make(operation.output_shape) if operation.output_shape else {}
    body = write_response(model, operation, value, seed)
    return {"value": parse(model, operation, body), "body": body}


def main():
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
