"""Whatever is sent, the answer is a sentence with a status of its own, and never a 500."""

import asyncio
import itertools
import json
from typing import Any
from urllib.parse import urlsplit

import httpx

from agentalk.api import body
from tests.api.serving import Api, fields, problem, serving
from tests.conftest import LazyDatabase

JSON = {"Content-Type": "application/json"}


async def post(api: Api, content: bytes, **headers: str) -> httpx.Response:
    return await api.write.post("/api/agents", content=content, headers={**JSON, **headers})


MALFORMED = [
    b"{",
    b"nonsense",
    b'{"name": "a"} trailing',
    b'{"name": NaN}',
    b'{"name": "\xff"}',
    b'{"name": "\xed\xa0\x80"}',
    b'{"name": "\\ud800"}',
    b'{"name": "\\udc00x"}',
    b'{"name": "\x00"}',
    b'\xef\xbb\xbf{"name": "a"}',
    b'{"\xff": 1}',
    '{"name": "a"}'.encode("utf-16"),
]


async def test_malformed_json_is_400(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for content in MALFORMED:
            problem(await post(api, content), 400, "malformed")


WRONG = [
    (b"[]", ""),
    (b'"name"', ""),
    (b"null", ""),
    (b"{}", "name"),
    (b'{"name": 5}', "name"),
    (b'{"name": null}', "name"),
    (b'{"name": ""}', "name"),
    (b'{"name": "%s"}' % (b"x" * 201), "name"),
    (b'{"name": "a", "firstMessage": ["b"]}', "firstMessage"),
    (b'{"name": "a", "first_message": "b"}', "first_message"),
    (b'{"name": "a", "colour": "red"}', "colour"),
    (b'{"name": "a\\u0000b"}', "name"),
    (b'{"name": "a", "prompt": "\\u0000"}', "prompt"),
]


async def test_a_wrong_body_is_refused_by_field(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for content, field in WRONG:
            assert fields(await post(api, content)) == [field], content


async def test_an_escaped_backslash_is_no_nul(db: LazyDatabase) -> None:
    async with serving(db) as api:
        response = await post(api, b'{"name": "a\\\\u0000b"}')

        assert response.json()["name"] == "a\\u0000b"


async def test_an_empty_body_is_refused_where_one_is_needed(db: LazyDatabase) -> None:
    async with serving(db) as api:
        problem(await post(api, b""), 400, "invalid")


async def test_deep_json_is_400(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for depth, (step, closing) in itertools.product((65, 1_000, 30_000), (("[", "]"), ('{"a":', "}"))):
            content = f'{{"name": {step * depth}1{closing * depth}}}'[:64_000].encode()
            assert "deep" in problem(await post(api, content), 400, "invalid")["detail"]


def test_depth_is_counted_outside_strings() -> None:
    def deeper(value: Any) -> bool:
        return body.deeper_than(2, json.dumps(value).encode())

    assert not deeper([[1], [2], [3], {"a": 4}])
    assert deeper([[[]]])
    assert deeper({"a": {"b": {}}})
    assert not deeper(["[[[[", '"[[[[', "\\", "[[[", '\\"[[[['])
    assert deeper(["\\", [[]]])


NOT_JSON = [
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Type": "application/xml"},
    {"Content-Type": "application/json; charset=latin-1"},
    {"Content-Type": "application/json", "Content-Encoding": "gzip"},
]


async def test_what_is_not_json_is_415(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for headers in NOT_JSON:
            response = await api.write.post("/api/agents", content=b'{"name": "a"}', headers=headers)
            problem(response, 415, "unsupported_media_type")


SPELLINGS = [
    "application/json",
    "application/json; charset=utf-8",
    'Application/JSON;charset="UTF-8"',
    "application/vnd.a+json",
]


async def test_json_has_several_spellings(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for media_type in SPELLINGS:
            assert (await post(api, b'{"name": "a"}', **{"Content-Type": media_type})).status_code == 201


async def test_a_body_that_says_it_is_too_large_is_413(db: LazyDatabase) -> None:
    async with serving(db) as api:
        told = problem(await post(api, b'{"name": "%s"}' % (b"x" * 65_536)), 413, "too_large")

        assert "64 KiB" in told["detail"]


async def test_a_body_of_20_megabytes_that_does_not_say_so_is_413(db: LazyDatabase) -> None:
    async def parts() -> Any:
        for _ in range(20):
            yield b" " * 1024 * 1024

    async with serving(db) as api:
        response = await api.write.post("/api/agents", content=parts(), headers=JSON)

        problem(response, 413, "too_large")
        assert (await api.write.get("/api/agents")).status_code == 200


QUERIES = [
    ("limit=0", "limit"),
    ("limit=1001", "limit"),
    ("limit=-1", "limit"),
    ("limit=ten", "limit"),
    ("limit=", "limit"),
    ("limit", "limit"),
    ("limit=1.5", "limit"),
    ("limit=" + "9" * 5_000, "limit"),
    ("limit=%00", "limit"),
    ("limit=%ff", "limit"),
    ("limit=5&limit=6", "limit"),
    ("offset=-1", "offset"),
    ("offset=2147483648", "offset"),
    ("offset=99999999999999999999999", "offset"),
    ("sort=name", "sort"),
    ("%ff=1", "query"),
    ("Limit=5", "Limit"),
]


async def test_a_wrong_query_is_refused_by_name(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for query, field in QUERIES:
            assert fields(await api.read.get(f"/api/agents?{query}")) == [field], query


NULLS = [("/api/campaigns", "status"), ("/api/calls", "outcome"), ("/api/calls", "campaignId")]


async def test_a_parameter_is_never_null(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for (path, name), null in itertools.product(NULLS, ("null", "NULL")):
            assert fields(await api.read.get(f"{path}?{name}={null}")) == [name]
        assert (await api.read.get("/api/calls?contactId=null")).status_code == 200


async def test_a_parameter_where_there_are_none_is_refused(db: LazyDatabase) -> None:
    async with serving(db) as api:
        assert fields(await api.write.post("/api/agents?draft=1", json={"name": "a"})) == ["draft"]


IDS = ["1", "not-a-uuid", "%00", "%ff", "0" * 32, "{" + "0" * 34 + "}", "x" * 5_000]


async def test_a_malformed_id_is_400(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for id, method in itertools.product(IDS, ("GET", "PATCH", "DELETE")):
            content = b"{}" if method == "PATCH" else None
            response = await api.write.request(method, f"/api/agents/{id}", content=content)
            assert fields(response) == ["agent_id"]


async def test_paths_and_methods_that_do_not_exist(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for path in ("/", "/api", "/api/nothing", "/api/agents/a/b", "/api//%2e%2e/etc"):
            problem(await api.read.get(path), 404, "no_such_path")
        for method in ("PUT", "PATCH", "DELETE", "HEAD", "TRACE"):
            response = await api.read.request(method, "/api/agents")
            assert response.status_code == 405
            assert "POST" in response.headers["allow"]
        problem(await api.read.put("/api/agents"), 405, "method_not_allowed")


async def test_request_ids(db: LazyDatabase) -> None:
    async with serving(db) as api:

        async def returned(id: str | None, path: str = "/api/agents") -> str:
            response = await api.read.get(path, headers={} if id is None else {"X-Request-ID": id})
            return response.headers["x-request-id"]

        assert await returned("trace-4711") == "trace-4711"
        assert await returned("trace-4711", "/nothing") == "trace-4711"
        for unsafe in ("", "a b", "x" * 129, '"><script>', "a\tb"):
            assert await returned(unsafe) not in (unsafe, "")
        assert await returned(None) != await returned(None)


GARBLED = [
    b"NONSENSE\r\n\r\n",
    b"GET /api/agents HTTP/9.9\r\n\r\n",
    b"GET /api/agents HTTP/1.1\r\nHost: a\r\nBroken header\r\n\r\n",
    b"POST /api/agents HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/agents HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
]


async def test_garbled_requests_are_refused_and_harm_nobody(db: LazyDatabase) -> None:
    async with serving(db) as api:
        for raw in GARBLED:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.url).port)
            writer.write(raw)
            writer.write_eof()
            status = (await reader.read()).split(b"\r\n")[0]
            writer.close()
            await writer.wait_closed()

            assert status in (b"", b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 401 Unauthorized")
            assert (await api.read.get("/api/agents")).status_code == 200


async def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing(db: LazyDatabase) -> None:
    async with serving(db) as api:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(api.url).port)
        token = api.write.headers["Authorization"]
        writer.write(
            f"POST /api/agents HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\nContent-Length: 50\r\n\r\n".encode()
            + b'{"name": "half'
        )
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()

        assert (await api.read.get("/api/agents")).json()["data"] == []


async def test_two_organization_headers_are_refused(db: LazyDatabase) -> None:
    async with serving(db) as api:
        twice = [("X-Organization-ID", str(api.org)), ("X-Organization-ID", str(api.other))]

        assert fields(await api.read.get("/api/agents", headers=twice)) == ["x-organization-id"]
