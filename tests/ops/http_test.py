#!/usr/bin/env python3
"""Proves what `baton run --http` promises, by raw sockets on loopback: the paths, what is refused, and the bounds.

http_test.py [CASE…]; the program is $BATON_PROGRAM. Nodes have no beacon and find each other by a seed.
"""
import json
import os
import pathlib
import socket
import tempfile
import time
import unittest

from program import PATIENCE, Node, Stream, connect, http, read_all, wait_until


def ready(port):
    return http(port, "/readyz").status == 200


class Pages(unittest.TestCase):
    """One founding node for all: they only read."""

    @classmethod
    def setUpClass(cls):
        cls.node = Node("--name", "alder", "--founding")
        cls.port = cls.node.port

    @classmethod
    def tearDownClass(cls):
        cls.node.end()

    def test_address_is_reported(self):
        self.assertRegex(self.node.url, r"^http://127\.0\.0\.1:\d+/$")

    def test_probes(self):
        self.assertEqual(http(self.port, "/livez").text, "alive\n")
        self.assertEqual(http(self.port, "/readyz").text, "ready\n")

    def test_every_reply_is_safe_in_a_browser(self):
        for path, status in (("/", 200), ("/page.js", 200), ("/metrics", 200), ("/state", 200), ("/none", 404)):
            reply = http(self.port, path)
            self.assertEqual(reply.status, status, path)
            self.assertTrue(reply.headers["content-security-policy"].startswith("default-src 'self'"), path)
            self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
            self.assertEqual(reply.headers["cache-control"], "no-store")

    def test_page_needs_nothing_from_outside(self):
        for path in ("/", "/page.css", "/page.js", "/icon.svg"):
            text = http(self.port, path).text.replace("http://www.w3.org/2000/svg", "")
            self.assertNotIn("http://", text, path)
            self.assertNotIn("https://", text, path)
            self.assertNotIn("innerHTML", text, path)

    def test_head_has_no_body(self):
        for path in ("/", "/metrics", "/livez", "/events"):
            reply = http(self.port, path, "HEAD")
            self.assertEqual((reply.status, reply.body), (200, b""), path)

    def test_other_methods_are_refused(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "BREW"):
            for path in ("/", "/metrics", "/livez"):
                reply = http(self.port, path, method, {"Content-Length": "0"})
                self.assertEqual(reply.status, 405, method)
                self.assertEqual(reply.headers["allow"], "GET, HEAD")
        reply = http(self.port, "/", "POST", {"Content-Length": str(1 << 30)})
        self.assertIn(reply.status, (405, 413))

    def test_foreign_hosts_are_refused(self):
        port = self.port
        for host in (f"127.0.0.1:{port}", "127.0.0.1", f"localhost:{port}", "LocalHost", f"[::1]:{port}", "10.1.2.3:80"):
            self.assertEqual(http(port, "/state", host=host).status, 200, host)
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost.evil.example", "0x7f.1",
                     "127.1", "node.example"):
            for path in ("/state", "/", "/metrics", "/livez", "/events"):
                self.assertEqual(http(port, path, host=host).status, 403, (host, path))
        for host in ("", ":80", "[::1", "127.0.0.1:port", "127.0.0.1:80:80"):
            self.assertIn(http(port, "/state", host=host or " ").status, (400, 403), host)
        self.assertEqual(http(port, "/state", host=False).status, 400)

    def test_foreign_sites_are_refused(self):
        port = self.port
        own = f"http://127.0.0.1:{port}"
        self.assertEqual(http(port, "/state", headers={"Origin": own, "Sec-Fetch-Site": "same-origin"}).status, 200)
        self.assertEqual(http(port, "/", headers={"Sec-Fetch-Site": "none"}).status, 200)
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"https://127.0.0.1:{port}"},
                        {"Origin": f"http://127.0.0.1:{port + 1}"}, {"Sec-Fetch-Site": "cross-site"},
                        {"Sec-Fetch-Site": "same-site"}, {"Origin": own, "Sec-Fetch-Site": "cross-site"}):
            for path in ("/state", "/events", "/metrics", "/"):
                self.assertEqual(http(port, path, headers=headers).status, 403, headers)

    def test_oversized_heads_are_refused(self):
        reply = http(self.port, "/livez", headers={"X": "y" * 7000})
        self.assertEqual(reply.status, 200)
        for size in (9000, 20000, 200000):
            reply = http(self.port, "/livez", headers={"X": "y" * size})
            self.assertIn(reply.status, (431, 413, 0), size)  # 0: closed before all of it was read
            reply = http(self.port, "/" + "y" * size)
            self.assertIn(reply.status, (431, 414, 413, 0), size)
        many = {f"X-{number}": "y" for number in range(2000)}
        self.assertIn(http(self.port, "/livez", headers=many).status, (431, 413, 0))
        self.assertEqual(http(self.port, "/livez").status, 200)

    def test_garbage_is_refused(self):
        for raw in (b"\x00" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n bad\r\n: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"):
            with connect(self.port) as connection:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                answer = read_all(connection)
                self.assertNotIn(b"HTTP/1.1 200", answer, raw)
        self.assertEqual(http(self.port, "/livez").status, 200)

    def test_state_is_bounded_json(self):
        state = json.loads(http(self.port, "/state").text)
        self.assertEqual((state["name"], state["ready"], state["members"]), ("alder", True, []))


class Bounds(unittest.TestCase):
    def test_slow_heads_are_cut_off(self):
        """A byte now and then does not prolong the 2 s: libmicrohttpd's own timeout would."""
        with Node("--founding") as node:
            with connect(node.port) as connection:
                began = time.monotonic()
                connection.settimeout(0.1)
                ended = False
                while not ended and time.monotonic() - began < PATIENCE:
                    try:
                        connection.send(b"G" if time.monotonic() - began < 0.1 else b"E")
                        ended = connection.recv(100) == b""
                    except TimeoutError:
                        continue
                    except (BrokenPipeError, ConnectionResetError):
                        ended = True
                self.assertTrue(ended)
                self.assertGreater(time.monotonic() - began, 1.5)
                self.assertLess(time.monotonic() - began, PATIENCE / 2)

    def test_probes_are_answered_while_28_connections_hang(self):
        with Node("--founding") as node:
            hanging = [connect(node.port) for _ in range(28)]
            for each in hanging:
                each.send(b"GET / HTTP/1.1\r\n")
            # The 29th place is for probes alone, and says so.
            self.assertEqual(http(node.port, "/livez").status, 200)
            self.assertEqual(http(node.port, "/readyz").status, 200)
            self.assertEqual(http(node.port, "/state").status, 503)
            self.assertEqual(node.ask("stash k v")["met"], True)  # the node itself does not notice
            for each in hanging:
                self.assertEqual(read_all(each), b"")  # their time is over
                each.close()
            wait_until(lambda: http(node.port, "/state").status == 200, "places are free again")

    def test_a_flood_of_connections_is_bounded(self):
        with Node("--founding") as node:
            before = len(os.listdir(f"/proc/{node.process.pid}/fd"))
            flood = [connect(node.port) for _ in range(60)]  # some wait in the kernel's queue
            self.assertLessEqual(len(os.listdir(f"/proc/{node.process.pid}/fd")), before + 32)
            began = time.monotonic()
            self.assertEqual(http(node.port, "/livez").status, 200)  # after its turn in that queue
            self.assertLess(time.monotonic() - began, PATIENCE / 2)
            self.assertEqual(node.ask("stash k v")["met"], True)
            for each in flood:
                each.close()

    def test_eight_streams(self):
        with Node("--founding") as node:
            streams = [Stream(node.port) for _ in range(8)]
            for each in streams:
                self.assertEqual(each.head.status, 200)
                self.assertEqual(each.head.headers["content-type"], "text/event-stream")
                self.assertEqual(each.next()["members"], [])
            ninth = http(node.port, "/events", version="1.0")
            self.assertEqual(ninth.status, 503)
            self.assertIn("/state", ninth.text)
            streams.pop().close()
            with wait_until(lambda: self.reopened(node.port), "a stream is free again"):
                pass
            for each in streams:
                each.close()

    @staticmethod
    def reopened(port):
        stream = Stream(port)
        if stream.head.status == 200:
            return stream
        stream.close()
        return None

    def test_a_slow_reader_gets_the_latest_state(self):
        """Nothing is queued for it: what it reads at last is new."""
        with Node("--founding") as node, Stream(node.port, receive_buffer=4096) as slow:
            memory = rss(node)
            for number in range(300):
                node.ask(f"stash key-{number} {'v' * 100}")
            latest = slow.wait_for(lambda state: state["numbers"]["keys"] == 300, "the latest state")
            self.assertTrue(latest["ready"])
            self.assertLess(rss(node) - memory, 64 << 20)

    def test_the_port_is_not_shared(self):
        with Node("--founding") as node:
            second = Node("--founding", http=f"127.0.0.1:{node.port}")
            self.assertEqual(second.first["error"], "address_in_use")
            self.assertIn(str(node.port), second.first["detail"])
            self.assertEqual(second.process.wait(PATIENCE), 1)
            second.end()

    def test_bad_addresses_are_named(self):
        for http_address, error in (("nonsense", "bad_option"), ("127.0.0.1", "bad_option"), ("127.0.0.1:99999", "bad_option"),
                                    ("node.example:80", "bad_option"), ("192.0.2.1:0", "network")):
            node = Node(http=http_address)
            self.assertEqual(node.first["error"], error, http_address)
            self.assertIn(http_address, node.first["detail"])
            self.assertEqual(node.process.wait(PATIENCE), 1)
            node.end()

    def test_off_by_default(self):
        with Node("--founding", http=None) as node:
            self.assertNotIn("http", node.first)


def rss(node):
    text = pathlib.Path(f"/proc/{node.process.pid}/statm").read_text(encoding="ascii")
    return int(text.split()[1]) * os.sysconf("SC_PAGESIZE")


class Mesh(unittest.TestCase):
    def test_readiness_follows_sync_and_leave(self):
        """Not ready before it has met anybody, ready when synced, not ready from its leave on; alive throughout."""
        lonely = ["--alone-after", "1h"]
        with Node("--name", "alder", *lonely) as alder:
            reply = http(alder.port, "/readyz")
            self.assertEqual((reply.status, http(alder.port, "/livez").status), (503, 200))
            self.assertIn("has met no member", reply.text)
            with Node("--name", "birch", *lonely, seeds=[alder.endpoint]) as birch:
                wait_until(lambda: ready(alder.port) and ready(birch.port), "both are ready")
                birch.process.kill()
                birch.process.wait()
            # The survivor stays ready: it holds everything that it can.
            alder.ask("stash k v")
            alder.tell("leave 3s")  # nobody takes it over: the leave takes its time
            reply = wait_until(lambda: self.unready(alder.port), "not ready while it leaves")
            self.assertIn("leaving", reply.text)
            self.assertEqual(http(alder.port, "/livez").status, 200)
            alder.process.wait(PATIENCE)

    @staticmethod
    def unready(port):
        reply = http(port, "/readyz")
        return reply if reply.status == 503 else None

    def test_a_node_that_is_alone_is_ready(self):
        with Node("--alone-after", "200ms") as node:
            wait_until(lambda: ready(node.port), "alone, and ready")

    def test_the_page_shows_the_mesh(self):
        """Members, who hears whom, claims and events, as the others report them."""
        with Node("--name", "alder", "--founding") as alder:
            others = [Node("--name", name, seeds=[alder.endpoint]) for name in ("birch", "cedar")]
            with Stream(alder.port) as stream:
                def whole(state):
                    up = [who for who in state["members"] if who["state"] == "up"]
                    return len(up) == 2 and all(who["hears"] and who["heard"] and not who["unheard"] for who in up)
                state = stream.wait_for(whole, "both are up and hear each other")
                self.assertEqual([who["name"] for who in state["members"]], ["birch", "cedar"])
                joined = [event["name"] for event in state["events"] if event["event"] == "joined"]
                self.assertEqual(sorted(joined), ["birch", "cedar"])
                others[0].ask("stash job/7 x")
                self.assertNotIn("error", others[0].ask("claim job/7"))
                state = stream.wait_for(lambda now: now["claims"], "the claim")
                birch = next(who["id"] for who in state["members"] if who["name"] == "birch")
                self.assertEqual(state["claims"], [{"key": "job/7", "owner": birch}])
                others[1].process.kill()
                others[1].process.wait()
                stream.wait_for(lambda now: any(event["event"] in ("suspect", "crashed") for event in now["events"]),
                                "the event of its end")
                others[0].end("leave")
                state = stream.wait_for(lambda now: any(event["event"] == "left" for event in now["events"]), "it has left")
                self.assertEqual(state["claims"], [])
            metrics = http(alder.port, "/metrics").text
            self.assertIn('baton_leave_seconds_count{node="alder"} 1', metrics)
            for each in others:
                each.end()

    def test_names_are_text(self):
        """Names and keys with markup arrive as they are, in JSON and in a quoted label, and never in HTML."""
        evil = '<img src=x onerror=alert(1)>"\\'
        with Node("--name", "alder", "--founding") as alder, \
                Node("--name", evil, seeds=[alder.endpoint]) as other:
            other.ask('stash "<script>alert(2)</script>" v')
            self.assertNotIn("error", other.ask('claim "<script>alert(2)</script>"'))
            with Stream(alder.port) as stream:
                state = stream.wait_for(lambda now: now["claims"] and now["members"], "the claim")
            self.assertEqual(state["claims"][0]["key"], "<script>alert(2)</script>")
            self.assertTrue(state["members"][0]["name"].startswith("<img src=x"))
            self.assertNotIn("<img src=x", http(alder.port, "/").text)
            state = http(alder.port, "/state")
            self.assertEqual(state.headers["content-type"], "application/json")
            label = http(alder.port, "/metrics").text
            self.assertIn('member="<img src=x onerror=alert(1)>\\"', label)

    def test_keys_need_the_token_in_a_mesh_with_a_key(self):
        with tempfile.TemporaryDirectory() as folder:
            key, token = pathlib.Path(folder, "key"), pathlib.Path(folder, "token")
            key.write_text("ab" * 32 + "\n", encoding="ascii")
            token.write_text("secret-of-the-operators\n", encoding="ascii")
            key.chmod(0o600)
            token.chmod(0o600)
            mesh = ["--key-file", str(key), "--founding"]
            with Node(*mesh) as node:  # without a token nobody sees them
                self.own_a_key(node)
                state = json.loads(http(node.port, "/state").text)
                self.assertEqual((state["claims"], state["with_keys"]), ([], False))
                self.assertEqual(http(node.port, "/state", headers={"Authorization": "Bearer x"}).status, 401)
            with Node(*mesh, "--http-token-file", str(token)) as node:
                self.own_a_key(node)
                self.assertNotIn("hidden", http(node.port, "/state").text)
                self.assertNotIn("hidden", http(node.port, "/metrics").text)
                for wrong in ("Bearer wrong", "Bearer ", "Basic secret-of-the-operators", "secret-of-the-operators",
                              "Bearer secret-of-the-operator"):
                    self.assertEqual(http(node.port, "/state", headers={"Authorization": wrong}).status, 401, wrong)
                    self.assertEqual(http(node.port, "/events", headers={"Authorization": wrong}).status, 401, wrong)
                right = {"Authorization": "Bearer secret-of-the-operators"}
                self.assertEqual(json.loads(http(node.port, "/state", headers=right).text)["claims"][0]["key"], "hidden")
                with Stream(node.port, headers=right) as stream:
                    self.assertEqual(stream.next()["claims"][0]["key"], "hidden")
                with Stream(node.port) as stream:
                    self.assertEqual(stream.next()["claims"], [])
            token.chmod(0o644)
            node = Node(*mesh, "--http-token-file", str(token))
            self.assertEqual(node.first["error"], "bad_option")
            self.assertIn("others can read it", node.first["detail"])
            node.end()

    @staticmethod
    def own_a_key(node):
        node.ask("stash hidden v")
        assert "error" not in node.ask("claim hidden")

    def test_a_host_name_that_is_allowed(self):
        with Node("--founding", "--http-host", "node.example") as node:
            self.assertEqual(http(node.port, "/livez", host="node.example").status, 200)
            self.assertEqual(http(node.port, "/livez", host=f"Node.Example:{node.port}").status, 200)
            self.assertEqual(http(node.port, "/livez", host="other.example").status, 403)


if __name__ == "__main__":
    unittest.main()
