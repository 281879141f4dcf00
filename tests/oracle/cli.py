"""The AWS CLI as the oracle of the `aws` command.

    python cli.py CASES [--sample=N] > RECORDED

runs every case (or every Nth) of CASES (JSON) by the AWS CLI of this Python, versions 1 or 2, against an endpoint of its
own on 127.0.0.1, and writes what happened. AWS_DATA_PATH may name the data directory of a newer botocore, so that an
older AWS CLI knows the model that `lab` has: so cli-v2.json was recorded. A case is

    {"name": ..., "argv": [...], "answers": [...], "files": {"key.pub": "..."}, "env": {...}}

where an answer is {"value": {...}} (a result, keyed by the model's member names), {"fault": [CODE, MESSAGE, STATUS]} or
{"body": ..., "status": ...}. What happened is the case with, for each request, its form parameters or its JSON, and with
exit status, standard output and standard error; "answers" becomes what was sent.
"""

import http.server
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

# First: the AWS CLI puts a botocore of its own in the place of the installed one.
import awscli
import awscli.clidriver

from botocore.loaders import JSONFileLoader

from roundtrip import service, write_response


class Endpoint(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests, self.sent = [], [], []


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        endpoint = self.server
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        if target := self.headers.get("x-amz-target"):
            name, request = target.split(".")[1], {"target": target, "body": json.loads(body)}
            model = service("ssm")
        else:
            pairs = parse_qsl(body, keep_blank_values=True)
            name, request = dict(pairs)["Action"], {"pairs": sorted(pairs)}
            model = service("sts" if name == "GetCallerIdentity" else "ec2")
        endpoint.requests.append(request)
        # The last answer goes for all calls that follow: a waiter asks again and again.
        answer = endpoint.answers[min(len(endpoint.requests), len(endpoint.answers)) - 1] if endpoint.answers else {}
        status, text = self.answer(model, name, answer)
        if len(endpoint.sent) < max(len(endpoint.answers), 1):
            endpoint.sent.append({"status": status, "body": text})
        self.send_response(status)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def answer(self, model, name, answer):
        if "body" in answer:
            return answer.get("status", 200), answer["body"]
        if "fault" in answer:
            code, message, *status = answer["fault"]
            return (status or [400])[0], fault(model, code, message)
        return 200, write_response(model, model.operation_model(name), answer.get("value", {}), None)


def fault(model, code, message):
    if model.metadata["protocol"] == "json":
        return json.dumps({"__type": code, "message": message})
    error = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    if model.metadata["protocol"] == "query":
        return f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"
    return f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>"


def run(case, endpoint, main):
    endpoint.answers, endpoint.requests, endpoint.sent = case.get("answers", []), [], []
    with tempfile.TemporaryDirectory() as directory:
        for name, content in case.get("files", {}).items():
            Path(directory, name).write_text(content)
        out, err = Path(directory, ".out"), Path(directory, ".err")
        child = os.fork()
        if child == 0:
            command(case, endpoint, main, directory, out, err)
        _, status = os.waitpid(child, 0)
        return {
            **case,
            "answers": endpoint.sent,
            "requests": endpoint.requests,
            "exit": os.waitstatus_to_exitcode(status),
            "stdout": out.read_text(),
            "stderr": err.read_text(),
        }


def command(case, endpoint, main, directory, out, err):
    """The child: becomes the command line, in a directory of its own. Never returns."""
    status = 70
    try:
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(directory)
        kept = {"AWS_DATA_PATH": os.environ["AWS_DATA_PATH"]}
        os.environ.clear()
        os.environ.update(
            {
                **kept,
                "HOME": directory,
                "PATH": "/usr/bin:/bin",
                "LC_ALL": "C.UTF-8",
                "TZ": "UTC",
                "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{endpoint.server_port}",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_PAGER": "",
                **case.get("env", {}),
            }
        )
        time.sleep = lambda _: None
        sys.argv = ["aws", *case["argv"]]
        status = main(case["argv"])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status if isinstance(status, int) else 1)


def main():
    cases = json.loads(Path(sys.argv[1]).read_text())
    for option in sys.argv[2:]:
        cases = cases[:: int(option.removeprefix("--sample="))]
    keep_models()
    endpoint = Endpoint()
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    recorded = [run(case, endpoint, entry) for case in cases]
    lines = ",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in recorded)
    print(f'{{"version":"{awscli.__version__}","cases":[\n{lines}\n]}}')


def keep_models():
    """Reads each model once and not in every child: half of the time of a command line goes there."""
    load, kept = JSONFileLoader.load_file, {}

    def kept_load(self, path):
        if path not in kept:
            kept[path] = load(self, path)
        return kept[path]

    JSONFileLoader.load_file = kept_load
    for name in ("ec2", "sts", "ssm"):
        service(name)


def entry(argv):
    if awscli.__version__.startswith("1."):
        return awscli.clidriver.create_clidriver().main(argv)
    return awscli.clidriver.AWSCLIEntryPoint().main(argv)


if __name__ == "__main__":
    main()
