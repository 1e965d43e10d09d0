/* The C ABI from C99, with real nodes on loopback. Proves that every call does in C what it does in C++, in
 * both forms; that completions, events and changes are pulled and have a descriptor; and that no wrong
 * argument, closed handle, second thread or fork does worse than an error code.
 *
 * abi_test NAME runs one test; without a name it prints the names. */
#define _POSIX_C_SOURCE 200809L

#include "tools.h"

#include <sys/wait.h>

/* ---------------------------------------------------------------- calls */

static void test_registers(void) {
    const pair nodes = two_nodes();
    baton_answer written = no_answer(), got = no_answer(), again = no_answer();
    baton_call stash = with_value(BATON_STASH, "game/state", "round 41");
    baton_call pickup = call_of(BATON_PICKUP, "game/state");
    baton_call confirm = call_of(BATON_CONFIRM, "");
    stash.ack = BATON_ACK_COPIES;
    stash.copies = 2;
    stash.within_ms = patience_ms;
    CHECK(baton_run(nodes.one, &stash, &written) == BATON_OK);
    CHECK((written.flags & BATON_MET) != 0 && (written.flags & BATON_CHANGED) != 0);
    CHECK(written.count == 2 && written.written.counter == 1 && written.what == NULL);

    CHECK(baton_run(nodes.other, &pickup, &got) == BATON_OK);
    CHECK(strcmp(got.word, "found") == 0 && (got.flags & BATON_FOUND) != 0);
    REQUIRE(got.values_count == 1);
    CHECK(equals(got.values[0].value, "round 41") && got.values[0].epoch == 0);
    CHECK(memcmp(&got.values[0].written, &written.written, sizeof(baton_version)) == 0);

    confirm.versions = &written.written;
    confirm.versions_count = 1;
    confirm.ack = BATON_ACK_ALL_UP;
    confirm.within_ms = patience_ms;
    CHECK(baton_run(nodes.other, &confirm, &again) == BATON_OK && (again.flags & BATON_MET) != 0);
    baton_answer_free(&again);

    /* Over this version only. */
    stash.flags = BATON_IF_VERSION;
    stash.versions = &written.written;
    stash.versions_count = 1;
    stash.value = baton_text("round 42");
    CHECK(baton_run(nodes.one, &stash, NULL) == BATON_OK);
    CHECK(baton_run(nodes.one, &stash, &again) == BATON_CONFLICT);
    CHECK(again.code == BATON_CONFLICT && again.what != NULL && strlen(again.what) > 10);
    CHECK(strcmp(baton_code_name(again.code), "conflict") == 0);
    baton_answer_free(&again);
    baton_answer_free(&again);
    CHECK(again.what == NULL && again.size == sizeof again);

    /* Absent, for ever, and until it is known. */
    pickup.key = baton_text("never");
    CHECK(baton_run(nodes.one, &pickup, &again) == BATON_OK);
    CHECK(strncmp(again.word, "absent", 6) == 0 && again.values_count == 0);
    baton_answer_free(&again);
    pickup.flags = BATON_UNTIL_KNOWN;
    pickup.within_ms = patience_ms;
    CHECK(baton_run(nodes.one, &pickup, &again) == BATON_OK);
    CHECK(strcmp(again.word, "absent_confirmed") == 0);
    baton_answer_free(&again);

    CHECK(run(nodes.one, call_of(BATON_DROP, "game/state")) == BATON_OK);
    baton_answer_free(&written);
    baton_answer_free(&got);
    close_both(nodes);
}

static void test_concurrent_values(void) {
    /* The two have not met when they write; a third one introduces them. */
    const baton_node one = started("one", NULL), other = started("other", NULL);
    char seeds[2][64];
    baton_node third;
    baton_call siblings = call_of(BATON_SIBLINGS, "key"),
               resolve = with_value(BATON_RESOLVE, "key", "merged");
    baton_answer all = no_answer();
    baton_version shown[2];
    CHECK(run(one, with_value(BATON_STASH, "key", "one")) == BATON_OK);
    CHECK(run(other, with_value(BATON_STASH, "key", "other")) == BATON_OK);
    endpoint_of(one, seeds[0], sizeof seeds[0]);
    endpoint_of(other, seeds[1], sizeof seeds[1]);
    third = started_with("third", seeds[0], seeds[1]);
    REQUIRE(happened(one, "conflict"));
    CHECK(baton_run(one, &siblings, &all) == BATON_OK);
    REQUIRE(all.values_count == 2);
    CHECK(all.values[0].siblings == 1);
    for (int i = 0; i < 2; ++i) shown[i] = all.values[i].written;
    resolve.versions = shown;
    resolve.versions_count = 2;
    CHECK(baton_run(one, &resolve, NULL) == BATON_OK);
    CHECK(baton_run(one, &resolve, NULL) == BATON_CONFLICT);
    baton_answer_free(&all);
    CHECK(baton_close(one) == BATON_OK);
    CHECK(baton_close(other) == BATON_OK);
    CHECK(baton_close(third) == BATON_OK);
}

