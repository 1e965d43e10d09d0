/* What the tests of the C ABI share: checks, calls put together, and nodes on loopback. */
#ifndef BATON_TESTS_C_TOOLS_H
#define BATON_TESTS_C_TOOLS_H

#include "support/sanitizers.hpp"

#include <baton/baton.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int failures = 0;

#define CHECK(what)                                                                                          \
    do {                                                                                                     \
        if (!(what)) {                                                                                       \
            ++failures;                                                                                      \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                             \
        }                                                                                                    \
    } while (0)
/* For what the rest depends on. */
#define REQUIRE(what)                                                                                        \
    do {                                                                                                     \
        CHECK(what);                                                                                         \
        if (failures != 0) exit(1);                                                                          \
    } while (0)

enum { patience_ms = 60000 };

/* ---------------------------------------------------------------- tools */

static inline baton_call call_of(uint32_t what, const char* key) {
    baton_call call;
    memset(&call, 0, sizeof call);
    call.size = sizeof call;
    call.what = what;
    call.key = baton_text(key);
    return call;
}

static inline baton_call with_value(uint32_t what, const char* key, const char* value) {
    baton_call call = call_of(what, key);
    call.value = baton_text(value);
    return call;
}

static inline baton_call with_element(uint32_t what, const char* key, const char* element) {
    baton_call call = call_of(what, key);
    call.element = baton_text(element);
    return call;
}

static inline baton_answer no_answer(void) {
    baton_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.size = sizeof answer;
    return answer;
}

static inline baton_error no_error(void) {
    baton_error error;
    memset(&error, 0, sizeof error);
    error.size = sizeof error;
    return error;
}

static inline int equals(baton_bytes bytes, const char* text) {
    return bytes.size == strlen(text) && (bytes.size == 0 || memcmp(bytes.data, text, bytes.size) == 0);
}

/* Makes a call of which only the code matters. */
static inline int run(baton_node node, baton_call call) { return baton_run(node, &call, NULL); }

static inline int is_readable(int fd) {
    struct pollfd one;
    one.fd = fd;
    one.events = POLLIN;
    return poll(&one, 1, 0) == 1;
}

/* A node that hears of others by its seeds alone, each of which may be NULL. */
static inline baton_node started_with(const char* name, const char* seed, const char* other_seed) {
    char cluster[32];
    baton_option options[8];
    size_t count = 0;
    baton_node node = 0;
    baton_error error = no_error();
    const char* given[][2] = {{"network", "loopback"},
                              {"cluster", cluster},
                              {"name", name},
                              {"no-beacon", "true"},
                              {"destructor-leave-within", "50ms"},
                              {"seed", seed},
                              {"seed", other_seed}};
    snprintf(cluster, sizeof cluster, "c-%ld", (long)getpid());
    for (size_t i = 0; i < sizeof given / sizeof *given; ++i) {
        if (given[i][1] == NULL) continue;
        options[count].name = given[i][0];
        options[count++].value = given[i][1];
    }
    if (baton_start(options, count, &node, &error) != BATON_OK) fprintf(stderr, "%s\n", error.what);
    REQUIRE(node != 0);
    return node;
}

static inline baton_node started(const char* name, const char* seed) {
    return started_with(name, seed, NULL);
}

/* Waits for an event of that name. */
static inline int happened(baton_node node, const char* word) {
    for (;;) {
        baton_answer event = no_answer();
        int found;
        if (baton_next(node, patience_ms, &event) != BATON_OK) return 0;
        found = strcmp(event.word, word) == 0;
        baton_answer_free(&event);
        if (found) return 1;
    }
}

static inline void endpoint_of(baton_node node, char* into, size_t size) {
    baton_call self = call_of(BATON_SELF, "");
    baton_answer answer = no_answer();
    REQUIRE(baton_run(node, &self, &answer) == BATON_OK && answer.members_count == 1);
    snprintf(into, size, "%.*s", (int)answer.members[0].endpoint.size, answer.members[0].endpoint.data);
    baton_answer_free(&answer);
}

typedef struct pair {
    baton_node one, other;
} pair;

static inline pair two_nodes(void) {
    pair nodes;
    char seed[64];
    nodes.one = started("one", NULL);
    endpoint_of(nodes.one, seed, sizeof seed);
    nodes.other = started("other", seed);
    REQUIRE(happened(nodes.one, "joined"));
    REQUIRE(happened(nodes.other, "joined"));
    return nodes;
}

static inline void close_both(pair nodes) {
    CHECK(baton_close(nodes.one) == BATON_OK);
    CHECK(baton_close(nodes.other) == BATON_OK);
}

/* ---------------------------------------------------------------- clients */

/* A client that knows this door or member only. */
static inline baton_client connected_to(const char* seed) {
    char cluster[32];
    const baton_option options[] = {{"cluster", cluster}, {"name", "visitor"},     {"seed", seed},
                                    {"no-search", "on"},  {"reach-within", "60s"}, {"patience", "60s"}};
    baton_client client = 0;
    baton_error error = no_error();
    snprintf(cluster, sizeof cluster, "c-%ld", (long)getpid());
    if (baton_connect(options, sizeof options / sizeof *options, &client, &error) != BATON_OK)
        fprintf(stderr, "%s\n", error.what);
    REQUIRE(client != 0);
    return client;
}

static inline baton_client connected(baton_node to) {
    char seed[64];
    endpoint_of(to, seed, sizeof seed);
    return connected_to(seed);
}

/* A call whose answer the caller frees. */
static inline baton_answer answer_to(uint64_t handle, baton_call call) {
    baton_answer answer = no_answer();
    if (baton_run(handle, &call, &answer) != BATON_OK) fprintf(stderr, "%s\n", answer.what);
    CHECK(answer.code == BATON_OK);
    return answer;
}

static inline int is_found(uint64_t handle, baton_call call) {
    baton_answer answer = answer_to(handle, call);
    const int found = (answer.flags & BATON_FOUND) != 0;
    baton_answer_free(&answer);
    return found;
}

/* ---------------------------------------------------------------- main */

typedef struct named_test {
    const char* name;
    void (*run)(void);
} named_test;

/* Runs the test that the command names, or "all"; without a name it prints the names. Returns main()'s code.
 */
static inline int run_named(const named_test* tests, size_t tests_count, int count, char** arguments) {
    int found = 0;
    for (size_t i = 0; i < tests_count; ++i) {
        if (count < 2) {
            puts(tests[i].name);
        } else if (strcmp(arguments[1], "all") == 0 || strcmp(arguments[1], tests[i].name) == 0) {
            found = 1;
            tests[i].run();
        }
    }
    return count < 2 || (found && failures == 0) ? 0 : 1;
}

#endif
