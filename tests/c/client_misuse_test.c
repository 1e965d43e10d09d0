/* Clients of the C ABI: what their options change, which keys let them in, and how they end. Proves that no
 * wrong argument, closed handle, second thread or fork does worse than an error code.
 *
 * client_misuse_test NAME runs one test; without a name it prints the names. */
#define _POSIX_C_SOURCE 200809L

#include "tools.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/wait.h>

int make_keys(const char* file, char* reader, size_t room); /* keys.cpp */

/* ---------------------------------------------------------------- options */

/* A number that no other program uses at this moment, as text. */
static void free_port(int type, char* into, size_t size) {
    struct sockaddr_in at;
    socklen_t length = sizeof at;
    const int fd = socket(AF_INET, type, 0);
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(fd >= 0 && bind(fd, (struct sockaddr*)(void*)&at, sizeof at) == 0);
    REQUIRE(getsockname(fd, (struct sockaddr*)(void*)&at, &length) == 0);
    snprintf(into, size, "%u", (unsigned)ntohs(at.sin_port));
    close(fd);
}

/* A code, and the client if it is BATON_OK. */
static int try_connect(const baton_option* options, size_t count, baton_client* client) {
    baton_error error = no_error();
    const int code = baton_connect(options, count, client, &error);
    if (code != BATON_OK) CHECK(strlen(error.what) > 10);
    return code;
}

static void test_doors(void) {
    char cluster[32], beacon[8], door[8], seed[64], none[8];
    baton_option of_node[] = {
        {"network", "loopback"},  {"cluster", cluster}, {"beacon-port", beacon},
        {"name", "one"},          {"founding", "true"}, {"clients-port", door},
        {"leave-within", "10ms"}, {"clients", "true"},  {"destructor-leave-within", "10ms"}};
    baton_option searching[] = {{"cluster", cluster},
                                {"host", "127.0.0.1"},
                                {"beacon-port", beacon},
                                {"search-within", "60s"},
                                {"reach-within", "60s"}};
    baton_option asking[] = {
        {"cluster", cluster}, {"seed", seed}, {"no-search", "true"}, {"reach-within", "60s"}};
    baton_node node = 0;
    baton_client client = 0;
    baton_answer answer;
    free_port(SOCK_DGRAM, beacon, sizeof beacon);
    free_port(SOCK_STREAM, door, sizeof door);
    snprintf(cluster, sizeof cluster, "c-%ld", (long)getpid());
    snprintf(seed, sizeof seed, "127.0.0.1:%s", door);
    REQUIRE(baton_start(of_node, sizeof of_node / sizeof *of_node, &node, NULL) == BATON_OK);

    /* By search, and by the number of the door, which the options have fixed. */
    REQUIRE(try_connect(searching, 5, &client) == BATON_OK);
    CHECK(baton_close(client) == BATON_OK);
    REQUIRE(try_connect(asking, 4, &client) == BATON_OK);
    answer = answer_to(client, call_of(BATON_MEMBERS, ""));
    CHECK(answer.members_count == 1 && strstr(answer.members[0].client_endpoint.data, seed) != NULL);
    baton_answer_free(&answer);
    CHECK(baton_close(client) == BATON_OK);

    /* No door is found: elsewhere, or within no time; a door of another cluster refuses. */
    free_port(SOCK_DGRAM, none, sizeof none);
    searching[2].value = none;
    searching[3].value = searching[4].value = asking[3].value = "100ms";
    CHECK(try_connect(searching, 5, &client) == BATON_UNREACHABLE);
    CHECK(try_connect(&asking[2], 2, &client) != BATON_OK); /* neither seeds nor a search */
    asking[0].value = "another";
    asking[3].value = "10s";
    CHECK(try_connect(asking, 4, &client) == BATON_REFUSED);
    CHECK(baton_close(node) == BATON_OK);

    of_node[7].value = "false"; /* no door */
    REQUIRE(baton_start(of_node, sizeof of_node / sizeof *of_node, &node, NULL) == BATON_OK);
    asking[0].value = cluster;
    asking[3].value = "100ms";
    CHECK(try_connect(asking, 4, &client) == BATON_UNREACHABLE);
    CHECK(baton_close(node) == BATON_OK);
}