static void test_typed_values(void) {
    baton_node node = started("one", NULL);
    baton_call call = call_of(BATON_ADD, "counter");
    baton_answer answer = no_answer();
    baton_call pair_of_reads[] = {with_element(BATON_CONTAINS, "set", "b"),
                                  with_element(BATON_CONTAINS, "set", "x")};
    call.amount = -41;
    CHECK(baton_run(node, &call, NULL) == BATON_OK);
    call = call_of(BATON_COUNT, "counter");
    CHECK(baton_run(node, &call, &answer) == BATON_OK && answer.number == -41);
    CHECK((answer.flags & BATON_FOUND) != 0);
    baton_answer_free(&answer);

    CHECK(run(node, with_element(BATON_INSERT, "set", "b")) == BATON_OK);
    CHECK(run(node, with_element(BATON_INSERT, "set", "a")) == BATON_OK);
    CHECK(run(node, with_element(BATON_INSERT, "set", "c")) == BATON_OK);
    CHECK(run(node, with_element(BATON_ERASE, "set", "c")) == BATON_OK);
    call = call_of(BATON_ELEMENTS, "set");
    CHECK(baton_run(node, &call, &answer) == BATON_OK && answer.names_count == 2);
    CHECK(answer.names_count == 2 && equals(answer.names[0], "a") && equals(answer.names[1], "b"));
    baton_answer_free(&answer);
    for (int i = 0; i < 2; ++i) {
        CHECK(baton_run(node, &pair_of_reads[i], &answer) == BATON_OK);
        CHECK(((answer.flags & BATON_FOUND) != 0) == (i == 0));
        baton_answer_free(&answer);
    }

    call = with_element(BATON_SET_FIELD, "map", "f");
    call.value = baton_text("v");
    CHECK(baton_run(node, &call, NULL) == BATON_OK);
    call = with_element(BATON_FIELD, "map", "f");
    CHECK(baton_run(node, &call, &answer) == BATON_OK && answer.values_count == 1);
    baton_answer_free(&answer);
    call = with_element(BATON_FIELD_SIBLINGS, "map", "f");
    CHECK(baton_run(node, &call, &answer) == BATON_OK && answer.values_count == 1);
    baton_answer_free(&answer);
    call = call_of(BATON_FIELDS, "map");
    CHECK(baton_run(node, &call, &answer) == BATON_OK && answer.names_count == 1);
    baton_answer_free(&answer);
    CHECK(run(node, with_element(BATON_ERASE_FIELD, "map", "f")) == BATON_OK);

    CHECK(run(node, call_of(BATON_ENABLE, "flag")) == BATON_OK);
    call = call_of(BATON_ENABLED, "flag");
    CHECK(baton_run(node, &call, &answer) == BATON_OK && (answer.flags & BATON_FOUND) != 0);
    baton_answer_free(&answer);
    call = call_of(BATON_TYPES, "flag");
    CHECK(baton_run(node, &call, &answer) == BATON_OK);
    CHECK(answer.names_count == 1 && equals(answer.names[0], "flag"));
    baton_answer_free(&answer);
    CHECK(run(node, call_of(BATON_DISABLE, "flag")) == BATON_OK);
    CHECK(run(node, with_value(BATON_STASH, "counter", "v")) == BATON_WRONG_TYPE);

    call = call_of(BATON_KEYS, "s");
    CHECK(baton_run(node, &call, &answer) == BATON_OK && answer.names_count == 1);
    CHECK(answer.names_count == 1 && equals(answer.names[0], "set"));
    baton_answer_free(&answer);
    call = call_of(BATON_DIGEST, "");
    CHECK(baton_run(node, &call, &answer) == BATON_OK && answer.text.size == 32);
    baton_answer_free(&answer);
    call = call_of(BATON_STATS, "");
    CHECK(baton_run(node, &call, &answer) == BATON_OK);
    CHECK(strstr(answer.text.data, "baton_keys{node=\"one\"} 2") != NULL);
    baton_answer_free(&answer);
    CHECK(baton_close(node) == BATON_OK);
}

