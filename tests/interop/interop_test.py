# A peer in another language, beside real nodes: interop_test.py PROGRAM VERSION starts `baton run` on loopback, lets the reader
# of reader.py join by a seed, and after every story compares digest and cut of both. One verdict line a story.
# Exit status: 0 all ok, 1 one failed, 77 a Python package is missing.
import json
import os
import queue
import subprocess
import sys
import threading
import time

try:
    import reader
    import store
except ImportError as missing:
    print(f"skipped: {missing}; apt-get install python3-zmq python3-msgpack python3-xxhash")
    sys.exit(77)

SLOWDOWN = max(1.0, float(os.environ.get("BATON_TEST_SLOWDOWN", "1")))
PATIENCE = 6 * SLOWDOWN  # with what should come within some seconds: the machine may be busy


class Failure(Exception):
    """What a story expected and did not get."""


def expect(condition, what):
    if not condition:
        raise Failure(what)


class Node:
    """`baton run` as a child process; while one waits for it the reader goes on."""

    def __init__(self, program, name, peer, *seeds):
        words = [program, "run", "--name", name, "--host", "127.0.0.1", "--no-beacon"]
        self.peer, self.lines = peer, queue.Queue()
        self.process = subprocess.Popen(words + [word for seed in seeds for word in ("--seed", seed)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        threading.Thread(target=self.listen, daemon=True).start()
        started = self.answer("event", "started")
        self.id, self.endpoint = bytes.fromhex(started["id"]), started["endpoint"]

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def answer(self, kind, name, seconds=30):
        end = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < end:
            self.peer.pump(0.002)
            while not self.lines.empty():
                line = self.lines.get()
                if line.get(kind) == name:
                    expect("error" not in line, f"{name}: {line.get('detail')}")
                    return line
        raise Failure(f"no answer: {name}")

    def ask(self, command):
        self.tell(command)
        return self.answer("reply", command.split()[0])

    def state_of(self, id):
        return next((m["state"] for m in self.ask("members")["members"] if m["id"] == id.hex()), "unknown")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Stories:
    def __init__(self, program, version):
        self.program, self.version, self.peer = program, version, reader.Reader(version=version)
        self.nodes, self.overtaken = [], 0
        raise_base = store.Block.raise_base

        def watched(block, base, total):  # counts the removals of less than the counter's record has by now
            before = block.value
            raise_base(block, base, total)
            self.overtaken += block.value != before and base < block.counter

        store.Block.raise_base = watched

    def node(self, name, *seeds):
        self.nodes.append(Node(self.program, name, self.peer, *seeds))
        return self.nodes[-1]

    def until(self, condition, what, seconds=10):
        expect(self.peer.until(condition, seconds * PATIENCE), what)

    def same(self, *nodes):
        """Digest, cut and number of keys of the reader are those that every node says."""
        told = ""

        def equal():
            nonlocal told
            own = f"{self.peer.store.digest():032x}", sorted(
                f"{id.hex()[:8]}:{n}" for id, n in self.peer.store.cut.items())
            said = [node.ask("digest") for node in nodes or self.nodes[:1]]
            told = f"reader {own}, nodes {said}"
            return all((one["digest"], sorted(one["cut"])) == own for one in said)

        expect(self.peer.until(equal, 10 * PATIENCE), f"not the same: {told}")

    # The stories, in order; each goes on where the one before has ended.

    def joins_and_pulls(self):
        a = self.a = self.node("a")
        a.ask("load 1000 100")
        a.ask("stash long " + "x" * 20000)
        self.peer.dial(a.endpoint)
        self.until(lambda: a.state_of(self.peer.id) == "up", "the reader is not up on the node")
        self.same()
        counts = self.peer.counts
        expect(counts["commits"] and counts["chunks"] > 20 and counts["parts"] > 3, f"a pull in chunks: {counts}")
        expect(self.peer.store.read(store.REGISTER, b"long") == b"x" * 20000, "the long value")

    def follows_registers(self):
        before, usual = self.peer.counts["commits"], self.peer.pull_after
        self.peer.pull_after = 60 * SLOWDOWN  # what is late comes all the same; what is lost is not late
        for n in range(50):
            self.a.ask(f"stash key{n} first")
            self.a.ask(f"stash key{n} second")
        self.same()
        for n in range(0, 50, 2):
            self.a.ask(f"drop key{n}")
        self.same()
        self.a.ask("stash brief value ttl=1h")  # the reader takes it and never hides it
        self.a.ask("load 1000 50 more/")
        self.same()
        expect(self.peer.store.read(store.REGISTER, b"key1") == b"second", "the overwritten value")
        expect(self.peer.store.read(store.REGISTER, b"key2") is None, "the dropped value")
        expect(self.peer.counts["commits"] == before, "deltas alone, without a pull")
        self.peer.pull_after = usual

    def acknowledges(self):
        before = dict(self.peer.counts)
        for n in range(20):
            done = self.a.ask(f"stash proven value{n} copies=2 within=1m")
            expect(done["met"] and done["copies"] == 2, f"the reader is a copy: {done}")
        absent = self.a.ask("pickup nothing within=1m until=known")
        expect(absent["result"] == "absent_confirmed", f"the reader has answered: {absent}")
        expect(self.peer.counts["acks"] >= before.get("acks", 0) + 20 and self.peer.counts["asked"], "acks and asks")
        self.same()

    def follows_types(self):
        for command in ("add c 5", "add c -7", "insert s x", "insert s y", "erase s x", "set-field m f one",
                        "set-field m f two", "set-field m g three", "erase-field m g", "enable on", "enable off",
                        "disable off", "add c2 9", "drop c2", "add c2 4", "insert s2 x", "drop s2", "insert s2 y",
                        "set-field m2 f v", "drop m2", "enable f2", "drop f2", "enable f2"):
            self.a.ask(command)
            self.same()
        read = self.peer.store.read
        expect((read(store.COUNTER, b"c"), read(store.COUNTER, b"c2")) == (-2, 4), "counters")
        expect((read(store.SET, b"s", b"x"), read(store.SET, b"s", b"y")) == (False, True), "a set")
        expect((read(store.SET, b"s2", b"x"), read(store.SET, b"s2", b"y")) == (False, True), "a set begun again")
        fields = [read(store.MAP, *names) for names in ((b"m", b"f"), (b"m", b"g"), (b"m2", b"f"))]
        expect(fields == [b"two", None, None], "maps")
        expect([read(store.FLAG, key) for key in (b"on", b"off", b"f2")] == [True, False, True], "flags")

    def repairs_a_missed_delta(self):
        for command in ("stash missed value", "drop key1", "add c 100", "drop s", "erase-field m f", "stash long a"):
            before = self.peer.counts["commits"]
            self.peer.ignore_deltas = 1
            self.a.ask(command)
            self.until(lambda: not self.peer.ignore_deltas, "no delta came")
            self.same()
            expect(self.peer.counts["commits"] > before, "a heartbeat shows the loss, a pull repairs it")
        self.peer.ignore_deltas = 1
        self.a.ask("stash gap one")
        self.until(lambda: not self.peer.ignore_deltas, "no delta came")
        self.a.ask("stash gap two")
        self.same()
        self.a.ask("stash huge " + "z" * 200000)  # too long for any delta
        self.same()
        expect(self.peer.store.read(store.REGISTER, b"huge") == b"z" * 200000, "the huge value")

    def follows_two_writers(self):
        a, b = self.a, self.node("b", self.a.endpoint)
        self.b = b
        self.until(lambda: b.state_of(self.peer.id) == "up" and b.ask("digest")["digest"] == a.ask("digest")["digest"],
                   "b does not join")
        self.same(a, b)
        for n in range(40):  # at the same time: one removes what the other adds to
            for node, commands in ((a, (f"add both {n + 1}", "drop both", "insert all a", f"stash reg a{n}",
                                        "enable fl", f"set-field map f a{n}", "drop map")),
                                   (b, ("add both 1000", f"set-field map f b{n}", "set-field map g 1", "insert all b",
                                        "drop all", f"stash reg b{n}", "disable fl"))):
                for command in commands:
                    node.tell(command)
            self.peer.pump(0.002)
            if n % 8 == 5:
                self.peer.ignore_deltas = 1
        self.same(a, b)
        self.overtaken, end = 0, time.monotonic() + 10 * PATIENCE
        while not self.overtaken and time.monotonic() < end:  # removals amid the other's additions
            b.tell("\n".join(["add both 1"] * 200))
            a.tell("\n".join(["drop both", "add both -3"] * 40))
            self.same(a, b)
            read, said = self.peer.store.read(store.COUNTER, b"both"), a.ask("count both")["value"]
            expect(read == said, f"the counter: {read}, {said}")
        expect(self.overtaken, "no addition beside a removal could be arranged")

    def follows_claims(self):
        """What is read, and the digest, where epochs decide: a value beside a claim, a loser, a released one."""
        a, b = self.a, self.b
        a.ask("stash owned first")
        for node, command, value in ((b, "claim owned within=1m", "first"), (a, "stash owned beside", "first"),
                                     (b, "commit owned second", "second"), (a, "claim owned", "second"),
                                     (b, "stash owned other", "second"), (a, "commit owned third", "third"),
                                     (a, "release owned", "third"), (b, "stash owned free", "free")):
            expect("error" not in node.ask(command), command)
            self.same(a, b)
            read = self.peer.store.read(store.REGISTER, b"owned")
            expect(read == value.encode() and b.ask("pickup owned")["value"] == value, f"{command}: {read}")
        expect(a.ask("pickup owned")["siblings"] == 0, "siblings where nothing is claimed")
        for n in range(20):  # at the same time
            a.tell(f"claim owned\ncommit owned a{n}")
            b.tell(f"claim owned\nstash owned b{n}")
        self.same(a, b)
        expect(self.peer.store.read(store.REGISTER, b"owned") == b.ask("pickup owned")["value"].encode(), "the owner's")

    def starts_late(self):
        """A second reader pulls what is there after all that: removal records, residues, contexts."""
        late = reader.Reader("late", version=self.version)
        try:
            late.dial(self.b.endpoint)
            end = time.monotonic() + 10 * PATIENCE
            while time.monotonic() < end and late.store.digest() != self.peer.store.digest():
                late.pump(0.005)
                self.peer.pump()
            expect(late.store.digest() == self.peer.store.digest(), "the second reader differs")
        finally:
            late.close()
        self.until(lambda: late.id.hex() not in str(self.a.ask("members")) or self.a.state_of(late.id) == "left",
                   "the second reader's goodbye")

    def lets_leave_safely(self):
        self.b.ask("stash last words")
        left = self.b.ask("leave 8s")
        expect(left["outcome"] == "safe", f"leave: {left}")
        self.same(self.a)
        expect(self.peer.store.read(store.REGISTER, b"last") == b"words", "what the leaver wrote last")
        self.until(lambda: self.b.id in self.peer.store.archive, "the leaver is not archived")
        self.a.ask("stash after goodbye")
        self.same(self.a)
        stats = self.a.ask("stats")
        expect(stats["digest_checks"] and not stats["diverged"] and not stats["refused_frames"], f"the node's: {stats}")
        left = self.a.ask("leave 8s")  # now the reader alone is the copy
        expect(left["outcome"] == "safe", f"leave: {left}")

    def never_differed(self):
        counts = self.peer.counts
        expect(counts["equal"] > 0 and not counts["diverged"] and not counts["refused"], f"{counts}")


def main():
    stories = Stories(sys.argv[1], int(sys.argv[2]))
    try:
        for story in ("joins_and_pulls", "follows_registers", "acknowledges", "follows_types", "repairs_a_missed_delta",
                      "follows_two_writers", "follows_claims", "starts_late", "lets_leave_safely", "never_differed"):
            begun = time.monotonic()
            try:
                getattr(stories, story)()
                print(f"{story}: ok ({time.monotonic() - begun:.1f} s)", flush=True)
            except Failure as failure:
                print(f"{story}: FAILED: {str(failure)[:2000]}\n  {stories.peer.counts}", flush=True)
                return 1
    finally:
        for node in stories.nodes:
            node.end()
        stories.peer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
