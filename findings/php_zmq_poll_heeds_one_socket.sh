#!/usr/bin/env bash
# php-zmq 1.1.3 as Debian 12 has it (php8.2-zmq 1.1.3-24, PHP 8.2). Seen on 2026-11-29.
#
# Behaviour: ZMQPoll::add() returns the same key for every socket, and keeps only the first: count() stays at 1, and poll()
# never reports what arrives on any other. No call fails. The key is made of the wrong piece of memory instead of the
# object's hash. So a program that waits for several sockets hears one of them and starves the others, and its own check
# that add() returned a key passes. Debian 13 (php8.4-zmq 1.1.3-30, the same upstream version) has three keys and reports all
# three sockets.
#
# Output seen:
#   keys: 1 of 3 sockets, count: 1
#   poll: 1 socket readable, then 0; recv on the other two: two, three
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq php8.2-zmq=1.1.3-24 >/dev/null
dpkg-deb -x php8.2-zmq_*.deb .
cat >poll.php <<'SCRIPT'
<?php
$context = new ZMQContext();
$poll = new ZMQPoll();
$pulls = $pushes = $keys = [];
foreach (['one', 'two', 'three'] as $word) {
    $pulls[] = $pull = $context->getSocket(ZMQ::SOCKET_PULL);
    $pull->bind('tcp://127.0.0.1:*');
    $pushes[] = $push = $context->getSocket(ZMQ::SOCKET_PUSH);
    $push->connect($pull->getSockOpt(ZMQ::SOCKOPT_LAST_ENDPOINT));
    $push->send($word);
    $keys[] = $poll->add($pull, ZMQ::POLL_IN);
}
printf("keys: %d of 3 sockets, count: %d\n", count(array_unique($keys)), $poll->count());

$readable = $writable = [];
$first = $poll->poll($readable, $writable, 5000);
foreach ($readable as $socket) $socket->recv();
$then = $poll->poll($readable, $writable, 1000);
$others = [];
foreach (array_slice($pulls, 1) as $pull) {
    $pull->setSockOpt(ZMQ::SOCKOPT_RCVTIMEO, 5000);
    $others[] = $pull->recv() ?: 'nothing';
}
printf("poll: %d socket readable, then %d; recv on the other two: %s\n", $first, $then, implode(', ', $others));
SCRIPT
seen=$(php8.2 -n -d extension="$(find "$folder" -name zmq.so)" poll.php)
echo "$seen"
[[ $seen == "keys: 1 of 3 sockets, count: 1
poll: 1 socket readable, then 0; recv on the other two: two, three" ]]
