//! Lesson 04: HTTP by hand.

use super::change::{Mutation, mutation};

/// What is typed to the server, and told of its answers.
const REQUESTS: &[&str] = &[
    "write-server",
    "get",
    "post",
    "get-without-host",
    "get-with-host",
    "get-in-http-1-0",
    "post-without-length",
    "post-with-length",
    "post-characters",
    "post-bytes",
];

/// What shows how the server answers, besides its first answer.
const ANSWERED: &[&str] = &[
    "show-server",
    "post",
    "get-with-host",
    "get-in-http-1-0",
    "post-without-length",
    "post-with-length",
    "post-bytes",
];

pub const HTTP: &[Mutation] = &[
    mutation("a group of another name", "create-experiment-group", "EXPERIMENT-SG", "TRY-SG")
        .noticed("show-experiments", "TRY-SG"),
    mutation(
        "no rule for SSH",
        "create-experiment-group",
        "aws ec2 authorize",
        "echo True; : aws ec2 authorize",
    )
    .noticed("install-node", "no answer within")
    .ends()
    .further(),
    mutation("a rule for more ports", "create-experiment-group", "--port 22", "--port 22-23")
        .noticed("show-experiment-rules", "23"),
    mutation("another private address", "launch-experiments", "10.0.1.20", "10.0.1.21")
        .noticed("show-experiments", "10.0.1.21"),
    mutation("the group of web", "launch-experiments", "$EXP_SG", "$WEB_SG")
        .noticed("show-experiments", "WEB-SG")
        .also(&["ask-again"])
        .ends(),
    mutation(
        "no public address",
        "launch-experiments",
        "--associate-public-ip-address",
        "--no-associate-public-ip-address",
    )
    .noticed("show-experiments", "null")
    .also(&["wait-for-experiments", "install-node"])
    .ends(),
    mutation("no list of packages", "install-node", "sudo apt-get update\n", "")
        .noticed("install-node", "exit status 100")
        .ends()
        .further(),
    mutation("Node.js fetched, not installed", "install-node", "-y install", "-y --download-only install")
        .noticed("show-node-version", "exit status 127")
        .ends(),
    mutation("the log counts characters", "write-server", "Buffer.byteLength(body)", "body.length")
        .noticed("read-server-log", "POST / with 1 bytes")
        .also(&["show-server"])
        .apart_from(REQUESTS),
    mutation(
        "the answer's length in characters",
        "write-server",
        "Buffer.byteLength(answer)",
        "answer.length",
    )
    .noticed("post-bytes", "Content-Length")
    .also(&["show-server"])
    .apart_from(&["post-bytes"]),
    mutation("the answer is called text", "write-server", "application/json", "text/plain")
        .noticed("get", "text/plain")
        .also(ANSWERED)
        .apart_from(REQUESTS),
    mutation("the answer is no success", "write-server", "writeHead(200", "writeHead(404")
        .noticed("get", "404")
        .also(ANSWERED)
        .apart_from(REQUESTS)
        .further(),
    mutation("another port", "write-server", "listen(8080", "listen(8081")
        .noticed("ask-again", "exit status 7")
        .also(&["show-server"])
        .ends()
        .further(),
    mutation("no server", "start-server", "node echo.js", "echo 'listening on port 8080'; sleep 1000")
        .noticed("ask-again", "exit status 7")
        .ends(),
    mutation("no rule for 8080", "allow-8080", "aws ec2", "echo True; : aws ec2")
        .noticed("ask-again", "exit status 28")
        .ends(),
    mutation("8080 open from the beginning", "create-experiment-group", "--port 22", "--port 22-8080")
        .noticed("ask-in-vain", "exit status 0, expected 28")
        .ends()
        .further(),
    mutation("a rule for more ports", "allow-8080", "--port 8080", "--port 8080-8081")
        .noticed("show-experiment-rules", "8081"),
    mutation("a rule for half of the world", "allow-8080", "0.0.0.0/0", "128.0.0.0/1")
        .noticed("show-experiment-rules", "128.0.0.0/1"),
    mutation("GET without Host", "get", "> Host: experiments\n", "")
        .noticed("get", "400 Bad Request")
        .also(&["read-server-log"]),
    mutation("another path", "get", "GET / ", "GET /x ").noticed("read-server-log", "GET /x").also(&["get"]),
    mutation("one byte less announced", "post", "Content-Length: 4", "Content-Length: 3")
        .noticed("post", "400 Bad Request")
        .also(&["read-server-log"]),
    mutation("the connection stays open", "post", "> Connection: close\n", "").noticed("post", "keep-alive"),
    mutation("the request without Host in HTTP/1.0", "get-without-host", "HTTP/1.1", "HTTP/1.0")
        .noticed("get-without-host", "200 OK")
        .also(&["read-server-log"]),
    mutation("no Host after all", "get-with-host", "> Host: experiments\n", "")
        .noticed("get-with-host", "400 Bad Request")
        .also(&["read-server-log"]),
    mutation("no length after all", "post-with-length", "> Content-Length: 4\n", "")
        .noticed("post-with-length", "400 Bad Request")
        .also(&["read-server-log"]),
    mutation("the old version in HTTP/1.1", "get-in-http-1-0", "HTTP/1.0", "HTTP/1.1")
        .noticed("get-in-http-1-0", "400 Bad Request")
        .also(&["read-server-log"]),
    mutation(
        "a length after all",
        "post-without-length",
        "> Host: experiments\n",
        "> Host: experiments\n> Content-Length: 4\n",
    )
    .noticed("post-without-length", "\"body\":\"test\"")
    .also(&["read-server-log"]),
    mutation("bytes in place of characters", "post-characters", "Content-Length: 3", "Content-Length: 9")
        .noticed("post-characters", "200 OK")
        .also(&["read-server-log"]),
    mutation("characters in place of bytes", "post-bytes", "Content-Length: 9", "Content-Length: 3")
        .noticed("post-bytes", "400 Bad Request")
        .also(&["read-server-log"]),
];
