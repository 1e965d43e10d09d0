#!/usr/bin/env bash
# libzmq 4.3.4 of Debian 12 (the same source in 4.3.5). Seen on 2026-11-29.
#
# Behaviour: zmq.h has ZMQ_RECONNECT_STOP only under ZMQ_BUILD_DRAFT_API, and zmq_has("draft") is 0. Nevertheless
# zmq_setsockopt takes its number, 109, and the socket obeys: with ZMQ_RECONNECT_STOP_CONN_REFUSED (1) a connection that is
# refused is not tried again. Options are switched by number, and this one is outside the draft part of options.cpp.
# So a program that passes a wrong number may change how its sockets reconnect, without an error.
#
# And no monitor event says *why* a connection failed: a refusal and a timeout both are CONNECT_DELAYED, CLOSED.
#
# Output seen:
#   4.3.4, draft: 0, ZMQ_RECONNECT_STOP by number: taken
#   refused, as usual: 7 attempts in 2 s
#   refused, with 109 set to 1: 1 attempt in 2 s
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/stop.c" <<'SOURCE'
#include <zmq.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

/* Attempts at a port of this machine where nobody listens. */
static int attempts(void* context, int stop) {
    void* dealer = zmq_socket(context, ZMQ_DEALER);
    void* monitor = zmq_socket(context, ZMQ_PAIR);
    int every = 20, most = 1000, none = 0, count = 0;
    char name[32];
    snprintf(name, sizeof name, "inproc://monitor-%d", stop);
    zmq_setsockopt(dealer, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(dealer, ZMQ_RECONNECT_IVL, &every, sizeof every);
    zmq_setsockopt(dealer, ZMQ_RECONNECT_IVL_MAX, &most, sizeof most);
    if (stop && zmq_setsockopt(dealer, 109, &stop, sizeof stop) != 0) return -1;
    zmq_socket_monitor(dealer, name, ZMQ_EVENT_CLOSED);
    zmq_connect(monitor, name);
    zmq_connect(dealer, "tcp://127.0.0.1:9");
    for (double until = now() + 2; now() < until;) {
        zmq_pollitem_t item = {monitor, 0, ZMQ_POLLIN, 0};
        char frame[64];
        if (zmq_poll(&item, 1, 100) <= 0) continue;
        zmq_recv(monitor, frame, sizeof frame, 0);
        zmq_recv(monitor, frame, sizeof frame, 0);
        ++count;
    }
    zmq_socket_monitor(dealer, NULL, 0);
    zmq_close(dealer);
    zmq_close(monitor);
    return count;
}

int main(void) {
    int major, minor, patch;
    void* context = zmq_ctx_new();
    zmq_version(&major, &minor, &patch);
    int usual = attempts(context, 0), stopped = attempts(context, 1);
    printf("%d.%d.%d, draft: %d, ZMQ_RECONNECT_STOP by number: %s\n", major, minor, patch, zmq_has("draft"),
           stopped < 0 ? "refused" : "taken");
    printf("refused, as usual: %d attempts in 2 s\nrefused, with 109 set to 1: %d attempt in 2 s\n", usual, stopped);
    zmq_ctx_term(context);
    return zmq_has("draft") == 0 && usual > 3 && stopped == 1 ? 0 : 1;
}
SOURCE
cc -o "$folder/stop" "$folder/stop.c" -lzmq
"$folder/stop"
