// A listening member of a baton mesh in Java; README.md says what it does, and the same is there in other languages.
// It needs the jars of JeroMQ and of msgpack-java in the class path.
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.msgpack.core.MessageBufferPacker;
import org.msgpack.core.MessagePack;
import org.msgpack.value.Value;
import org.zeromq.ZMQ;

public class Peer {
    static final int HELLO = 1, DELTA = 3, ACK = 7, LEAVING = 8, LEFT = 9, ASK = 11;
    static final int WANTS_ANSWER = 1, SEES_YOU = 2, ANSWERS = 2, FULL = 8; // ANSWERS is of a LEFT
    static final byte[] NONE = {};

    /** What a DELTA's rows say, one after another. */
    static class Rows {
        final byte[] rows;
        int at;

        Rows(byte[] rows) {
            this.rows = rows;
        }

        long varint() {
            long value = 0;
            for (int shift = 0;; shift += 7) {
                final byte next = rows[at++];
                value |= (long) (next & 127) << shift;
                if (next >= 0) return value;
            }
        }

        byte[] text() {
            final int length = (int) varint();
            at += length;
            return Arrays.copyOfRange(rows, at - length, at);
        }

        /** Key and value of each put of a register. */
        List<byte[][]> puts() {
            final List<byte[][]> found = new ArrayList<>();
            while (at < rows.length) {
                final int head = rows[at++], type = head >> 4 & 7;
                final boolean removal = (head & 1) != 0;
                varint(); // time
                final byte[] key = text();
                if (type == 2 || type == 3) text();
                final byte[] value = !removal || type == 1 || type == 5 || type == 6 ? text() : NONE;
                if ((head & 4) != 0) varint(); // epoch
                if ((head & 8) != 0) varint(); // ttl
                for (long kills = (head & 2) != 0 ? 2 * varint() : 0; kills > 0; --kills) varint();
                if (type == 0 && !removal) found.add(new byte[][] {key, value});
            }
            return found;
        }
    }

    /** One of the other members: a DEALER to it, and what is known of each other. */
    static class Link {
        final ZMQ.Socket dealer;
        boolean seesMe, marked, up;

        Link(ZMQ.Socket dealer) {
            this.dealer = dealer;
        }
    }

    final byte[] id = joined(new byte[] {-1, 0}, random(14)); // with a zero byte, as any may have
    final String endpoint, hosts;
    final ZMQ.Context context = ZMQ.context(1);
    final ZMQ.Socket router = socket(ZMQ.ROUTER), xpub = socket(ZMQ.XPUB), sub = socket(ZMQ.SUB);
    final int port, publishPort;
    final Map<String, Link> links = new HashMap<>(); // by id; before its first HELLO the seed has none
    final Set<String> marks = new HashSet<>();
    final Link seed;
    boolean leaving, done;

    Peer(String endpoint, String hosts) {
        this.endpoint = endpoint;
        this.hosts = hosts;
        router.setRouterHandover(true);
        xpub.setXpubVerbose(true);
        sub.subscribe(NONE);
        sub.subscribe(joined(new byte[] {1}, id));
        port = router.bindToRandomPort("tcp://127.0.0.1");
        publishPort = xpub.bindToRandomPort("tcp://127.0.0.1");
        seed = dial(endpoint);
    }

    ZMQ.Socket socket(int kind) {
        final ZMQ.Socket made = context.socket(kind);
        made.setLinger(500);
        return made;
    }

    Link dial(String endpoint) {
        final ZMQ.Socket dealer = socket(ZMQ.DEALER);
        dealer.setIdentity(joined(new byte[] {'B'}, id));
        dealer.connect(endpoint);
        return new Link(dealer);
    }

    static byte[] random(int count) {
        final byte[] bytes = new byte[count];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    static byte[] joined(byte[] one, byte[] other) {
        final byte[] both = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, both, one.length, other.length);
        return both;
    }