static void test_members_and_leave(void) {
    const pair nodes = two_nodes();
    baton_call call = call_of(BATON_MEMBERS, "");
    baton_answer answer = no_answer();
    CHECK(baton_run(nodes.one, &call, &answer) == BATON_OK && answer.members_count == 1);
    CHECK(equals(answer.members[0].name, "other") && equals(answer.members[0].state, "up"));
    baton_answer_free(&answer);
    call = call_of(BATON_WAIT_SYNCED, "");
    call.within_ms = patience_ms;
    CHECK(baton_run(nodes.one, &call, NULL) == BATON_OK);

    CHECK(run(nodes.one, with_value(BATON_STASH, "key", "v")) == BATON_OK);
    call = call_of(BATON_LEAVE, "");
    call.within_ms = patience_ms;
    CHECK(baton_run(nodes.one, &call, &answer) == BATON_OK);
    CHECK(strcmp(answer.word, "safe") == 0 && answer.count == 1 && answer.number == 0);
    baton_answer_free(&answer);
    CHECK(run(nodes.one, with_value(BATON_STASH, "key", "w")) == BATON_LEAVING);
    CHECK(happened(nodes.other, "left"));
    CHECK(baton_end_leave_now(nodes.other) == BATON_OK);
    call.within_ms = patience_ms;
    CHECK(baton_run(nodes.other, &call, &answer) == BATON_OK && strcmp(answer.word, "unsafe") == 0);
    CHECK(answer.names_count == 1 && equals(answer.names[0], "key") && answer.number == 1);
    baton_answer_free(&answer);
    close_both(nodes);
}

