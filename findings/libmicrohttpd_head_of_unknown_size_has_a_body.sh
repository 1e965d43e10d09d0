#!/usr/bin/env bash
# libmicrohttpd 0.9.75 (Debian 12: libmicrohttpd-dev 0.9.75-6). Seen on 2026-11-30.
#
# Behaviour: a response from a callback whose size is unknown (MHD_SIZE_UNKNOWN) is sent in chunks. The answer to a HEAD
# request for it has no body, but the five bytes of the last chunk follow its head. RFC 9110 (9.3.2) allows none: on a
# connection that stays open a client reads them as the begin of the next answer. A response of known size is right.
#
# Output seen:
#   HEAD, unknown size: after the head: 0\r\n\r\n
#   HEAD, known size: after the head: nothing
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libmicrohttpd-dev=0.9.75-6 libmicrohttpd12=0.9.75-6 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" .; done
cat >head.c <<'SOURCE'
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int known;

static ssize_t more(void* of, uint64_t at, char* into, size_t size) {
    (void)of, (void)size;
    if (at != 0) return MHD_CONTENT_READER_END_OF_STREAM;
    memcpy(into, "hello", 5);
    return 5;
}

static enum MHD_Result answer(void* of, struct MHD_Connection* c, const char* url, const char* method,
                              const char* version, const char* data, size_t* size, void** state) {
    (void)of, (void)url, (void)method, (void)version, (void)data, (void)size, (void)state;
    struct MHD_Response* r =
        MHD_create_response_from_callback(known ? 5 : MHD_SIZE_UNKNOWN, 512, more, NULL, NULL);
    enum MHD_Result done = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return done;
}

int main(int count, char** words) {
    (void)words;
    known = count > 1;
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct MHD_Daemon* d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, NULL,
                                            MHD_OPTION_SOCK_ADDR, &any, MHD_OPTION_END);
    struct sockaddr_in to = any;
    to.sin_port = htons(MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    connect(s, (struct sockaddr*)&to, sizeof to);
    const char* ask = "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    send(s, ask, strlen(ask), 0);
    char all[4096] = {0};
    size_t got = 0;
    for (ssize_t n; (n = recv(s, all + got, sizeof all - 1 - got, 0)) > 0;) got += (size_t)n;
    const char* rest = strstr(all, "\r\n\r\n");
    rest = rest == NULL ? "no head" : rest + 4;
    if (*rest == '\0') printf("nothing");
    for (; *rest != '\0'; ++rest) {
        if (*rest == '\r') printf("\\r");
        else if (*rest == '\n') printf("\\n");
        else putchar(*rest);
    }
    putchar('\n');
    close(s);
    MHD_stop_daemon(d);
}
SOURCE
libraries=$(dirname usr/lib/*/libmicrohttpd.so.12)
gcc -I usr/include head.c -L "$libraries" -Wl,-rpath,"$PWD/$libraries" -lmicrohttpd -o head
seen="HEAD, unknown size: after the head: $(./head)
HEAD, known size: after the head: $(./head known)"
echo "$seen"
[[ $seen == 'HEAD, unknown size: after the head: 0\r\n\r\n
HEAD, known size: after the head: nothing' ]]
