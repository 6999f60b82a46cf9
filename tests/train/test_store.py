from __future__ import annotations

import http.client

import pytest

from lepton_spark.train.store import Store


@pytest.fixture
def store():
    with Store("127.0.0.1") as started:
        yield started


def ask(store, method, path, body=None, headers=()):
    return ask_with(f"/{store.key}", store, method, path, body, dict(headers))


def ask_with(key, store, method, path, *content):
    connection = http.client.HTTPConnection("127.0.0.1", store.server_port, 10)
    connection.request(method, key + path, *content)
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


def test_gloo_writes_the_port_behind_the_key(store):
    ask_with(f"/{store.key}:{store.server_port}", store, "PUT", "/global/0", b"1")

    assert ask(store, "GET", "/global/0") == (200, b"1")


@pytest.mark.parametrize("key", ["", "/", f"/{'0' * 32}", "/%C3%A9", "/:4444"])
def test_who_does_not_know_the_key_sees_and_changes_nothing(store, key):
    store.put("global", "0", b"1")

    assert ask_with(key, store, "GET", "/global/0") == (404, b"")
    assert ask_with(key, store, "PUT", "/global/0", b"2")[0] == 400
    assert ask_with(key, store, "DELETE", "/global/0")[0] == 400
    assert store.all_of("global") == {"0": b"1"}


def test_each_store_has_a_key_of_its_own(store):
    with Store("127.0.0.1") as other:
        assert other.key != store.key


@pytest.mark.parametrize("path", ["/", "/a", "/a/b/c"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_path_of_another_form_is_refused(store, method, path):
    assert ask(store, method, path, b"1")[0] == 400
    assert store.all_of("a") == {}


def test_too_much_is_refused_before_it_is_read(store):
    status, _ = ask(store, "PUT", "/job/a", b"1", {"Content-Length": str(2 << 20)})

    assert status == 400
    assert store.get("job", "a") is None