static void test_claims(void) {
    baton_node node = started("one", NULL);
    baton_call claim = call_of(BATON_CLAIM, "key"), on;
    baton_answer mine = no_answer(), state = no_answer();
    CHECK(baton_run(node, &claim, &mine) == BATON_ABSENT && mine.claim == 0);
    baton_answer_free(&mine);
    CHECK(run(node, with_value(BATON_STASH, "key", "first")) == BATON_OK);
    CHECK(baton_run(node, &claim, NULL) == BATON_BAD_ARGUMENT); /* who would close it? */
    CHECK(baton_run(node, &claim, &mine) == BATON_OK && (mine.flags & BATON_CLAIM_GRANTED) != 0);
    CHECK(equals(mine.key, "key") && mine.values_count == 1 && equals(mine.values[0].value, "first"));
    CHECK(mine.count % 2 == 1);

    on = with_value(BATON_COMMIT, "", "second");
    on.claim = mine.claim;
    CHECK(baton_run(node, &on, NULL) == BATON_OK);
    on.what = BATON_RENEW;
    CHECK(baton_run(node, &on, NULL) == BATON_OK);
    on.what = BATON_CLAIM_STATE;
    CHECK(baton_run(node, &on, &state) == BATON_OK && (state.flags & BATON_LOST) == 0);
    baton_answer_free(&state);
    claim.flags = BATON_IF_FREE;
    CHECK(baton_run(node, &claim, &state) == BATON_CONFLICT);
    baton_answer_free(&state);
    on.what = BATON_RELEASE;
    CHECK(baton_run(node, &on, &state) == BATON_OK && state.count == mine.count + 1);
    baton_answer_free(&state);
    claim.flags = BATON_IF_EPOCH; /* nobody has claimed it since, but for the wrong one */
    claim.epoch = mine.count - 2;
    CHECK(baton_run(node, &claim, &state) == BATON_CONFLICT);
    baton_answer_free(&state);
    claim.epoch = mine.count;
    CHECK(baton_run(node, &claim, &state) == BATON_OK && equals(state.values[0].value, "second"));
    CHECK(baton_close(state.claim) == BATON_OK);
    baton_answer_free(&state);
    claim.flags = 0;
    on.what = BATON_COMMIT;
    CHECK(baton_run(node, &on, NULL) == BATON_CLAIM_LOST);
    on.what = BATON_CLAIM_STATE;
    CHECK(baton_run(node, &on, &state) == BATON_OK && (state.flags & BATON_LOST) != 0);
    baton_answer_free(&state);
    CHECK(baton_close(mine.claim) == BATON_OK);
    CHECK(baton_run(node, &on, NULL) == BATON_CLOSED);
    baton_answer_free(&mine);

    /* A claim outlives its node, and closing it releases the key. */
    CHECK(baton_run(node, &claim, &mine) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
    CHECK(baton_close(mine.claim) == BATON_OK);
    baton_answer_free(&mine);
}

/* ---------------------------------------------------------------- queues, events, watches */

static void test_queue(void) {
    const pair nodes = two_nodes();
    baton_queue queue = 0, small = 0;
    baton_error error = no_error();
    baton_answer done = no_answer();
    baton_call call;
    int fd = -1, seen[100] = {0};
    char key[32];
    REQUIRE(baton_queue_open(0, &queue, &error) == BATON_OK);
    REQUIRE(baton_fd(queue, &fd, &error) == BATON_OK);
    CHECK(!is_readable(fd));
    CHECK(baton_next(queue, 0, &done) == BATON_TIMEOUT);
    for (int i = 0; i < 100; ++i) {
        snprintf(key, sizeof key, "key/%d", i);
        call = call_of(BATON_PICKUP, key); /* which is copied */
        call.within_ms = patience_ms;
        CHECK(baton_begin(nodes.one, queue, (uint64_t)i, &call, &error) == BATON_OK);
    }
    CHECK(!is_readable(fd));
    for (int i = 0; i < 100; ++i) {
        snprintf(key, sizeof key, "key/%d", i);
        call = with_value(BATON_STASH, key, key);
        CHECK(baton_begin(nodes.other, queue, 1000, &call, &error) == BATON_OK);
    }
    for (int i = 0; i < 200; ++i) {
        REQUIRE(baton_next(queue, patience_ms, &done) == BATON_OK);
        CHECK(done.code == BATON_OK);
        if (done.tag != 1000) {
            snprintf(key, sizeof key, "key/%d", (int)done.tag);
            CHECK(done.values_count == 1 && equals(done.values[0].value, key));
            ++seen[done.tag];
        }
        baton_answer_free(&done);
    }
    for (int i = 0; i < 100; ++i) CHECK(seen[i] == 1);
    CHECK(!is_readable(fd));

    /* A claim whose completion has the handle, and a failure in a completion. */
    call = call_of(BATON_CLAIM, "key/1");
    CHECK(baton_begin(nodes.one, queue, 1, &call, &error) == BATON_OK);
    CHECK(is_readable(fd));
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.claim != 0);
    call = with_value(BATON_COMMIT, "", "mine");
    call.claim = done.claim;
    CHECK(baton_begin(nodes.one, queue, 2, &call, &error) == BATON_OK);
    CHECK(baton_begin(nodes.other, queue, 2, &call, &error) == BATON_BAD_ARGUMENT);
    CHECK(baton_close(done.claim) == BATON_OK);
    CHECK(baton_begin(nodes.one, queue, 2, &call, &error) == BATON_CLOSED && strlen(error.what) > 10);
    baton_answer_free(&done);
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.tag == 2 && done.code == BATON_OK);
    baton_answer_free(&done);
    call = with_value(BATON_STASH, "", "no key");
    CHECK(baton_begin(nodes.one, queue, 3, &call, &error) == BATON_OK);
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.code == BATON_KEY_EMPTY &&
          done.what != NULL);
    baton_answer_free(&done);
    call = call_of(BATON_KEYS, "");
    CHECK(baton_begin(nodes.one, queue, 4, &call, &error) == BATON_BAD_ARGUMENT);

    /* The bound, and calls under way when the queue or the node is closed. */
    REQUIRE(baton_queue_open(1, &small, NULL) == BATON_OK);
    call = call_of(BATON_PICKUP, "never");
    call.within_ms = 100 * patience_ms;
    CHECK(baton_begin(nodes.one, small, 5, &call, &error) == BATON_OK);
    CHECK(baton_begin(nodes.one, small, 6, &call, &error) == BATON_BUSY);
    CHECK(baton_begin(nodes.one, queue, 7, &call, &error) == BATON_OK);
    CHECK(baton_close(small) == BATON_OK);
    close_both(nodes);
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.tag == 7);
    baton_answer_free(&done);
    CHECK(baton_begin(nodes.one, queue, 8, &call, &error) == BATON_CLOSED);
    CHECK(baton_close(queue) == BATON_OK);
}

/* The next change is that, of that key. */
static int changed(baton_watch watch, const char* word, const char* key, const char* value) {
    baton_answer change = no_answer();
    const int code = baton_next(watch, patience_ms, &change);
    const int good = code == BATON_OK && strcmp(change.word, word) == 0 && equals(change.key, key) &&
                     (value == NULL || (change.values_count == 1 && equals(change.values[0].value, value)));
    if (!good) fprintf(stderr, "%d %s\n", code, change.word != NULL ? change.word : "");
    baton_answer_free(&change);
    return good;
}

