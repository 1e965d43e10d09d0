<?php
// A listening member of a baton mesh in PHP; README.md says what it does, and the same is there in other languages.
foreach (['zmq', 'msgpack'] as $needed) {
    if (!extension_loaded($needed)) {
        echo "skipped: no extension $needed; apt-get install php-$needed\n";
        exit(77);
    }
}
[, $mode, $endpoint] = $argv;
$words = array_slice($argv, 3);
echo 'with php-zmq ', phpversion('zmq'), ', libzmq ', ZMQ::LIBZMQ_VERSION, "\n";

const HELLO = 1, DELTA = 3, ACK = 7, LEAVING = 8, LEFT = 9, ASK = 11;
const WANTS_ANSWER = 1, SEES_YOU = 2, FULL = 8; // of a HELLO; in a LEFT 1 is the same, and 2 says that it is the answer
const ANSWERS = 2;

// What a DELTA's rows say of registers: [key, value] of each put.
function events(string $rows): iterable
{
    $at = 0;
    $varint = function () use ($rows, &$at): int {
        for ($value = 0, $shift = 0;; $shift += 7) {
            $byte = ord($rows[$at++]);
            $value |= ($byte & 127) << $shift;
            if ($byte < 128) {
                return $value;
            }
        }
    };
    $text = function () use ($rows, &$at, $varint): string {
        $length = $varint();
        $at += $length;
        return substr($rows, $at - $length, $length);
    };
    while ($at < strlen($rows)) {
        $head = ord($rows[$at++]);
        [$type, $removal] = [$head >> 4 & 7, $head & 1];
        $varint(); // time
        $key = $text();
        if ($type == 2 || $type == 3) {
            $text();
        }
        $value = !$removal || in_array($type, [1, 5, 6]) ? $text() : '';
        for ($numbers = ($head >> 2 & 1) + ($head >> 3 & 1); $numbers > 0; --$numbers) { // epoch, ttl
            $varint();
        }
        for ($numbers = $head & 2 ? 2 * $varint() : 0; $numbers > 0; --$numbers) { // kills
            $varint();
        }
        if ($type == 0 && !$removal) {
            yield [$key, $value];
        }
    }
}

// This extension packs each string as text, never as binary: a peer of baton takes one for the other.
function frame(...$fields): string
{
    return msgpack_pack([5, ...$fields]);
}

// One of the other members: a DEALER to it, and what is known of each other.
class Link
{
    public bool $seesMe = false, $marked = false, $up = false;

    public function __construct(public ZMQSocket $dealer)
    {
    }
}

class Peer
{
    private ZMQSocket $router, $xpub, $sub;
    private ZMQContext $context;
    private Link $seed;
    private string $id;
    private array $ports, $links = [], $marks = []; // links and marks by id; before its first HELLO the seed has none
    private bool $leaving = false, $done = false;

