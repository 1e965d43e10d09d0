# A reading member of a baton mesh, written from wire/PROTOCOL.md alone; this file is contact, deltas, sessions and
# leaving, store.py what is kept. It follows the whole state and acknowledges a leave, writes nothing, serves nobody (a
# PULL is answered "busy") and pulls by walk only: at the opening of a session by ranges it hangs up.
import os
import struct
import time

import msgpack
import zmq

from store import (MASK, Cursor, Refused, Store, archive_digest, decode_cut, delta_rows, encode_cut, ids, join, standing_hash,
                   state_rows, under)

HELLO, BRIEF, DELTA, PULL, STATE, CREDIT, ACK, LEAVING, LEFT, FINGERPRINT, ASK, PEERS, INQUIRY, WORD = range(1, 15)
WANTS_ANSWER, SEES_YOU, IS_LEAVING, FULL = 1, 2, 4, 8
COMMIT, BUSY, ARCHIVE, WHOLE_ARCHIVE, WANTS_ARCHIVE, COMPARED, WANTS_CUT, DIFFERENCE = (1 << n for n in range(8))


class Peer:
    """Another member, reached by a DEALER at `endpoint`; of a seed the id is not known before its HELLO."""

    def __init__(self, endpoint, dealer):
        self.endpoint, self.dealer, self.id = endpoint, dealer, None
        self.sees_me = self.marked = self.full = False
        self.told, self.wanted, self.hash, self.state_low, self.leaving = {}, {}, None, 0, None
        self.greet_at, self.greet_every, self.asked_at = 0, 0.05, 0

    def up(self):
        return self.id is not None and self.sees_me and self.marked


class Session:
    def __init__(self, peer, number, seen, archive):
        self.peer, self.number, self.seen, self.sent_archive = peer, number, seen, archive
        self.chunks, self.repeats, self.moved_at, self.commit_at = 0, 0, time.monotonic(), None
        self.staged, self.parts, self.archive, self.commit = {}, {}, {}, None
        self.walk = 0  # of the chunks that have come; the server draws it