static void test_watch(void) {
    baton_node node = started("one", NULL);
    baton_watch watch = 0;
    baton_error error = no_error();
    baton_answer change = no_answer();
    baton_call large = call_of(BATON_STASH, "");
    enum { megabytes = 7 };
    int fd = -1;
    char* bytes;
    CHECK(run(node, with_value(BATON_STASH, "game/a", "1")) == BATON_OK);
    CHECK(run(node, with_value(BATON_STASH, "other", "1")) == BATON_OK);
    REQUIRE(baton_watch_open(node, baton_text("game/"), &watch, &error) == BATON_OK);
    CHECK(changed(watch, "put", "game/a", "1"));
    CHECK(changed(watch, "initial_done", "", NULL));
    REQUIRE(baton_fd(watch, &fd, &error) == BATON_OK);
    CHECK(!is_readable(fd));
    CHECK(baton_next(watch, 0, &change) == BATON_TIMEOUT);
    CHECK(run(node, with_value(BATON_STASH, "game/b", "2")) == BATON_OK);
    CHECK(changed(watch, "put", "game/b", "2"));
    CHECK(run(node, call_of(BATON_DROP, "game/b")) == BATON_OK);
    CHECK(changed(watch, "removed", "game/b", NULL));
    CHECK(run(node, call_of(BATON_ADD, "game/count")) == BATON_OK);
    CHECK(baton_next(watch, patience_ms, &change) == BATON_OK);
    CHECK(strcmp(change.type, "counter") == 0);
    baton_answer_free(&change);

    /* Nobody reads: a key is kept once, with its last value. */
    for (int i = 0; i <= 1000; ++i) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        CHECK(run(node, with_value(BATON_STASH, "game/fast", value)) == BATON_OK);
    }
    CHECK(run(node, with_value(BATON_STASH, "game/last", "x")) == BATON_OK);
    for (int last = 0, reports = 0; !last; ++reports) {
        REQUIRE(baton_next(watch, patience_ms, &change) == BATON_OK && change.values_count == 1);
        last = equals(change.key, "game/last");
        CHECK(last || !equals(change.values[0].value, "") || reports == 0);
        baton_answer_free(&change);
        CHECK(reports <= 1001);
    }

    /* More than a watch keeps: the reader gets the values all the same. */
    bytes = calloc(megabytes, 1 << 20);
    REQUIRE(bytes != NULL);
    large.value.data = bytes;
    large.value.size = (size_t)megabytes << 20;
    for (int i = 0; i < 4; ++i) {
        const char* names[] = {"game/x0", "game/x1", "game/x2", "game/x3"};
        large.key = baton_text(names[i]);
        CHECK(baton_run(node, &large, NULL) == BATON_OK);
    }
    for (int i = 0; i < 4; ++i) {
        REQUIRE(baton_next(watch, patience_ms, &change) == BATON_OK);
        CHECK(change.values_count == 1 && change.values[0].value.size == large.value.size);
        CHECK(change.values_count == 1 && change.values[0].written.counter != 0);
        baton_answer_free(&change);
    }
    free(bytes);
    CHECK(baton_close(watch) == BATON_OK);
    CHECK(run(node, with_value(BATON_STASH, "game/a", "3")) == BATON_OK);
    CHECK(baton_next(watch, 0, &change) == BATON_CLOSED);
    CHECK(baton_close(node) == BATON_OK);
}

static void test_events(void) {
    const pair nodes = two_nodes();
    baton_error error = no_error();
    baton_answer event = no_answer();
    int fd = -1;
    REQUIRE(baton_fd(nodes.one, &fd, &error) == BATON_OK);
    CHECK(run(nodes.other, call_of(BATON_LEAVE, "")) == BATON_OK);
    CHECK(happened(nodes.one, "leaving"));
    while (baton_next(nodes.one, patience_ms, &event) == BATON_OK && strcmp(event.word, "left") != 0)
        baton_answer_free(&event);
    CHECK(event.members_count == 1 && equals(event.members[0].name, "other"));
    baton_answer_free(&event);
    while (baton_next(nodes.one, 0, &event) == BATON_OK) baton_answer_free(&event);
    CHECK(!is_readable(fd));
    close_both(nodes);
}

