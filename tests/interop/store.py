# What a member of a baton mesh keeps and how it is written (wire/PROTOCOL.md §2, §4, §6, §9): codec of cuts and rows,
# digest, and the store with its two ways in: an event of a delta, the COMMIT of a session.
import dataclasses
import struct

import xxhash

REGISTER, COUNTER, SET, MAP, FLAG, SCOPE, ARCHIVED = range(7)
MASK = 2**64 - 1


class Refused(Exception):
    """A frame or session that has to be without effect."""


# --- Codec (§2) ---


class Cursor:
    """Reads what the tables of §2, §4 and §6 describe, front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def more(self):
        return self.at < len(self.data)

    def take(self, count):
        if self.at + count > len(self.data):
            raise Refused("truncated")
        self.at += count
        return self.data[self.at - count:self.at]

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                if value > MASK:
                    break
                return value
        raise Refused("varint")

    def difference(self):
        z = self.varint()
        return (z >> 1) ^ -(z & 1)

    def text(self):
        return self.take(self.varint())

    def slot(self, kind):
        return kind, self.text(), self.text() if kind in (SET, MAP) else b""


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def encode_cut(cut):
    return b"".join(id + varint(cut[id]) for id in sorted(cut))


def decode_cut(data):
    cursor, cut, last = Cursor(data), {}, b""
    while cursor.more():
        id, counter = cursor.take(16), cursor.varint()
        if id <= last or not 1 <= counter < 2**48:
            raise Refused("cut")
        cut[id] = counter
        last = id
    return cut


def join(*cuts):
    out = {}
    for cut in cuts:
        for id, counter in cut.items():
            out[id] = max(counter, out.get(id, 0))
    return out


def under(cut, other):
    return all(other.get(id, 0) >= counter for id, counter in cut.items())


def ids(data):
    return [data[n:n + 16] for n in range(0, len(data), 16)]


def delta_rows(base, replicas, rows):
    """The events of a DELTA (§4): (slot, removal, timestamp, epoch, value, kills)."""
    cursor, stamp = Cursor(rows), base
    while cursor.more():
        head = cursor.byte()
        kind, removal = head >> 4 & 7, head & 1  # bit 7: together with the next event
        if kind > ARCHIVED or head & 8 and (kind or removal):
            raise Refused("row")
        stamp = (stamp + cursor.difference()) & MASK
        slot = cursor.slot(kind)
        value = cursor.text() if not removal or kind in (COUNTER, SCOPE, ARCHIVED) else b""
        epoch = cursor.varint() if head & 4 else 0
        _ttl = cursor.varint() if head & 8 else None  # this reader hides nothing
        kills = [(replicas[cursor.varint()], cursor.varint()) for _ in range(cursor.varint())] if head & 2 else []
        yield slot, bool(removal), stamp, epoch, value, kills


def state_rows(base, replicas, rows, parts):
    """The chains of a STATE chunk (§6): (slot, [Block]); pieces of long values go to `parts` and come from there."""
    cursor, index, counter, stamp = Cursor(rows), 0, 0, base

    def dot():
        nonlocal index, counter
        index, counter = cursor.varint(), (counter + cursor.difference()) & MASK
        return replicas[index], counter

    def entry():
        nonlocal stamp
        head = cursor.byte()
        if head & 3 == 3 or head >> 5:
            raise Refused("entry")
        id, number = dot()
        if head & 3 == 2:
            return Block(id, number, reference=True)
        stamp = (stamp + cursor.difference()) & MASK
        epoch = cursor.varint() if head & 4 else 0
        _ttl = cursor.varint() if head & 16 else None
        value = bytes(parts.pop((slot, id, number), b"")) if head & 8 else cursor.text()
        if head & 8 and cursor.varint() != len(value):
            raise Refused("parts")
        return Block(id, number, stamp, epoch, bool(head & 3), value)

    while cursor.more():
        head = cursor.byte()
        kind, form = head >> 4, head & 15
        if kind > ARCHIVED or form > 3:
            raise Refused("row")
        slot = cursor.slot(kind)
        if form == 0:
            piece = parts.setdefault((slot, *dot()), bytearray())
            total, offset = cursor.varint(), cursor.varint()
            piece += cursor.text()
            if offset > len(piece) or len(piece) > total:
                raise Refused("part")
        elif form == 3:
            counter += 1
            stamp = (stamp + cursor.difference()) & MASK
            yield slot, [Block(replicas[index], counter, stamp, 0, False, cursor.text())]
        else:
            yield slot, [entry() for _ in range(cursor.varint() if form == 1 else 1)]


# --- Digest (§9) ---


def block_hash(id, counter, stamp, epoch, slot, value):
    kind, key, element = slot
    head = id + struct.pack("<QQQBH", counter, stamp, epoch, kind, len(key)) + key + element
    first = xxhash.xxh3_128_intdigest(head, seed=0x6261746f6e000002)
    return (first + xxhash.xxh3_128_intdigest(value, seed=first & MASK)) % 2**128


def archive_digest(archive):
    return sum(block_hash(id, n, 0, 0, (0, b"", b""), b"") for id, n in archive.items()) % 2**128


def standing_hash(cut, digest):
    return xxhash.xxh3_64_intdigest(encode_cut(cut) + digest.to_bytes(16, "big"))


# --- Store (§4, §6, §9) ---


@dataclasses.dataclass
class Block:
    id: bytes
    counter: int
    stamp: int = 0
    epoch: int = 0
    removal: bool = False
    value: bytes = b""
    reference: bool = False

    def under(self, cut):
        return self.counter <= cut.get(self.id, 0)

    def share(self):  # of a counter: total, base, base_total
        return struct.unpack("<QQQ", self.value)

    def raise_base(self, base, base_total):
        total, old, _ = self.share()
        if old < base <= self.counter:
            self.value = struct.pack("<QQQ", total, base, base_total)

    def visible(self, kind):
        return not self.removal and not (kind == COUNTER and self.share()[1] == self.counter)


def context(value):
    return {value[n:n + 16]: struct.unpack_from("<Q", value, n + 16)[0] for n in range(0, len(value), 24)}


def join_contexts(*values):
    joined = join(*map(context, values))
    return b"".join(id + struct.pack("<Q", joined[id]) for id in sorted(joined))


class Store:
    def __init__(self):
        self.slots = {}  # slot -> {id: Block}: an origin has at most one block in a slot
        self.cut, self.archive, self.floor = {}, {}, {}

    def seen(self):
        return join(self.cut, self.archive)

    def see(self, seen, archive):
        """Sets what is seen; an archive entry counts iff it is exactly what is seen of its origin (§8)."""
        self.archive = {id: n for id, n in archive.items() if seen.get(id) == n}
        self.cut = {id: n for id, n in seen.items() if id not in self.archive}

    def scope_effect(self, key, removed):
        for (kind, name, _), chain in self.slots.items():
            if kind in (SET, MAP, FLAG) and name == key:
                for block in chain.values():
                    if not block.removal and block.under(removed):
                        block.removal, block.value = True, b""

    def apply(self, origin, counter, slot, removal, stamp, epoch, value, kills):
        kind, key, _ = slot
        chain = self.slots.setdefault(slot, {})
        former = chain.pop(origin, None)
        killed = [chain.pop(id) for id, n in kills if id in chain and chain[id].counter == n]
        block = chain[origin] = Block(origin, counter, stamp, epoch, removal, value)
        archive = dict(self.archive)
        if kind == COUNTER and removal:
            for at in range(0, len(value), 32):
                if value[at:at + 16] in chain and not chain[value[at:at + 16]].removal:
                    chain[value[at:at + 16]].raise_base(*struct.unpack_from("<QQ", value, at + 16))
            block.value = b""
        elif kind == COUNTER and former and not former.removal:
            block.raise_base(*former.share()[1:])
        elif kind == SCOPE:
            block.value = join_contexts(value, *(old.value for old in killed + [former] if old))
            self.scope_effect(key, context(block.value))
        elif kind == ARCHIVED:
            archive[key] = struct.unpack("<Q", value)[0]
        self.see(join(self.seen(), {origin: counter}), archive)

    def commit(self, staged, told, newcomer, floor, archive):
        """§6: takes in, at once, the chains of a walk that ended at the cut `told` (C); `archive` are its entries."""
        before, entries = self.seen(), join(self.archive, archive)
        for slot, shipped in sorted(staged.items(), key=lambda item: item[0][0] != SCOPE):
            kind, key, _ = slot
            chain, named = self.slots.setdefault(slot, {}), {block.id: block for block in shipped}
            for id, new in named.items():
                old = chain.get(id)
                if old and kind == COUNTER and not (old.removal or new.removal or new.reference):
                    share, other = old.share(), new.share()
                    old.raise_base(*other[1:])
                    new.raise_base(*share[1:])
                if old and kind == SCOPE and old.counter < new.counter and not new.reference:
                    new.value = join_contexts(new.value, old.value)
            for old in list(chain.values()):
                new = named.get(old.id)
                if (new and new.counter > old.counter) if old.removal else (
                        old.under(told) and (new is None or new.counter != old.counter)):
                    del chain[old.id]
            for new in shipped:
                old = chain.get(new.id)
                if old and old.counter == new.counter and new.removal and kind in (SET, MAP, FLAG):
                    old.removal, old.value = True, b""
                if new.reference or new.under(before):
                    continue
                chain[new.id] = new
                if kind in (SET, MAP, FLAG):
                    for scope in self.slots.get((SCOPE, key, b""), {}).values():
                        if new.under(context(scope.value)):
                            new.removal, new.value = True, b""
                elif kind == SCOPE:
                    self.scope_effect(key, context(new.value))
                elif kind == ARCHIVED:
                    entries = join(entries, {key: struct.unpack("<Q", new.value)[0]})
        for slot in self.slots.keys() - staged.keys() if newcomer else ():
            chain = self.slots[slot]
            self.slots[slot] = {id: old for id, old in chain.items() if old.removal or not old.under(told)}
        self.see(join(before, told), entries)
        if newcomer:
            self.floor = join(self.floor, floor)

    def records(self):
        return [(slot, block) for slot, chain in self.slots.items() for block in chain.values()
                if block.visible(slot[0])]

    def digest(self):
        return sum(block_hash(b.id, b.counter, b.stamp, b.epoch, slot, b.value) for slot, b in self.records()) % 2**128

    def archive_digest(self):
        return archive_digest(self.archive)

    def read(self, kind, key, element=b""):
        """The value of a register, field or counter, None without one; of a set or flag: whether it is there."""
        blocks = [b for b in self.slots.get((kind, key, element), {}).values() if b.visible(kind)]
        if kind == COUNTER:
            value = sum(b.share()[0] - b.share()[2] for b in blocks) & MASK
            return (value - 2**64 if value >> 63 else value) if blocks else None
        if kind in (SET, FLAG):
            return bool(blocks)
        return max(blocks, key=lambda b: (b.epoch, b.stamp, b.id, b.counter)).value if blocks else None