class Reader:
    def __init__(self, name="reader", cluster="default", chunk_bytes=4096, credit_bytes=16384, version=5):
        # Of the members that are up, the one with the smallest id has to archive who left; who writes nothing is last.
        self.id = b"\xff" + os.urandom(15)
        self.name, self.cluster, self.chunk_bytes, self.credit_bytes = name, cluster, chunk_bytes, credit_bytes
        self.version = version  # of the wire; no other is spoken
        self.store, self.peers, self.session, self.sessions = Store(), {}, None, 0
        self.waiting, self.gap, self.lacking_since, self.gone, self.marks = [], False, None, set(), set()
        self.ignore_deltas, self.counts = 0, dict.fromkeys(
            ("refused", "commits", "chunks", "deltas", "ignored", "equal", "diverged", "parts", "given_up", "asked",
             "acks"), 0)
        self.beat_at, self.beaten = 0, None
        self.pull_after = 0.1  # seconds for what is missing to come by itself
        self.context, self.poller = zmq.Context(), zmq.Poller()
        self.router, self.xpub, self.sub = (self.socket(kind) for kind in (zmq.ROUTER, zmq.XPUB, zmq.SUB))
        self.router.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self.xpub.setsockopt(zmq.XPUB_VERBOSE, 1)
        self.sub.setsockopt(zmq.SUBSCRIBE, b"")
        self.sub.setsockopt(zmq.SUBSCRIBE, b"\1" + self.id)
        self.port, self.publish_port = (s.bind_to_random_port("tcp://127.0.0.1") for s in (self.router, self.xpub))

    def socket(self, kind):
        made = self.context.socket(kind)
        made.setsockopt(zmq.LINGER, 200)
        self.poller.register(made, zmq.POLLIN)
        return made

    def dial(self, endpoint):
        if endpoint not in self.peers:
            dealer = self.socket(zmq.DEALER)
            dealer.setsockopt(zmq.ROUTING_ID, b"B" + self.id)
            dealer.setsockopt(zmq.IMMEDIATE, 1)
            dealer.connect(endpoint)
            self.peers[endpoint] = Peer(endpoint, dealer)
        return self.peers[endpoint]

    def hang_up(self, peer):
        self.poller.unregister(peer.dealer)
        peer.dealer.close()
        del self.peers[peer.endpoint]
        if self.session and self.session.peer is peer:
            self.session = None

    def close(self):
        self.xpub.send(self.frame(LEFT, self.id, 0, 0, self.id))
        for peer in self.peers.values():  # their own word, which PUB is not
            self.send(peer, self.frame(LEFT, self.id, 0, 1, self.id))
        self.context.destroy(linger=200)

    def peer_of(self, id):
        return next((peer for peer in self.peers.values() if peer.id == id), None)

    def known(self, id):
        """The peer; None of one that has left, whose frames by another connection may come after its goodbye."""
        peer = self.peer_of(id)
        if not peer and id not in self.gone:
            raise Refused("unknown")
        return peer

    def send(self, peer, data):
        try:
            peer.dealer.send(data, zmq.NOBLOCK)
        except zmq.Again:
            pass  # not connected yet; whatever matters is repeated

    def standing(self):
        return (encode_cut(self.store.cut), self.store.archive_digest().to_bytes(16, "big"),
                self.store.digest().to_bytes(16, "big"))

    def hello(self, flags):
        return self.frame(HELLO, self.cluster, self.version, self.version, self.id, flags, self.name, "127.0.0.1",
                          self.port, self.publish_port, 0, int(time.time() * 1000) << 16, *self.standing())

    def greet(self, peer, flags):
        self.send(peer, self.hello(flags | (SEES_YOU if peer.marked else 0)))

    def frame(self, kind, *fields):
        return msgpack.packb([self.version, kind, *fields], use_bin_type=True)

    # Driving

    def pump(self, seconds=0.0):
        """Receives and does what is due, for that long."""
        end = time.monotonic() + seconds
        while True:
            for ready, _ in self.poller.poll(max(0, min(10, int((end - time.monotonic()) * 1000)))):
                for _ in range(256):
                    if ready.closed or not ready.poll(0):
                        break
                    self.receive(ready, ready.recv_multipart())
            self.tick(time.monotonic())
            if time.monotonic() >= end:
                return

    def until(self, condition, seconds=10):
        """Whether the condition holds once within the time; what it then asks of others may change the next moment."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= end:
                return False
            self.pump(0.005)
        return True

    def receive(self, ready, parts):
        if ready is self.xpub:
            if parts[0][1:2] == b"\1" and len(parts[0]) == 18:
                self.mark(parts[0][2:], parts[0][0] == 1)
            return
        try:
            fields = msgpack.unpackb(parts[-1], raw=True)
            link = next((peer for peer in self.peers.values() if peer.dealer is ready), None)
            answer = (lambda data: self.send(link, data)) if link else (
                lambda data: self.router.send_multipart([parts[0], data])) if ready is self.router else None
            if fields[0] != self.version and not (fields[1] == HELLO and answer):
                raise Refused("version")
            {HELLO: self.on_hello, BRIEF: self.on_brief, DELTA: self.on_delta, STATE: self.on_state, PULL: self.on_pull,
             LEAVING: self.on_leaving, LEFT: self.on_left, FINGERPRINT: self.on_opening,
             ASK: self.on_ask, PEERS: self.on_peers,
             **dict.fromkeys((CREDIT, ACK, INQUIRY, WORD), lambda *_: None)}[fields[1]](
                fields[2:] if fields[0] == self.version else [*fields[2:6], None], link, answer)
        except (Refused, ValueError, IndexError, KeyError, TypeError, struct.error, msgpack.UnpackException):
            self.counts["refused"] += 1

    def tick(self, now):
        for peer in list(self.peers.values()):
            if not peer.up() and now >= peer.greet_at:
                self.greet(peer, WANTS_ANSWER)
                peer.greet_at, peer.greet_every = now + peer.greet_every, min(1, peer.greet_every * 2)
            if peer.leaving and under(peer.leaving[1], self.store.seen()):
                self.send(peer, self.frame(ACK, self.id, 3, peer.leaving[0], encode_cut(self.store.cut), 0))
                peer.leaving = None  # asked again if that was lost
            if peer.wanted and under(peer.wanted, self.store.seen()):
                peer.wanted = {}
                self.acknowledge(peer, 0)
        if now >= self.beat_at:
            standing = self.standing()
            if standing != self.beaten:
                self.xpub.send(self.hello(0))
            else:
                self.xpub.send(self.frame(BRIEF, self.id, standing_hash(self.store.cut, self.store.archive_digest()),
                                     self.store.digest() & MASK, 0))
            self.beat_at, self.beaten = now + 0.25, standing
        if self.session:
            self.drive_session(now)
        else:
            self.pull_what_lacks(now)

    # Contact (§3)

    def mark(self, id, there):
        (self.marks.add if there else self.marks.discard)(id)
        peer = self.peer_of(id)
        if peer:
            peer.marked = there
            self.greet(peer, 0)

    def on_hello(self, fields, link, answer):
        cluster, low, high, id, flags = fields[:5]
        if cluster.decode() != self.cluster or not low <= self.version <= high or id == self.id or id in self.gone:
            return
        if flags is None:  # in another version; it has not heard yet which is spoken here
            answer(self.hello(WANTS_ANSWER))
            return
        _, hosts, port, publish_port, latest, _ = fields[5:11]
        cut, archive, state = fields[11:14]
        host = hosts.split(b" ")[0].decode() or "127.0.0.1"
        known = self.peer_of(id)
        if answer is None and not known:
            return  # a broadcast of somebody never heard of
        peer = known or link or self.dial(f"tcp://{host}:{port}")
        if peer.id != id:
            peer.id, peer.sees_me, peer.marked, peer.told = id, False, id in self.marks, {}
            self.sub.connect(f"tcp://{host}:{publish_port}")
        peer.sees_me = peer.sees_me or bool(flags & SEES_YOU)
        peer.full = bool(flags & FULL)
        peer.told = join(peer.told, decode_cut(cut), {id: latest} if latest else {})
        peer.hash = standing_hash(decode_cut(cut), int.from_bytes(archive, "big"))
        self.compare(peer, int.from_bytes(state, "big") & MASK)
        if answer and flags & WANTS_ANSWER:
            answer(self.hello(SEES_YOU if peer.marked else 0))
        self.gap |= answer is None and latest > self.store.seen().get(id, 0)

    def on_peers(self, fields, link, answer):
        told = Cursor(fields[1])
        while told.more():
            id, hosts = told.take(16), told.text()
            if id != self.id and id not in self.gone and not self.peer_of(id):
                self.dial("tcp://" + hosts.split(b" ")[0].split(b"/")[0].decode())

    def on_brief(self, fields, link, answer):
        id, hash, state_low, latest = fields[:4]
        peer = self.known(id)
        if not peer:
            return
        if latest:
            peer.told = join(peer.told, {id: latest})
        self.gap |= latest > self.store.seen().get(id, 0)
        own = standing_hash(self.store.cut, self.store.archive_digest())
        if hash not in (own, peer.hash) and time.monotonic() > peer.asked_at + 0.1:
            peer.asked_at = time.monotonic()
            self.greet(peer, WANTS_ANSWER)
        if hash == own:
            peer.hash = hash
            self.compare(peer, state_low)

    def compare(self, peer, state_low):
        if state_low and peer.hash == standing_hash(self.store.cut, self.store.archive_digest()):
            self.counts["equal" if state_low == self.store.digest() & MASK else "diverged"] += 1

    # Deltas (§4)

    def on_delta(self, fields, link, answer):
        origin, first, count, base, depends, replicas, rows, wants_ack = fields[:8]
        if not self.known(origin):
            return
        events = list(delta_rows(base, ids(replicas), rows))
        if len(events) != count or first < 1:
            raise Refused("count")
        if self.ignore_deltas:
            self.ignore_deltas -= 1
            self.counts["ignored"] += 1
            return
        self.waiting = self.waiting[-1000:] + [(origin, first, events, decode_cut(depends))]
        self.apply_waiting()
        if wants_ack:
            peer = self.peer_of(origin)
            peer.wanted = join(peer.wanted, {origin: first + count - 1})

    def on_ask(self, fields, link, answer):
        id, number, want = fields[:3]
        peer = self.known(id)
        if not peer:
            return
        peer.told, peer.wanted = join(peer.told, decode_cut(want)), join(peer.wanted, decode_cut(want))
        self.gap |= not under(peer.wanted, self.store.seen())
        self.counts["asked"] += 1
        self.acknowledge(peer, number)

    def acknowledge(self, peer, asked):
        self.counts["acks"] += 1
        self.send(peer, self.frame(ACK, self.id, 1, 0, encode_cut(self.store.cut), asked))

    def apply_waiting(self):
        moved = True
        while moved:
            moved, kept = False, []
            for origin, first, events, depends in self.waiting:
                seen = self.store.seen()
                have = seen.get(origin, 0)
                if first + len(events) - 1 <= have:
                    continue
                newcomer = self.session and not self.session.seen.keys() & self.session.peer.told.keys()
                if first > have + 1 or not under(depends, seen) or newcomer and not have:
                    kept.append((origin, first, events, depends))
                    self.gap |= first > have + 1
                    continue
                for number, event in enumerate(events, first):
                    if number > have:
                        self.store.apply(origin, number, *event)
                self.counts["deltas"] += 1
                moved = True
            self.waiting = kept

    # Sessions (§5, §6)

    def pull_what_lacks(self, now):
        seen = self.store.seen()

        def lacks(peer):
            return sum(max(0, n - seen.get(id, 0)) for id, n in peer.told.items()) if peer.up() and not peer.full else 0

        best = max(self.peers.values(), key=lacks, default=None)
        if best is None or not lacks(best):
            self.lacking_since, self.gap = None, False
            return
        self.lacking_since = self.lacking_since or now
        if self.gap or now - self.lacking_since > self.pull_after:
            self.sessions += 1
            self.session = Session(best, self.sessions, seen, self.store.archive)
            self.gap, self.lacking_since = False, None
            self.pull_cut = dict(self.store.cut)
            self.send_pull()

    def send_pull(self):
        s = self.session
        self.send(s.peer, self.frame(PULL, s.number, self.id, self.chunk_bytes, self.credit_bytes, 1, 0,
                                encode_cut(self.pull_cut), archive_digest(s.sent_archive).to_bytes(16, "big"),
                                encode_cut(s.sent_archive)))

    def credit(self, done):
        walk = [self.session.walk] if self.version >= 5 else []
        self.send(self.session.peer, self.frame(CREDIT, self.session.number, self.session.chunks, done, *walk))

    def give_up(self):
        if not self.session.commit:
            self.credit(1)  # after a COMMIT that would say that it has been taken in
        self.session, self.lacking_since = None, time.monotonic()
        self.counts["given_up"] += 1
        self.apply_waiting()

    def drive_session(self, now):
        s = self.session
        if s.commit:
            self.try_commit(now)
        elif now - s.moved_at > 0.3:
            s.repeats, s.moved_at = s.repeats + 1, now
            if s.repeats > 10:
                self.give_up()
            elif s.chunks:
                self.credit(0)
            else:
                self.send_pull()

    def on_opening(self, fields, link, answer):
        if self.session and link is self.session.peer and fields[0] == self.session.number:
            self.give_up()

    def on_state(self, fields, link, answer):
        number, chunk, flags, _, base, replicas, rows = fields[:7]
        s = self.session
        if not s or link is not s.peer or number != s.number or s.commit:
            return
        if flags & (BUSY | WANTS_ARCHIVE | WANTS_CUT):
            self.session, self.lacking_since = None, time.monotonic()
            return
        walk = fields[12 if flags & COMMIT else 7:][:1] if self.version >= 5 else []
        if s.chunks and walk != [s.walk] * len(walk):
            return self.give_up()  # the server has forgotten the session and begun it once more
        if chunk != s.chunks:
            return
        s.walk = walk[0] if walk else 0
        if flags & ARCHIVE:
            s.archive.update(decode_cut(rows))
        else:
            s.staged.update(state_rows(base, ids(replicas), rows, s.parts))
        s.chunks, s.repeats, s.moved_at = s.chunks + 1, 0, time.monotonic()
        self.counts["chunks"] += 1
        self.counts["parts"] += bool(s.parts)
        if not flags & COMMIT:
            return self.credit(0)
        cut, server, floor = decode_cut(fields[7]), fields[10], decode_cut(fields[11])
        if server != s.peer.id:
            return self.give_up()
        told = join(cut if not flags & DIFFERENCE else {**self.pull_cut, **cut}, s.archive,
                    {} if flags & WHOLE_ARCHIVE else s.sent_archive)
        s.commit, s.commit_at = (flags, told, floor), time.monotonic()
        self.try_commit(s.commit_at)

    def try_commit(self, now):
        s = self.session
        flags, told, floor = s.commit
        newcomer = not s.seen.keys() & told.keys()
        if flags & COMPARED or self.id in told or not newcomer and not under(floor, s.seen) or any(
                not block.under(told) for chain in s.staged.values() for block in chain):
            return self.give_up()
        known = self.store.seen()
        late = [p for p in self.peers.values() if p is not s.peer and p.up()
                and told.get(p.id, 0) > max(p.told.get(p.id, 0), known.get(p.id, 0))]
        if late:
            if now - s.commit_at > 2:
                return self.give_up()
            for peer in late:
                if now > peer.asked_at + 0.1:
                    peer.asked_at = now
                    self.greet(peer, WANTS_ANSWER)
            return
        self.store.commit(s.staged, told, newcomer, floor, s.archive)
        self.credit(1)
        self.session = None
        self.counts["commits"] += 1
        self.apply_waiting()

    def on_pull(self, fields, link, answer):
        answer(self.frame(STATE, fields[0], 0, BUSY, 0, 0, b"", b""))

    # Leaving (§10)

    def on_leaving(self, fields, link, answer):
        id, number, _, seen = fields[:4]
        peer = self.known(id)
        if not peer:
            return
        peer.leaving, peer.told = (number, decode_cut(seen)), join(peer.told, decode_cut(seen))

    def on_left(self, fields, link, answer):
        id, final, flags, about = fields[:4]
        peer = self.peer_of(id)
        if flags & WANTS_ANSWER and answer:
            answer(self.frame(LEFT, self.id, final, 2, id))
        if peer and about == id:
            self.gone.add(id)
            self.hang_up(peer)
            self.xpub.send(self.frame(LEFT, self.id, final, 0, id))