    public function __construct(private string $endpoint, private string $hosts)
    {
        $this->context = new ZMQContext();
        $this->id = "\xff\0" . random_bytes(14); // with a zero byte, as any may have
        foreach (['router', 'xpub', 'sub'] as $kind) {
            $this->$kind = $this->context->getSocket(constant('ZMQ::SOCKET_' . strtoupper($kind)));
            $this->$kind->setSockOpt(ZMQ::SOCKOPT_LINGER, 500);
        }
        $this->router->setSockOpt(ZMQ::SOCKOPT_ROUTER_HANDOVER, 1);
        $this->xpub->setSockOpt(ZMQ::SOCKOPT_XPUB_VERBOSE, 1);
        $this->sub->setSockOpt(ZMQ::SOCKOPT_SUBSCRIBE, '');
        $this->sub->setSockOpt(ZMQ::SOCKOPT_SUBSCRIBE, "\1$this->id");
        foreach ([$this->router, $this->xpub] as $bound) {
            $bound->bind('tcp://127.0.0.1:*');
            $this->ports[] = (int) preg_replace('/.*:/', '', $bound->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT));
        }
        $this->seed = $this->dial($endpoint);
    }

    private function dial(string $endpoint): Link
    {
        $dealer = $this->context->getSocket(ZMQ::SOCKET_DEALER);
        $dealer->setSockOpt(ZMQ::SOCKOPT_LINGER, 500);
        $dealer->setSockOpt(ZMQ::SOCKOPT_IDENTITY, "B$this->id");
        $dealer->connect($endpoint);
        return new Link($dealer);
    }

    private function hello(?Link $link, int $flags): string
    {
        return frame(HELLO, 'default', 5, 5, $this->id, $flags | FULL | ($link?->marked ? SEES_YOU : 0), 'php',
            $this->hosts, ...$this->ports, ...[0, (int) (microtime(true) * 1000) << 16, '', str_repeat("\0", 16), '']);
    }

    private function everyone(): array
    {
        $others = array_filter($this->links, fn($link) => $link !== $this->seed);
        return [$this->seed, ...array_values($others)];
    }

    public function run(): void
    {
        for ($beatAt = 0; !$this->done;) {
            if (microtime(true) >= $beatAt) {
                $this->xpub->send($this->hello(null, 0));
                foreach ($this->everyone() as $link) {
                    if (!$link->up) {
                        $link->dealer->send($this->hello($link, WANTS_ANSWER));
                    }
                }
                $beatAt = microtime(true) + 0.25;
            }
            usleep(5000); // ZMQPoll of php-zmq 1.1.3 heeds only the first of its sockets
            $this->drain($this->xpub, fn($topic) => $this->mark($topic));
            $this->drain($this->sub, fn($data) => $this->hear(msgpack_unpack($data)));
            $this->drain($this->router, fn($from, $data) => $this->take(msgpack_unpack($data), null,
                fn($reply) => $this->router->sendMulti([$from, $reply])));
            foreach ($this->everyone() as $link) {
                $this->drain($link->dealer, fn($data) => $this->take(msgpack_unpack($data), $link,
                    fn($reply) => $link->dealer->send($reply)));
            }
        }
        echo "left\n";
    }

    private function drain(ZMQSocket $socket, callable $handle): void
    {
        while (($parts = $socket->recvMulti(ZMQ::MODE_DONTWAIT)) !== false) {
            $handle(...$parts);
        }
    }

    private function mark(string $topic): void
    {
        if (strlen($topic) != 18 || $topic[1] != "\1") {
            return;
        }
        $known = bin2hex(substr($topic, 2));
        $this->marks[$known] = $topic[0] == "\1";
        $link = $this->links[$known] ?? null;
        if ($link) {
            $link->marked = $this->marks[$known];
            $link->dealer->send($this->hello($link, 0));
        }
    }

    // The link of who has greeted; it is dialled, and what it publishes subscribed to, the first time.
    private function met(array $fields, ?Link $link): Link
    {
        $known = bin2hex($fields[3]);
        if (!isset($this->links[$known])) {
            $address = "tcp://127.0.0.1:$fields[7]"; // its greeting may come by its own link first
            $this->links[$known] = $link ?? ($address == $this->endpoint ? $this->seed : $this->dial($address));
            $this->sub->connect("tcp://127.0.0.1:$fields[8]");
        }
        $link = $this->links[$known];
        $link->marked = $this->marks[$known] ?? false;
        $link->seesMe = $link->seesMe || $fields[4] & SEES_YOU;
        if ($link === $this->seed && !$link->up && $link->seesMe && $link->marked) {
            echo 'up ', bin2hex($this->id), "\n";
        }
        $link->up = $link->seesMe && $link->marked;
        return $link;
    }

    private function take(array $frame, ?Link $link, callable $answer): void
    {
        [$version, $kind] = $frame;
        $fields = array_slice($frame, 2);
        if ($version != 5) { // it has not heard yet which version is spoken here
            if ($kind == HELLO) {
                $answer($this->hello($link, WANTS_ANSWER));
            }
        } elseif ($kind == HELLO) {
            $link = $this->met($fields, $link);
            if ($fields[4] & WANTS_ANSWER) {
                $answer($this->hello($link, 0));
            }
        } elseif ($kind == ASK) {
            $answer(frame(ACK, $this->id, 0, 0, '', $fields[1], 4, ''));
        } elseif ($kind == LEAVING) {
            $answer(frame(ACK, $this->id, 0, $fields[1], '', 0));
        } elseif ($kind == LEFT && $this->leaving) {
            $this->done = ($fields[2] & ANSWERS) != 0;
        } elseif ($kind == LEFT) {
            if ($fields[2] & WANTS_ANSWER) {
                $answer(frame(LEFT, $this->id, 0, ANSWERS, $fields[3]));
            }
            unset($this->links[bin2hex($fields[0])]);
        }
    }

    private function hear(array $frame): void
    {
        if ($frame[1] != DELTA) {
            return;
        }
        foreach (events($frame[8]) as [$key, $value]) {
            echo 'heard ', bin2hex($key), ' ', bin2hex($value), "\n";
            if (str_starts_with($key, 'typed/')) {
                [$version, $object] = msgpack_unpack($value);
                echo "typed $key $version ", implode(' ', $object), "\n";
            }
            if ($key == 'end') {
                $this->leaving = true;
                $this->xpub->send(frame(LEFT, $this->id, 0, 0, $this->id));
                $this->seed->dealer->send(frame(LEFT, $this->id, 0, WANTS_ANSWER, $this->id));
            }
        }
    }
}

function knock(string $endpoint, string $server, string $public, string $secret): void
{
    $dealer = (new ZMQContext())->getSocket(ZMQ::SOCKET_DEALER);
    $dealer->setSockOpt(ZMQ::SOCKOPT_CURVE_SERVERKEY, $server);
    $dealer->setSockOpt(ZMQ::SOCKOPT_CURVE_PUBLICKEY, $public);
    $dealer->setSockOpt(ZMQ::SOCKOPT_CURVE_SECRETKEY, $secret);
    $dealer->connect($endpoint);
    $dealer->send('sealed');
    $dealer->recv();
}

$mode == 'curve' ? knock($endpoint, ...$words) : (new Peer($endpoint, $words[0] ?? ''))->run();