static void test_keys(void) {
    char cluster[32], file[64], seed[64], reader[1024];
    baton_option of_node[] = {{"network", "loopback"},
                              {"cluster", cluster},
                              {"no-beacon", "true"},
                              {"destructor-leave-within", "10ms"},
                              {"key-file", file}};
    baton_option of_client[] = {{"cluster", cluster},
                                {"seed", seed},
                                {"no-search", "true"},
                                {"reach-within", "60s"},
                                {"key-file", file}};
    baton_call call = with_value(BATON_STASH, "key", "v");
    baton_node node = 0;
    baton_client client = 0;
    snprintf(cluster, sizeof cluster, "c-%ld", (long)getpid());
    snprintf(file, sizeof file, "client_test.%ld.key", (long)getpid());
    REQUIRE(make_keys(file, reader, sizeof reader));
    REQUIRE(baton_start(of_node, sizeof of_node / sizeof *of_node, &node, NULL) == BATON_OK);
    endpoint_of(node, seed, sizeof seed);
    call.ack = BATON_ACK_LOCAL;

    REQUIRE(try_connect(of_client, 5, &client) == BATON_OK);
    CHECK(run(client, call) == BATON_OK);
    CHECK(baton_close(client) == BATON_OK);
    of_client[4].name = "key"; /* it may only read */
    of_client[4].value = reader;
    REQUIRE(try_connect(of_client, 5, &client) == BATON_OK);
    CHECK(is_found(client, call_of(BATON_PICKUP, "key")));
    CHECK(run(client, call) == BATON_REFUSED);
    CHECK(baton_close(client) == BATON_OK);
    of_client[3].value = "100ms";
    CHECK(try_connect(of_client, 4, &client) != BATON_OK); /* without a key */
    CHECK(remove(file) == 0);
    CHECK(baton_close(node) == BATON_OK);
}

/* ---------------------------------------------------------------- misuse */

static void test_nulls_and_sizes(void) {
    static const char* wrong[][2] = {{"nmae", "x"},         {"network", "loopback"}, {"no-search", "maybe"},
                                     {"patience", "5"},     {"beacon-port", "-1"},   {"key", "a secret"},
                                     {"leave-within", "5s"}};
    const baton_node node = started("one", NULL);
    const baton_client client = connected(node);
    baton_client none = 0;
    baton_error error = no_error();
    baton_option option = {NULL, "value"};
    baton_call call = call_of(BATON_STASH_ALL, "");
    baton_pair one = {{NULL, 1}, {NULL, 0}};
    int fd = -1;
    CHECK(baton_connect(NULL, 1, &none, &error) == BATON_BAD_ARGUMENT);
    CHECK(baton_connect(NULL, 0, NULL, &error) == BATON_BAD_ARGUMENT);
    CHECK(baton_connect(&option, 1, &none, NULL) == BATON_BAD_ARGUMENT && none == 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        option.name = wrong[i][0];
        option.value = wrong[i][1];
        CHECK(baton_connect(&option, 1, &none, &error) == BATON_BAD_OPTION && none == 0);
        CHECK(strstr(error.what, wrong[i][0]) != NULL && strstr(error.what, "secret") == NULL);
    }
    option.name = "seed";
    option.value = "nowhere";
    CHECK(baton_connect(&option, 1, &none, &error) == BATON_BAD_SEED && none == 0);
    option.name = "key-file";
    option.value = "/no/such/file";
    CHECK(baton_connect(&option, 1, &none, &error) == BATON_BAD_KEY && none == 0);

    CHECK(baton_run(client, NULL, NULL) == BATON_BAD_ARGUMENT);
    call.pairs_count = 1;
    CHECK(baton_run(client, &call, NULL) == BATON_BAD_ARGUMENT);
    call.pairs = &one;
    CHECK(baton_run(client, &call, NULL) == BATON_BAD_ARGUMENT);
    call.pairs_count = 0;
    for (uint32_t what = 0; what < 70; ++what) { /* none is worse than an error */
        baton_answer answer = no_answer();
        if (what == BATON_LEAVE || what == BATON_CLAIM) continue;
        call.what = what;
        (void)baton_run(client, &call, &answer);
        baton_answer_free(&answer);
    }
    call = call_of(BATON_TALKS_TO, "");
    CHECK(baton_run(node, &call, NULL) == BATON_BAD_ARGUMENT); /* what only a client has */
    call.what = BATON_DIGEST;
    CHECK(baton_run(client, &call, NULL) == BATON_BAD_ARGUMENT);
    CHECK(baton_begin(client, node, 0, &call, NULL) == BATON_CLOSED);

    /* No events, no descriptor, no leave. */
    CHECK(baton_fd(client, &fd, &error) == BATON_CLOSED);
    CHECK(baton_end_leave_now(client) == BATON_CLOSED);
    for (int bit = 0; bit < 64; ++bit) CHECK(baton_run(client ^ (uint64_t)1 << bit, &call, NULL) != BATON_OK);
    CHECK(baton_close(client) == BATON_OK);
    CHECK(baton_close(client) == BATON_CLOSED);
    CHECK(baton_run(client, &call, NULL) == BATON_CLOSED);
    CHECK(baton_begin(client, 0, 0, &call, &error) == BATON_CLOSED);
    CHECK(baton_close(node) == BATON_OK);
}

typedef struct waiter {
    uint64_t handle;
    int code;
} waiter;

static void* wait_pickup(void* of) {
    waiter* me = of;
    baton_call call = call_of(BATON_PICKUP, "never");
    call.within_ms = 100 * (int64_t)patience_ms;
    me->code = baton_run(me->handle, &call, NULL);
    return NULL;
}

static void* close_it(void* of) {
    waiter* me = of;
    me->code = baton_close(me->handle);
    return NULL;
}

