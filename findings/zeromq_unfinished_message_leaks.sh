#!/usr/bin/env bash
# libzmq 4.3.4 of Debian 12 (the same source in 4.3.5 and on master). Seen on 2026-11-30.
#
# Behaviour: a DEALER with ZMQ_IMMEDIATE sends the first part of a message (ZMQ_SNDMORE); its connection ends before the
# last part. The parts sent so far are never freed: LeakSanitizer reports them. Without ZMQ_IMMEDIATE, or if the message is
# complete, nothing leaks. pipe_t::process_hiccup drops the old pipe after reading what has been flushed, and the parts of
# an unfinished message are not flushed; pipe_t::process_pipe_term likewise drops its pipe without rollback() when the
# delimiter came before the command, so an unfinished message from a peer may leak when its socket closes.
# Parts of up to 33 bytes are stored in the message itself and cannot leak.
#
# baton sends messages of one part; the parts of its answers to libzmq's ZAP have at most 32 bytes.
#
# Output seen:
#   4.3.4, unfinished, immediate: leaks
#   4.3.4, unfinished: none
#   4.3.4, finished, immediate: none
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/cut.c" <<'SOURCE'
#include <sanitizer/lsan_interface.h>
#include <zmq.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int count, char** words) {
    int immediate = count > 1 && strchr(words[1], 'i') != NULL, finished = count > 1 && strchr(words[1], 'f') != NULL;
    int none = 0, events = 0, major, minor, patch;
    char endpoint[64], body[1000] = {0};
    size_t size = sizeof endpoint;
    void* context = zmq_ctx_new();
    void* router = zmq_socket(context, ZMQ_ROUTER);
    void* dealer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(router, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(dealer, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(dealer, ZMQ_IMMEDIATE, &immediate, sizeof immediate);
    zmq_bind(router, "tcp://127.0.0.1:*");
    zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(dealer, endpoint);
    zmq_send(dealer, "hello", 5, 0);
    zmq_recv(router, body, sizeof body, 0);
    zmq_recv(router, body, sizeof body, 0);
    zmq_send(dealer, body, sizeof body, ZMQ_SNDMORE);
    if (finished) zmq_send(dealer, body, sizeof body, 0);
    zmq_close(router); /* the connection ends */
    for (int i = 0; i < 20; ++i) {
        usleep(100000);
        size = sizeof events;
        zmq_getsockopt(dealer, ZMQ_EVENTS, &events, &size); /* lets the socket learn of it */
    }
    zmq_close(dealer);
    zmq_ctx_term(context);
    memset(body, 0, sizeof body);
    zmq_version(&major, &minor, &patch);
    int leaks = __lsan_do_recoverable_leak_check() != 0;
    printf("%d.%d.%d, %s%s: %s\n", major, minor, patch, finished ? "finished" : "unfinished", immediate ? ", immediate" : "",
           leaks ? "leaks" : "none");
    fflush(stdout);
    _exit(leaks);
}
SOURCE
cc -fsanitize=leak -o "$folder/cut" "$folder/cut.c" -lzmq
leaked=0
"$folder/cut" i 2>/dev/null || leaked=1
"$folder/cut" '' 2>/dev/null
"$folder/cut" if 2>/dev/null
test "$leaked" = 1
