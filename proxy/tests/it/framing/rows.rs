//! The ambiguous requests, row by row.

/// Name, framing fields, and what follows the head.
pub(super) type Row = (&'static str, &'static str, &'static str);

/// Framing of a plain upload. `SMUGGLED` becomes a request that would be served.
pub(super) const PLAIN: &[Row] = &[
    (
        "CL.TE",
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "0\r\n\r\nSMUGGLED",
    ),
    (
        "TE.CL",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "5\r\nhello\r\n0\r\n\r\nSMUGGLED",
    ),
    ("CL.0", "content-length: 0\r\n", "SMUGGLED"),
    ("no length", "", "SMUGGLED"),
    (
        "TE identity",
        "transfer-encoding: identity\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE of no name",
        "transfer-encoding: xchunked\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE not last",
        "transfer-encoding: chunked, identity\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE twice",
        "transfer-encoding: chunked, chunked\r\n",
        "0\r\n\r\nSMUGGLED",
    ),
    (
        "TE of two lines",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "0\r\n\r\nSMUGGLED",
    ),
    (
        "TE quoted",
        "transfer-encoding: \"chunked\"\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE with a parameter",
        "transfer-encoding: chunked;q=1\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE empty",
        "transfer-encoding: \r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE before a vertical tab",
        "transfer-encoding: chunked\u{b}\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE after a vertical tab",
        "transfer-encoding: \u{b}chunked\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE and a space",
        "transfer-encoding : chunked\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE and a tab",
        "transfer-encoding\t: chunked\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE folded",
        "transfer-encoding:\r\n chunked\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE in a fold",
        "x-a: b\r\n transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE with an underscore",
        "transfer_encoding: chunked\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE after a bare CR",
        "x-a: b\rtransfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "TE after a bare LF",
        "x-a: b\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "0\r\n\r\nSMUGGLED",
    ),
    (
        "TE after NUL",
        "x-a: b\0\r\ntransfer-encoding: chunked\r\n",
        "0\r\n\r\nSMUGGLED",
    ),
    (
        "CL twice, equal",
        "content-length: 5\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL twice, different",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL twice, 0 first",
        "content-length: 0\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL as an equal list",
        "content-length: 5, 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL as another list",
        "content-length: 5, 0\r\n",
        "helloSMUGGLED",
    ),
    ("CL +5", "content-length: +5\r\n", "helloSMUGGLED"),
    ("CL -5", "content-length: -5\r\n", "helloSMUGGLED"),
    ("CL 0x5", "content-length: 0x5\r\n", "helloSMUGGLED"),
    ("CL 5.0", "content-length: 5.0\r\n", "helloSMUGGLED"),
    ("CL 5 5", "content-length: 5 5\r\n", "helloSMUGGLED"),
    ("CL 05", "content-length: 05\r\n", "helloSMUGGLED"),
    (
        "CL of many digits",
        "content-length: 00000000000000000000000000005\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL that wraps around",
        "content-length: 18446744073709551621\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL with a parameter",
        "content-length: 5;a\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL in other digits",
        "content-length: ५\r\n",
        "helloSMUGGLED",
    ),
    ("CL empty", "content-length: \r\n", "helloSMUGGLED"),
    ("CL and a space", "content-length : 5\r\n", "helloSMUGGLED"),
    ("CL folded", "content-length:\r\n 5\r\n", "helloSMUGGLED"),
    ("CL before NUL", "content-length: 5\0\r\n", "helloSMUGGLED"),
    (
        "CL before a vertical tab",
        "content-length: 5\u{b}\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL and a bare LF",
        "content-length: 5\ncontent-length: 0\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL with an underscore",
        "content_length: 5\r\ncontent-length: 0\r\n",
        "SMUGGLED",
    ),
    (
        "no colon",
        "nonsense\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "no name",
        ": nonsense\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "a name with a space",
        "x a: b\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "a name with NUL",
        "x\0a: b\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "another host",
        "host: evil.test\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "the same host again",
        "host: s3.gateway.test\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "an upgrade",
        "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "an upgrade to h2c",
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "CL named by Connection",
        "connection: content-length\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "another expectation",
        "expect: 200-ok\r\ncontent-length: 5\r\n",
        "helloSMUGGLED",
    ),
    (
        "a request behind a whole one",
        "content-length: 5\r\n",
        "helloSMUGGLED",
    ),
];

/// Chunks around a body in unsigned chunks; `BODY` is that body, `SIZE` its length in hexadecimal.
pub(super) const CHUNKED: &[Row] = &[
    ("whole", "", "SIZE\r\nBODY\r\n0\r\n\r\nSMUGGLED"),
    (
        "CL beside it",
        "content-length: 3\r\n",
        "SIZE\r\nBODY\r\n0\r\n\r\nSMUGGLED",
    ),
    ("an extension", "", "SIZE;a=b\r\nBODY\r\n0\r\n\r\nSMUGGLED"),
    (
        "a quoted extension",
        "",
        "SIZE;a=\"b\r\nc\"\r\nBODY\r\n0\r\n\r\nSMUGGLED",
    ),
    (
        "LF in an extension",
        "",
        "SIZE;a\nb\r\nBODY\r\n0\r\n\r\nSMUGGLED",
    ),
    ("LF after the size", "", "SIZE\nBODY\r\n0\r\n\r\nSMUGGLED"),
    ("LF after the data", "", "SIZE\r\nBODY\n0\r\n\r\nSMUGGLED"),
    ("CR after the size", "", "SIZE\rBODY\r\n0\r\n\r\nSMUGGLED"),
    (
        "nothing after the data",
        "",
        "SIZE\r\nBODY0\r\n\r\nSMUGGLED",
    ),
    ("two bytes too many", "", "SIZE\r\nBODYXX0\r\n\r\nSMUGGLED"),
    (
        "a size with a space",
        "",
        "SIZE \r\nBODY\r\n0\r\n\r\nSMUGGLED",
    ),
    (
        "a size after a space",
        "",
        " SIZE\r\nBODY\r\n0\r\n\r\nSMUGGLED",
    ),
    ("a size with 0x", "", "0xSIZE\r\nBODY\r\n0\r\n\r\nSMUGGLED"),
    (
        "a size with a sign",
        "",
        "+SIZE\r\nBODY\r\n0\r\n\r\nSMUGGLED",
    ),
    ("a negative end", "", "SIZE\r\nBODY\r\n-0\r\n\r\nSMUGGLED"),
    (
        "a size that wraps around",
        "",
        "100000000000000SIZE\r\nBODY\r\n0\r\n\r\nSMUGGLED",
    ),
    (
        "the largest size",
        "",
        "ffffffffffffffff\r\nBODY\r\n0\r\n\r\nSMUGGLED",
    ),
    ("an empty size", "", "\r\nBODY\r\n0\r\n\r\nSMUGGLED"),
    ("an end with data", "", "SIZE\r\nBODY\r\n0\r\nSMUGGLED"),
    (
        "a trailer that frames",
        "",
        "SIZE\r\nBODY\r\n0\r\ncontent-length: 9\r\n\r\nSMUGGLED",
    ),
    (
        "a trailer that routes",
        "",
        "SIZE\r\nBODY\r\n0\r\nhost: evil.test\r\n\r\nSMUGGLED",
    ),
    (
        "a trailer without an end",
        "",
        "SIZE\r\nBODY\r\n0\r\nx: y\r\nSMUGGLED",
    ),
];

/// The first line, where `TARGET` and `HOST` are the right ones; the fields follow.
pub(super) const LINES: &[&str] = &[
    "GET TARGET HTTP/1.0",
    "GET TARGET HTTP/1.0\r\nconnection: keep-alive",
    "GET TARGET HTTP/1.0\r\ntransfer-encoding: chunked",
    "GET TARGET HTTP/1.2",
    "GET TARGET HTTP/2.0",
    "GET TARGET http/1.1",
    "GET TARGET HTTP/1.1 ",
    "GET  TARGET  HTTP/1.1",
    "GET\tTARGET\tHTTP/1.1",
    " GET TARGET HTTP/1.1",
    "\r\n\r\nGET TARGET HTTP/1.1",
    "GET TARGET\0 HTTP/1.1",
    "GET TARGET#fragment HTTP/1.1",
    "GET TARGET SMUGGLED HTTP/1.1",
    "GET http://HOSTTARGET HTTP/1.1",
    "GET http://evil.testTARGET HTTP/1.1",
    "GET http://user:pass@HOSTTARGET HTTP/1.1",
    "GET //evil.testTARGET HTTP/1.1",
    "GET https://HOSTTARGET HTTP/1.1",
    "CONNECT HOST:443 HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "GET * HTTP/1.1",
    "GET TARGET HTTP/1.1\r\n x: y",
    "GET TARGET HTTP/1.1\n x: y",
    "GET TARGET HTTP/1.1\r\ncontent-length: 5",
    "GET TARGET HTTP/1.1\r\ntransfer-encoding: chunked",
    "HEAD TARGET HTTP/1.1\r\ncontent-length: 5",
    "DELETE TARGET HTTP/1.1\r\ncontent-length: 5",
    "PRI * HTTP/2.0\r\n\r\nSM",
    "GET TARGET",
    "GET /results/canary-smuggled/../../TARGET HTTP/1.1",
];

/// Name of a change to a right head, what it replaces, and by what.
pub(super) const HEADS: &[Row] = &[
    ("only LF", "\r\n", "\n"),
    ("LF at the end of the head", "\r\n\r\n", "\n\n"),
    ("CR CR LF", "\r\n", "\r\r\n"),
    ("only CR", "\r\n", "\r"),
    ("no host", "host: s3.gateway.test\r\n", ""),
    ("an empty host", "host: s3.gateway.test", "host: "),
    (
        "a host with a path",
        "host: s3.gateway.test",
        "host: s3.gateway.test/x",
    ),
    (
        "two hosts in one",
        "host: s3.gateway.test",
        "host: s3.gateway.test, evil.test",
    ),
    (
        "a folded host",
        "host: s3.gateway.test",
        "host:\r\n s3.gateway.test",
    ),
    (
        "a host with a user",
        "host: s3.gateway.test",
        "host: evil@s3.gateway.test",
    ),
];