static void test_threads(void) {
    enum { waits = 4, closes = 2, begun = 20 };
    const baton_node node = started("one", NULL);
    for (int round = 0; round < 5; ++round) {
        const baton_client client = connected(node);
        waiter waiting[waits], closing[closes];
        pthread_t threads[waits + closes];
        baton_queue queue = 0;
        baton_call call = call_of(BATON_PICKUP, "never");
        call.within_ms = 100 * (int64_t)patience_ms;
        REQUIRE(baton_queue_open(0, &queue, NULL) == BATON_OK);
        for (int i = 0; i < begun; ++i) CHECK(baton_begin(client, queue, 0, &call, NULL) == BATON_OK);
        for (int i = 0; i < waits; ++i) {
            waiting[i].handle = client;
            CHECK(pthread_create(&threads[i], NULL, wait_pickup, &waiting[i]) == 0);
        }
        if (round % 2 == 0) poll(NULL, 0, 5); /* once they wait, and once they are about to */
        for (int i = 0; i < closes; ++i) {
            closing[i].handle = client;
            CHECK(pthread_create(&threads[waits + i], NULL, close_it, &closing[i]) == 0);
        }
        for (int i = 0; i < waits + closes; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
        CHECK((closing[0].code == BATON_OK) + (closing[1].code == BATON_OK) == 1);
        for (int i = 0; i < waits; ++i)
            CHECK(waiting[i].code == BATON_UNREACHABLE || waiting[i].code == BATON_CLOSED);
        for (int i = 0; i < begun; ++i) { /* each has its completion, at the latest now */
            baton_answer done = no_answer();
            CHECK(baton_next(queue, 0, &done) == BATON_OK && done.code == BATON_UNREACHABLE);
            baton_answer_free(&done);
        }
        CHECK(baton_close(queue) == BATON_OK);
    }
    CHECK(baton_close(node) == BATON_OK);
}

static int threads_now(void) {
    int count = 0;
    DIR* const tasks = opendir("/proc/self/task");
    REQUIRE(tasks != NULL);
    while (readdir(tasks) != NULL) ++count;
    closedir(tasks);
    return count;
}

/* Calls that are begun wait on at most 512 threads, and take their turn; threads without a call end. */
static void test_many_calls(void) {
    enum { begun = 700, threads_max = 512 };
    const baton_node node = started("one", NULL);
    const baton_client client = connected(node);
    const int before = threads_now();
    baton_queue queue = 0;
    baton_call call = call_of(BATON_PICKUP, "never");
    call.within_ms = 300;
    REQUIRE(baton_queue_open(0, &queue, NULL) == BATON_OK);
    for (int i = 0; i < begun; ++i) CHECK(baton_begin(client, queue, 0, &call, NULL) == BATON_OK);
    CHECK(threads_now() > before + 1 && threads_now() <= before + threads_max);
    for (int i = 0; i < begun; ++i) {
        baton_answer done = no_answer();
        REQUIRE(baton_next(queue, patience_ms, &done) == BATON_OK);
        CHECK(done.code == BATON_OK && done.word != NULL && strcmp(done.word, "absent_unsynced") == 0);
        baton_answer_free(&done);
    }
    while (threads_now() > before) poll(NULL, 0, 50);
    CHECK(baton_close(queue) == BATON_OK);
    CHECK(baton_close(client) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
}

static void test_fork(void) {
    const baton_node node = started("one", NULL);
    const baton_client client = connected(node);
    baton_queue queue = 0;
    baton_call call = with_value(BATON_STASH, "key", "value"), on = with_value(BATON_COMMIT, "", "mine");
    baton_answer mine;
    char seed[64];
    int status = -1;
    pid_t child;
    call.ack = on.ack = BATON_ACK_LOCAL;
    endpoint_of(node, seed, sizeof seed);
    REQUIRE(baton_queue_open(0, &queue, NULL) == BATON_OK);
    CHECK(baton_run(client, &call, NULL) == BATON_OK);
    mine = answer_to(client, call_of(BATON_CLAIM, "key"));
    on.claim = mine.claim;
    child = fork();
    if (child == 0) {
        alarm(60);
        CHECK(baton_run(client, &call, NULL) == BATON_FORKED);
        CHECK(baton_run(client, &on, NULL) == BATON_FORKED);
        CHECK(baton_begin(client, queue, 0, &call, NULL) == BATON_FORKED);
        CHECK(baton_close(mine.claim) == BATON_FORKED);
        CHECK(baton_close(client) == BATON_FORKED);
        _exit(failures);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(baton_run(client, &on, NULL) == BATON_OK); /* the child has released nothing */
    CHECK(baton_close(mine.claim) == BATON_OK);
    baton_answer_free(&mine);
    CHECK(baton_close(queue) == BATON_OK);
    CHECK(baton_close(client) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
}

/* ---------------------------------------------------------------- */

static const named_test tests[] = {
    {"doors", test_doors},
    {"keys", test_keys},
    {"nulls_and_sizes", test_nulls_and_sizes},
    {"threads", test_threads},
    {"many_calls", test_many_calls},
    {"fork", test_fork},
};

int main(int count, char** arguments) {
    return run_named(tests, sizeof tests / sizeof *tests, count, arguments);
}