    static byte[] frame(Object... fields) {
        try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
            packer.packArrayHeader(fields.length + 1).packInt(5);
            for (Object field : fields) {
                if (field instanceof byte[] bytes) packer.packBinaryHeader(bytes.length).writePayload(bytes);
                else if (field instanceof String text) packer.packString(text);
                else packer.packLong(((Number) field).longValue());
            }
            return packer.toByteArray();
        } catch (IOException fault) {
            throw new IllegalStateException(fault);
        }
    }

    static List<Value> unpacked(byte[] data) {
        try (var unpacker = MessagePack.newDefaultUnpacker(data)) {
            return unpacker.unpackValue().asArrayValue().list();
        } catch (IOException fault) {
            throw new IllegalStateException(fault);
        }
    }

    byte[] hello(Link link, int flags) {
        return frame(HELLO, "default", 5, 5, id, flags | FULL | (link != null && link.marked ? SEES_YOU : 0), "java", hosts, port,
            publishPort, 0, System.currentTimeMillis() << 16, NONE, new byte[16], NONE);
    }

    List<Link> everyone() {
        final Set<Link> all = new HashSet<>(links.values());
        all.add(seed);
        return List.copyOf(all);
    }

    void run() throws InterruptedException {
        for (long beatAt = System.nanoTime(); !done; Thread.sleep(5)) {
            if (System.nanoTime() - beatAt >= 0) {
                xpub.send(hello(null, 0));
                for (Link link : everyone())
                    if (!link.up) link.dealer.send(hello(link, WANTS_ANSWER));
                beatAt += 250_000_000;
            }
            for (byte[] topic; (topic = xpub.recv(ZMQ.DONTWAIT)) != null;) mark(topic);
            for (byte[] data; (data = sub.recv(ZMQ.DONTWAIT)) != null;) hear(unpacked(data));
            for (byte[] from; (from = router.recv(ZMQ.DONTWAIT)) != null;) {
                final byte[] back = from;
                take(unpacked(router.recv()), null, reply -> {
                    router.sendMore(back);
                    router.send(reply);
                });
            }
            for (Link link : everyone())
                for (byte[] data; (data = link.dealer.recv(ZMQ.DONTWAIT)) != null;)
                    take(unpacked(data), link, link.dealer::send);
        }
        System.out.println("left");
    }

    void mark(byte[] topic) {
        if (topic.length != 18 || topic[1] != 1) return;
        final String known = hex(Arrays.copyOfRange(topic, 2, 18));
        if (topic[0] == 1) marks.add(known);
        else marks.remove(known);
        final Link link = links.get(known);
        if (link == null) return;
        link.marked = topic[0] == 1;
        link.dealer.send(hello(link, 0));
    }

    /** The link of who has greeted; it is dialled, and what it publishes subscribed to, the first time. */
    Link met(List<Value> frame, Link from) {
        final String known = hex(frame.get(5).asRawValue().asByteArray());
        if (!links.containsKey(known)) {
            final String address = "tcp://127.0.0.1:" + frame.get(9); // its greeting may come by its own link first
            links.put(known, from != null ? from : address.equals(endpoint) ? seed : dial(address));
            sub.connect("tcp://127.0.0.1:" + frame.get(10));
        }
        final Link link = links.get(known);
        link.marked = marks.contains(known);
        link.seesMe |= (number(frame.get(6)) & SEES_YOU) != 0;
        if (link == seed && !link.up && link.seesMe && link.marked) System.out.println("up " + hex(id));
        link.up = link.seesMe && link.marked;
        return link;
    }

    static long number(Value field) { // the lowest 64 bits: what is 2^63 and more is negative
        return field.asIntegerValue().asBigInteger().longValue();
    }

    void take(List<Value> frame, Link link, Consumer<byte[]> answer) {
        if (number(frame.get(0)) != 5) { // it has not heard yet which version is spoken here
            if (number(frame.get(1)) == HELLO) answer.accept(hello(link, WANTS_ANSWER));
            return;
        }
        switch ((int) number(frame.get(1))) {
        case HELLO:
            final Link met = met(frame, link);
            if ((number(frame.get(6)) & WANTS_ANSWER) != 0) answer.accept(hello(met, 0));
            break;
        case ASK:
            answer.accept(frame(ACK, id, 0, 0, NONE, number(frame.get(3)), 4, NONE));
            break;
        case LEAVING:
            answer.accept(frame(ACK, id, 0, number(frame.get(3)), NONE, 0));
            break;
        case LEFT:
            done = leaving && (number(frame.get(4)) & ANSWERS) != 0;
            if (leaving) break;
            if ((number(frame.get(4)) & WANTS_ANSWER) != 0)
                answer.accept(frame(LEFT, id, 0, ANSWERS, frame.get(5).asRawValue().asByteArray()));
            links.remove(hex(frame.get(2).asRawValue().asByteArray()));
            break;
        default:
        }
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    void hear(List<Value> frame) {
        if (number(frame.get(1)) != DELTA) return;
        for (byte[][] put : new Rows(frame.get(8).asRawValue().asByteArray()).puts()) {
            System.out.println("heard " + hex(put[0]) + " " + hex(put[1]));
            final String key = new String(put[0], StandardCharsets.UTF_8);
            if (key.startsWith("typed/")) {
                final List<Value> typed = unpacked(put[1]);
                final StringBuilder told = new StringBuilder("typed " + key + " " + typed.get(0));
                typed.get(1).asArrayValue().forEach(field -> told.append(' ').append(field));
                System.out.println(told);
            }
            if (!key.equals("end")) continue;
            leaving = true;
            xpub.send(frame(LEFT, id, 0, 0, id));
            seed.dealer.send(frame(LEFT, id, 0, WANTS_ANSWER, id));
        }
    }

    /** By reflection, as JeroMQ 0.3 has no CURVE. */
    static void knock(String[] words) {
        final ZMQ.Socket dealer = ZMQ.context(1).socket(ZMQ.DEALER);
        final String[] options = {"setCurveServerKey", "setCurvePublicKey", "setCurveSecretKey"};
        try {
            for (int n = 0; n < options.length; ++n)
                ZMQ.Socket.class.getMethod(options[n], byte[].class)
                    .invoke(dealer, words[n + 2].getBytes(StandardCharsets.US_ASCII));
        } catch (ReflectiveOperationException missing) {
            System.out.println("no CURVE");
            System.exit(1);
        }
        dealer.connect(words[1]);
        dealer.send("sealed");
        dealer.recv();
    }

    public static void main(String[] words) throws InterruptedException {
        System.out.println("with JeroMQ, as libzmq " + ZMQ.getVersionString());
        if (words[0].equals("curve")) knock(words);
        else new Peer(words[1], words.length > 2 ? words[2] : "").run();
        System.exit(0);
    }
}