/* ---------------------------------------------------------------- misuse */

static void test_nulls_and_sizes(void) {
    baton_node node = started("one", NULL), none = 0;
    baton_queue queue = 0;
    baton_error error = no_error();
    baton_answer answer = no_answer();
    baton_call call = with_value(BATON_STASH, "key", "value");
    baton_option option = {NULL, "value"};
    struct {
        baton_call call;
        char more[64];
    } newer;
    struct {
        baton_answer answer;
        char more[64];
    } wider;
    struct {
        uint32_t size;
        int32_t code;
        char what[8];
    } brief;
    char room[4];
    int fd = -1;
    REQUIRE(baton_queue_open(0, &queue, NULL) == BATON_OK);

    CHECK(baton_start(NULL, 1, &none, &error) == BATON_BAD_ARGUMENT);
    CHECK(baton_start(NULL, 0, NULL, &error) == BATON_BAD_ARGUMENT);
    CHECK(baton_start(&option, 1, &none, &error) == BATON_BAD_ARGUMENT && none == 0);
    CHECK(baton_queue_open(0, NULL, &error) == BATON_BAD_ARGUMENT);
    CHECK(baton_run(node, NULL, &answer) == BATON_BAD_ARGUMENT && answer.what != NULL);
    baton_answer_free(&answer);
    CHECK(baton_run(node, NULL, NULL) == BATON_BAD_ARGUMENT);
    CHECK(baton_begin(node, queue, 0, NULL, &error) == BATON_BAD_ARGUMENT);
    CHECK(baton_begin(node, queue, 0, NULL, NULL) == BATON_BAD_ARGUMENT);
    CHECK(baton_next(queue, 0, NULL) == BATON_BAD_ARGUMENT);
    CHECK(baton_watch_open(node, baton_text("k"), NULL, &error) == BATON_BAD_ARGUMENT);
    CHECK(baton_fd(queue, NULL, &error) == BATON_BAD_ARGUMENT);
    baton_answer_free(NULL);
    call.value.data = NULL;
    CHECK(baton_run(node, &call, NULL) == BATON_BAD_ARGUMENT);
    call.value.size = 0; /* an empty value */
    CHECK(baton_run(node, &call, NULL) == BATON_OK);
    call.versions_count = 1;
    CHECK(baton_run(node, &call, NULL) == BATON_BAD_ARGUMENT);
    call.versions_count = 0;
    call.flags = BATON_IF_VERSION;
    CHECK(baton_run(node, &call, NULL) == BATON_BAD_ARGUMENT);
    call.flags = 64;
    CHECK(baton_run(node, &call, NULL) == BATON_BAD_ARGUMENT);
    call.flags = 0;
    call.ack = 5;
    CHECK(baton_run(node, &call, NULL) == BATON_BAD_ARGUMENT);
    call.ack = 0;
    call.within_ms = -1;
    for (uint32_t what = 0; what < 70; ++what) { /* an unknown one is refused, a known one may not be here */
        call.what = what;
        if (what == BATON_LEAVE || what == BATON_CLAIM) continue;
        answer = no_answer();
        (void)baton_run(node, &call, &answer);
        baton_answer_free(&answer);
    }
    call.what = 19;
    CHECK(baton_run(node, &call, NULL) == BATON_BAD_ARGUMENT);

    /* Sizes: too small; of a newer program; of an error with little room. */
    call = with_value(BATON_STASH, "key", "value");
    call.size = sizeof call - 1;
    CHECK(baton_run(node, &call, NULL) == BATON_BAD_ARGUMENT);
    call.size = 0;
    CHECK(baton_begin(node, queue, 0, &call, &error) == BATON_BAD_ARGUMENT);
    call.size = sizeof call;
    answer.size = sizeof answer - 8;
    CHECK(baton_run(node, &call, &answer) == BATON_BAD_ARGUMENT);
    CHECK(baton_next(queue, 0, &answer) == BATON_BAD_ARGUMENT);
    answer.size = 0;
    CHECK(baton_next(queue, 0, &answer) == BATON_BAD_ARGUMENT);
    baton_answer_free(&answer);
    memset(&newer, 0, sizeof newer);
    newer.call = call;
    newer.call.size = sizeof newer;
    CHECK(baton_run(node, &newer.call, NULL) == BATON_OK);
    newer.more[40] = 1;
    CHECK(baton_run(node, &newer.call, NULL) == BATON_BAD_ARGUMENT);
    memset(&wider, 1, sizeof wider);
    wider.answer.size = sizeof wider;
    CHECK(baton_run(node, &call, &wider.answer) == BATON_OK && wider.answer.count == 1);
    CHECK(wider.more[0] == 0 && wider.more[63] == 0);
    baton_answer_free(&wider.answer);
    brief.size = sizeof brief;
    memset(brief.what, 'x', sizeof brief.what);
    CHECK(baton_fd(0, &fd, (baton_error*)(void*)&brief) == BATON_CLOSED);
    CHECK(brief.code == BATON_CLOSED && strlen(brief.what) == 7);
    memset(room, 'x', sizeof room); /* nothing fits: nothing is written */
    error.size = 4;
    error.code = 77;
    CHECK(baton_fd(0, &fd, &error) == BATON_CLOSED && error.code == 77);

    /* Handles of another kind, and numbers that are none. */
    CHECK(baton_run(queue, &call, NULL) == BATON_CLOSED);
    CHECK(baton_begin(node, node, 0, &call, NULL) == BATON_CLOSED);
    CHECK(baton_end_leave_now(queue) == BATON_CLOSED);
    for (int bit = 0; bit < 64; ++bit) {
        const uint64_t odd = node ^ (uint64_t)1 << bit;
        CHECK(odd == queue || baton_run(odd, &call, NULL) != BATON_OK);
    }
    CHECK(baton_close(0) == BATON_CLOSED);
    CHECK(baton_close(UINT64_MAX) != BATON_OK);
    CHECK(baton_close(queue) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
}

static void test_closed_handles(void) {
    baton_node node = started("one", NULL);
    baton_queue former[200];
    baton_answer answer = no_answer();
    baton_watch watch = 0;
    baton_call call = with_value(BATON_STASH, "key", "value");
    int fd = -1;
    for (int i = 0; i < 200; ++i) { /* no number is used twice, although the slot is */
        REQUIRE(baton_queue_open(0, &former[i], NULL) == BATON_OK);
        CHECK(baton_close(former[i]) == BATON_OK);
        for (int k = 0; k < i; ++k) CHECK(former[k] != former[i]);
    }
    for (int i = 0; i < 200; ++i) {
        CHECK(baton_next(former[i], 0, &answer) == BATON_CLOSED);
        CHECK(baton_fd(former[i], &fd, NULL) == BATON_CLOSED);
        CHECK(baton_begin(node, former[i], 0, &call, NULL) == BATON_CLOSED);
        CHECK(baton_close(former[i]) == BATON_CLOSED);
    }
    REQUIRE(baton_watch_open(node, baton_text(""), &watch, NULL) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
    CHECK(baton_run(node, &call, &answer) == BATON_CLOSED && answer.what != NULL);
    baton_answer_free(&answer);
    CHECK(baton_next(node, 0, &answer) == BATON_CLOSED);
    CHECK(baton_watch_open(node, baton_text(""), &watch, NULL) == BATON_CLOSED);
    CHECK(baton_end_leave_now(node) == BATON_CLOSED);
    CHECK(baton_close(watch) == BATON_OK); /* after its node */
}

typedef struct waiter {
    uint64_t handle;
    int code;
} waiter;

static void* wait_next(void* of) {
    waiter* me = of;
    baton_answer answer = no_answer();
    do {
        me->code = baton_next(me->handle, -1, &answer);
        baton_answer_free(&answer);
    } while (me->code == BATON_OK);
    return NULL;
}

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
    for (int round = 0; round < 5; ++round) {
        baton_node node = started("one", NULL);
        baton_queue queue = 0;
        baton_watch watch = 0;
        waiter waiting[5], closing[6];
        pthread_t threads[11];
        int closed[3] = {0};
        REQUIRE(baton_queue_open(0, &queue, NULL) == BATON_OK);
        REQUIRE(baton_watch_open(node, baton_text(""), &watch, NULL) == BATON_OK);
        const uint64_t handles[] = {queue, watch, node};
        for (int i = 0; i < 5; ++i) {
            waiting[i].handle = i < 3 ? handles[i] : node;
            CHECK(pthread_create(&threads[i], NULL, i < 3 ? wait_next : wait_pickup, &waiting[i]) == 0);
        }
        if (round % 2 == 0) poll(NULL, 0, 5); /* once they wait, and once they are about to */
        for (int i = 0; i < 6; ++i) {
            closing[i].handle = handles[i % 3];
            CHECK(pthread_create(&threads[5 + i], NULL, close_it, &closing[i]) == 0);
        }
        for (int i = 0; i < 11; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
        for (int i = 0; i < 6; ++i) closed[i % 3] += closing[i].code == BATON_OK;
        for (int i = 0; i < 3; ++i) CHECK(closed[i] == 1);
        for (int i = 0; i < 2; ++i) CHECK(waiting[i].code == BATON_CLOSED);
        CHECK(waiting[2].code == BATON_CLOSED || waiting[2].code == BATON_TIMEOUT);
        for (int i = 3; i < 5; ++i) CHECK(waiting[i].code == BATON_OK || waiting[i].code == BATON_CLOSED);
    }
}

static void test_fork(void) {
    baton_node node = started("one", NULL);
    baton_queue queue = 0;
    baton_watch watch = 0;
    baton_answer answer = no_answer();
    baton_call call = with_value(BATON_STASH, "key", "value");
    int status = -1;
    pid_t child;
    REQUIRE(baton_queue_open(0, &queue, NULL) == BATON_OK);
    REQUIRE(baton_watch_open(node, baton_text(""), &watch, NULL) == BATON_OK);
    child = fork();
    if (child == 0) {
        int fd = -1;
        alarm(60);
        CHECK(baton_run(node, &call, NULL) == BATON_FORKED);
        CHECK(baton_begin(node, queue, 0, &call, NULL) == BATON_FORKED);
        CHECK(baton_next(queue, -1, &answer) == BATON_FORKED);
        CHECK(baton_next(node, -1, &answer) == BATON_FORKED);
        CHECK(baton_next(watch, -1, &answer) == BATON_FORKED);
        CHECK(baton_fd(queue, &fd, NULL) == BATON_FORKED);
        CHECK(baton_close(node) == BATON_FORKED);
        CHECK(baton_end_leave_now(node) == BATON_FORKED);
/* A thread that holds a lock of the sanitizer's allocator at the fork makes the child wait for ever. */
#ifndef BATON_SANITIZED
        node = started("child", NULL); /* of its own */
        CHECK(baton_run(node, &call, NULL) == BATON_OK);
        CHECK(baton_close(node) == BATON_OK);
#endif
        _exit(failures);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(baton_run(node, &call, NULL) == BATON_OK);
    CHECK(baton_close(watch) == BATON_OK);
    CHECK(baton_close(queue) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
}

static void test_options(void) {
    static const char* wrong[][2] = {
        {"nmae", "x"},         {"port", "65536"},   {"port", "05x"},   {"port", "-1"},  {"leave-within", "5"},
        {"founding", "maybe"}, {"network", "moon"}, {"mesh-size", ""}, {"log", "loud"}, {"port", ""}};
    static const baton_option two[] = {{"name", "x"}, {"network", "loopback"}};
    baton_node node = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        baton_error error = no_error();
        baton_option option;
        option.name = wrong[i][0];
        option.value = wrong[i][1];
        CHECK(baton_start(&option, 1, &node, &error) == BATON_BAD_OPTION && node == 0);
        CHECK(error.code == BATON_BAD_OPTION && strstr(error.what, wrong[i][0]) != NULL);
    }
    CHECK(baton_start(two, 2, &node, NULL) == BATON_BAD_OPTION);
    CHECK(strcmp(baton_code_name(BATON_OK), "ok") == 0);
    CHECK(strcmp(baton_code_name(BATON_BAD_KEY), "bad_key") == 0);
    CHECK(strcmp(baton_code_name(BATON_UNKNOWN), "unknown") == 0);
    CHECK(strcmp(baton_code_name(BATON_CLAIMED), "claimed") == 0);
    CHECK(strcmp(baton_code_name(BATON_CLOSED), "closed") == 0);
    CHECK(strcmp(baton_code_name(4711), "unassigned") == 0);
    CHECK(strchr(baton_library_version(), '.') != NULL);
}

/* ---------------------------------------------------------------- */

static const named_test tests[] = {
    {"registers", test_registers},
    {"concurrent_values", test_concurrent_values},
    {"typed_values", test_typed_values},
    {"members_and_leave", test_members_and_leave},
    {"claims", test_claims},
    {"queue", test_queue},
    {"watch", test_watch},
    {"events", test_events},
    {"nulls_and_sizes", test_nulls_and_sizes},
    {"closed_handles", test_closed_handles},
    {"threads", test_threads},
    {"fork", test_fork},
    {"options", test_options},
};

int main(int count, char** arguments) {
    return run_named(tests, sizeof tests / sizeof *tests, count, arguments);
}
