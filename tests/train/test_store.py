from __future__ import annotations

import http.client

import pytest

from lepton_spark.train.store import Store


@pytest.fixture
def store():
    with Store("127.0.0.1") as started:
        yield started


def ask(store, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", store.server_port, 10)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_what_was_put_is_there_until_it_is_deleted(store):
    assert ask(store, "GET", "/job/a") == (404, b"")
    assert ask(store, "PUT", "/job/a", b"one")[0] == 200
    assert ask(store, "PUT", "/job/b", b"")[0] == 200

    assert ask(store, "GET", "/job/a") == (200, b"one")
    assert ask(store, "GET", "/job/b") == (200, b"")
    assert store.all_of("job") == {"a": b"one", "b": b""}

    assert ask(store, "DELETE", "/job/a")[0] == 200
    assert ask(store, "GET", "/job/a")[0] == 404
    assert ask(store, "DELETE", "/job/a")[0] == 200


def test_scopes_are_apart(store):
    ask(store, "PUT", "/one/a", b"1")

    assert ask(store, "GET", "/other/a")[0] == 404
    assert store.all_of("other") == {}


@pytest.mark.parametrize("path", ["/", "/a", "/a/b/c"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_path_of_another_form_is_refused(store, method, path):
    assert ask(store, method, path, b"1")[0] == 400
    assert store.all_of("a") == {}


def test_too_much_is_refused_before_it_is_read(store):
    status, _ = ask(store, "PUT", "/job/a", b"1", {"Content-Length": str(2 << 20)})

    assert status == 400
    assert store.get("job", "a") is None
