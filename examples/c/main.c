/* A program in C waits for many keys with one thread: it begins all calls, and an event loop reads their ends
 * from one descriptor. */
#include <baton/baton.h>

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { players = 3 };

/* Prints the state of a player that has come in; 0 if the pickup failed. */
static int greet(const baton_answer* done) {
    if (done->code != BATON_OK) {
        fprintf(stderr, "%s\n", done->what);
        return 0;
    }
    if ((done->flags & BATON_FOUND) == 0) return 0; /* done->word says why */
    printf("player %d: %.*s\n", (int)done->tag, (int)done->values[0].value.size, done->values[0].value.data);
    return 1;
}

int main(void) {
    char cluster[32];
    baton_option options[] = {{"network", "loopback"}, {"cluster", cluster}};
    baton_error error = {.size = sizeof error};
    baton_node node = 0;
    baton_queue queue = 0;
    struct pollfd ready = {.events = POLLIN};
    int greeted = 0;

    snprintf(cluster, sizeof cluster, "arcade-%ld", (long)getpid()); /* meets nobody else's example */
    if (baton_start(options, 2, &node, &error) != BATON_OK ||
        baton_queue_open(0, &queue, &error) != BATON_OK || baton_fd(queue, &ready.fd, &error) != BATON_OK) {
        fprintf(stderr, "%s\n", error.what);
        return 1;
    }
    for (int i = 0; i < players; ++i) { /* nobody has written them yet */
        char key[16];
        baton_call pickup = {.size = sizeof pickup, .what = BATON_PICKUP, .within_ms = 10000};
        snprintf(key, sizeof key, "player/%d", i);
        pickup.key = baton_text(key);
        baton_begin(node, queue, (uint64_t)i, &pickup, NULL);
    }
    for (int i = 0; i < players; ++i) { /* here; or in any other process of the mesh */
        char key[16];
        baton_call stash = {.size = sizeof stash, .what = BATON_STASH};
        snprintf(key, sizeof key, "player/%d", i);
        stash.key = baton_text(key);
        stash.value = baton_text("round 41");
        baton_run(node, &stash, NULL);
    }
    while (greeted < players && poll(&ready, 1, 10000) == 1) {
        baton_answer done = {.size = sizeof done};
        while (baton_next(queue, 0, &done) == BATON_OK) {
            greeted += greet(&done);
            baton_answer_free(&done);
        }
    }
    baton_call leave = {.size = sizeof leave, .what = BATON_LEAVE, .flags = BATON_NOBODY_STAYS};
    baton_answer report = {.size = sizeof report};
    if (baton_run(node, &leave, &report) == BATON_OK) printf("left: %s\n", report.word);
    baton_answer_free(&report);
    baton_close(queue);
    baton_close(node);
    return greeted == players ? 0 : 1;
}
