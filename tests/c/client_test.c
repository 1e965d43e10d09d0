/* Clients of the C ABI, from C99, with real nodes on loopback. Proves that every call of a client does in C
 * what it does in C++, in both forms.
 *
 * client_test NAME runs one test; without a name it prints the names. */
#define _POSIX_C_SOURCE 200809L

#include "tools.h"

/* ---------------------------------------------------------------- calls */

static void test_registers(void) {
    const pair nodes = two_nodes();
    const baton_client client = connected(nodes.one);
    baton_call call = with_value(BATON_STASH, "game/state", "round 41");
    baton_answer written, answer;
    baton_pair two[2];
    call.within_ms = patience_ms;
    written = answer_to(client, call); /* two copies, without being asked for them */
    CHECK((written.flags & BATON_MET) != 0 && written.count == 2 && written.written.counter != 0);
    answer = answer_to(nodes.other, call_of(BATON_PICKUP, "game/state"));
    CHECK(answer.values_count == 1 && equals(answer.values[0].value, "round 41"));
    baton_answer_free(&answer);
    answer = answer_to(client, call_of(BATON_PICKUP, "game/state"));
    CHECK(strcmp(answer.word, "found") == 0 && answer.values_count == 1);
    CHECK(equals(answer.values[0].value, "round 41"));
    CHECK(memcmp(&answer.values[0].written, &written.written, sizeof(baton_version)) == 0);
    baton_answer_free(&answer);

    call = call_of(BATON_PICKUP, "never");
    call.flags = BATON_UNTIL_KNOWN;
    call.within_ms = patience_ms;
    answer = answer_to(client, call);
    CHECK(strcmp(answer.word, "absent_confirmed") == 0 && answer.values_count == 0);
    baton_answer_free(&answer);

    call = call_of(BATON_CONFIRM, "");
    call.versions = &written.written;
    call.versions_count = 1;
    call.ack = BATON_ACK_ALL_UP;
    call.within_ms = patience_ms;
    answer = answer_to(client, call);
    CHECK((answer.flags & BATON_MET) != 0 && answer.count == 2);
    baton_answer_free(&answer);

    call = with_value(BATON_STASH, "game/state", "round 42");
    call.ack = BATON_ACK_LOCAL;
    call.flags = BATON_IF_VERSION | BATON_AT_LEAST_ONCE;
    call.versions = &written.written;
    call.versions_count = 1;
    answer = answer_to(client, call);
    CHECK(answer.count >= 1 && (answer.flags & BATON_MET) != 0);
    baton_answer_free(&answer);
    CHECK(baton_run(client, &call, NULL) == BATON_CONFLICT);

    answer = answer_to(client, call_of(BATON_SIBLINGS, "game/state"));
    REQUIRE(answer.values_count == 1);
    call = with_value(BATON_RESOLVE, "game/state", "round 43");
    call.versions = &answer.values[0].written;
    call.versions_count = 1;
    CHECK(baton_run(client, &call, NULL) == BATON_OK);
    CHECK(baton_run(client, &call, NULL) == BATON_CONFLICT);
    baton_answer_free(&answer);

    two[0].key = baton_text("all/a");
    two[0].value = baton_text("1");
    two[1].key = baton_text("all/b");
    two[1].value = baton_text("2");
    call = call_of(BATON_STASH_ALL, "");
    call.pairs = two;
    call.pairs_count = 2;
    CHECK(baton_run(client, &call, NULL) == BATON_OK);
    CHECK(baton_run(nodes.one, &call, NULL) == BATON_OK); /* a node has the call, too */
    call = call_of(BATON_KEYS, "all/");
    answer = answer_to(client, call);
    CHECK(answer.names_count == 2 && equals(answer.names[1], "all/b"));
    baton_answer_free(&answer);

    call = with_value(BATON_STASH, "short", "v");
    call.ttl_ms = 30;
    CHECK(baton_run(client, &call, NULL) == BATON_OK);
    while (is_found(client, call_of(BATON_PICKUP, "short"))) poll(NULL, 0, 5);
    CHECK(run(client, call_of(BATON_DROP, "game/state")) == BATON_OK);
    CHECK(!is_found(client, call_of(BATON_PICKUP, "game/state")));
    baton_answer_free(&written);
    CHECK(baton_close(client) == BATON_OK);
    close_both(nodes);
}

static void test_watch(void) {
    const pair nodes = two_nodes();
    const baton_client client = connected(nodes.one);
    baton_watch watch = 0;
    baton_answer change = no_answer();
    baton_call call = with_value(BATON_STASH, "game/a", "1");
    int fd = -1;
    CHECK(baton_run(client, &call, NULL) == BATON_OK);
    CHECK(baton_watch_open(client, baton_text("game/"), &watch, NULL) == BATON_OK);
    CHECK(baton_next(watch, patience_ms, &change) == BATON_OK);
    CHECK(equals(change.key, "game/a") && change.values_count == 1 && equals(change.values[0].value, "1"));
    baton_answer_free(&change);
    CHECK(baton_next(watch, patience_ms, &change) == BATON_OK);
    CHECK(strcmp(change.word, "initial_done") == 0);
    baton_answer_free(&change);
    CHECK(baton_next(watch, 0, &change) == BATON_TIMEOUT);
    CHECK(baton_fd(watch, &fd, NULL) == BATON_OK && fd >= 0);
    CHECK(run(nodes.other, call_of(BATON_DROP, "game/a")) == BATON_OK);
    CHECK(baton_next(watch, patience_ms, &change) == BATON_OK);
    CHECK(strcmp(change.word, "removed") == 0 && equals(change.key, "game/a"));
    baton_answer_free(&change);
    CHECK(baton_close(client) == BATON_OK); /* the watch has nothing more, and is still there */
    CHECK(baton_next(watch, 0, &change) == BATON_TIMEOUT);
    CHECK(baton_close(watch) == BATON_OK);
    CHECK(baton_next(watch, 0, &change) == BATON_CLOSED);
    CHECK(baton_watch_open(client, baton_text(""), &watch, NULL) == BATON_CLOSED);
    close_both(nodes);
}

static void test_one_member(void) {
    const baton_node node = started("one", NULL);
    const baton_client client = connected(node);
    baton_call call = with_value(BATON_STASH, "key", "v");
    baton_answer answer = answer_to(client, call); /* the default: two copies, which there are not */
    CHECK((answer.flags & BATON_MET) == 0 && answer.count == 1);
    baton_answer_free(&answer);
    call.ack = BATON_ACK_LOCAL;
    answer = answer_to(client, call);
    CHECK((answer.flags & BATON_MET) != 0 && answer.count == 1);
    baton_answer_free(&answer);
    call.ack = BATON_ACK_MAJORITY;
    CHECK(baton_run(client, &call, NULL) == BATON_BAD_ARGUMENT);
    call = call_of(BATON_PICKUP, "never");
    answer = answer_to(client, call);
    CHECK(strcmp(answer.word, "absent_unsynced") == 0 && answer.values_count == 0);
    baton_answer_free(&answer);
    CHECK(baton_close(client) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
}

static void test_typed_values(void) {
    const baton_node node = started("one", NULL);
    const baton_client client = connected(node);
    baton_call call = call_of(BATON_ADD, "counter");
    baton_answer answer;
    call.amount = -41;
    CHECK(baton_run(client, &call, NULL) == BATON_OK);
    answer = answer_to(client, call_of(BATON_COUNT, "counter"));
    CHECK((answer.flags & BATON_FOUND) != 0 && answer.number == -41);
    baton_answer_free(&answer);
    CHECK(!is_found(client, call_of(BATON_COUNT, "none")));

    CHECK(run(client, with_element(BATON_INSERT, "set", "b")) == BATON_OK);
    CHECK(run(client, with_element(BATON_INSERT, "set", "a")) == BATON_OK);
    CHECK(run(client, with_element(BATON_INSERT, "set", "c")) == BATON_OK);
    CHECK(run(client, with_element(BATON_ERASE, "set", "c")) == BATON_OK);
    CHECK(is_found(client, with_element(BATON_CONTAINS, "set", "a")));
    CHECK(!is_found(client, with_element(BATON_CONTAINS, "set", "c")));
    answer = answer_to(client, call_of(BATON_ELEMENTS, "set"));
    CHECK(answer.names_count == 2 && equals(answer.names[0], "a") && equals(answer.names[1], "b"));
    baton_answer_free(&answer);

    call = with_element(BATON_SET_FIELD, "map", "f");
    call.value = baton_text("v");
    CHECK(baton_run(client, &call, NULL) == BATON_OK);
    answer = answer_to(client, with_element(BATON_FIELD, "map", "f"));
    CHECK(answer.values_count == 1 && equals(answer.values[0].value, "v"));
    baton_answer_free(&answer);
    CHECK(!is_found(client, with_element(BATON_FIELD, "map", "g")));
    answer = answer_to(client, with_element(BATON_FIELD_SIBLINGS, "map", "f"));
    CHECK(answer.values_count == 1);
    baton_answer_free(&answer);
    answer = answer_to(client, call_of(BATON_FIELDS, "map"));
    CHECK(answer.names_count == 1 && equals(answer.names[0], "f"));
    baton_answer_free(&answer);
    CHECK(run(client, with_element(BATON_ERASE_FIELD, "map", "f")) == BATON_OK);

    CHECK(run(client, call_of(BATON_ENABLE, "flag")) == BATON_OK);
    CHECK(is_found(client, call_of(BATON_ENABLED, "flag")));
    answer = answer_to(client, call_of(BATON_TYPES, "flag"));
    CHECK(answer.names_count == 1 && equals(answer.names[0], "flag"));
    baton_answer_free(&answer);
    CHECK(run(client, call_of(BATON_DISABLE, "flag")) == BATON_OK);
    CHECK(!is_found(client, call_of(BATON_ENABLED, "flag")));
    CHECK(run(client, with_value(BATON_STASH, "counter", "v")) == BATON_WRONG_TYPE);
    CHECK(baton_close(client) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
}

static void test_the_mesh(void) {
    const pair nodes = two_nodes();
    const baton_client client = connected(nodes.one);
    baton_answer self = answer_to(nodes.one, call_of(BATON_SELF, "")), answer;
    baton_call call;
    answer = answer_to(client, call_of(BATON_TALKS_TO, ""));
    REQUIRE((answer.flags & BATON_FOUND) != 0 && answer.members_count == 1);
    CHECK(memcmp(answer.members[0].id, self.members[0].id, 16) == 0);
    baton_answer_free(&answer);
    baton_answer_free(&self);
    for (int has_door = 0; !has_door;) { /* the name of a door may come after its member is up */
        answer = answer_to(client, call_of(BATON_MEMBERS, ""));
        REQUIRE(answer.members_count == 2 && equals(answer.members[0].name, "one"));
        CHECK(equals(answer.members[1].name, "other") && equals(answer.members[1].state, "up"));
        has_door = answer.members[1].client_endpoint.size != 0;
        if (has_door) CHECK(strncmp(answer.members[1].client_endpoint.data, "tcp://", 6) == 0);
        baton_answer_free(&answer);
    }
    CHECK(run(client, with_value(BATON_STASH, "key", "v")) == BATON_OK);
    answer = answer_to(client, call_of(BATON_STATS, ""));
    CHECK(strstr(answer.text.data, "baton_keys{node=\"one\"} 1") != NULL);
    baton_answer_free(&answer);
    answer = answer_to(client, call_of(BATON_PING, ""));
    CHECK(answer.number > 0);
    baton_answer_free(&answer);
    answer = answer_to(client, call_of(BATON_LOST_WRITES, "")); /* python_client has a loss */
    CHECK(answer.names_count == 0 && answer.values_count == 0);
    baton_answer_free(&answer);
    CHECK(run(client, call_of(BATON_ACCEPT_LOSS, "")) == BATON_OK);

    CHECK(run(client, call_of(BATON_LEAVE, "nobody")) == BATON_ABSENT);
    call = call_of(BATON_LEAVE, "other");
    call.within_ms = patience_ms;
    answer = answer_to(client, call);
    CHECK(answer.word != NULL && strcmp(answer.word, "safe") == 0);
    baton_answer_free(&answer);
    CHECK(run(nodes.other, with_value(BATON_STASH, "key", "w")) == BATON_LEAVING);
    CHECK(is_found(client, call_of(BATON_PICKUP, "key")));
    CHECK(baton_close(client) == BATON_OK);
    close_both(nodes);
}

static void test_claims(void) {
    const baton_node node = started("one", NULL);
    const baton_client client = connected(node), other = connected(node);
    baton_call claim = call_of(BATON_CLAIM, "key"), on;
    baton_answer mine = no_answer(), state;
    CHECK(baton_run(client, &claim, &mine) == BATON_ABSENT && mine.claim == 0);
    baton_answer_free(&mine);
    CHECK(run(client, with_value(BATON_STASH, "key", "first")) == BATON_OK);
    CHECK(baton_run(client, &claim, NULL) == BATON_BAD_ARGUMENT);
    mine = answer_to(client, claim);
    CHECK((mine.flags & BATON_CLAIM_GRANTED) != 0 && equals(mine.key, "key") && mine.count % 2 == 1);
    CHECK(mine.values_count == 1 && equals(mine.values[0].value, "first"));

    on = with_value(BATON_COMMIT, "", "second");
    on.claim = mine.claim;
    on.ack = BATON_ACK_LOCAL;
    CHECK(run(client, on) == BATON_OK);
    CHECK(run(other, with_value(BATON_STASH, "key", "foreign")) == BATON_CLAIMED);
    claim.flags = BATON_IF_FREE;
    CHECK(run(other, claim) == BATON_BAD_ARGUMENT); /* without an answer */
    state = no_answer();
    CHECK(baton_run(other, &claim, &state) == BATON_CONFLICT);
    baton_answer_free(&state);
    on.what = BATON_CLAIM_STATE;
    state = answer_to(client, on);
    CHECK((state.flags & (BATON_LOST | BATON_TENTATIVE)) == 0);
    baton_answer_free(&state);
    on.what = BATON_RENEW;
    CHECK(run(client, on) == BATON_BAD_ARGUMENT); /* a client does it itself */
    on.what = BATON_COMMIT;
    CHECK(run(node, on) == BATON_CLOSED); /* a client's claim is none of a node's */
    on.what = BATON_RELEASE;
    state = answer_to(client, on);
    CHECK(state.count == mine.count + 1);
    baton_answer_free(&state);
    on.what = BATON_COMMIT;
    CHECK(run(client, on) == BATON_CLAIM_LOST);
    on.what = BATON_CLAIM_STATE;
    state = answer_to(client, on);
    CHECK((state.flags & BATON_LOST) != 0);
    baton_answer_free(&state);
    CHECK(baton_close(mine.claim) == BATON_OK);
    CHECK(run(client, on) == BATON_CLOSED);

    /* Only as it was left. */
    claim.flags = BATON_IF_EPOCH;
    claim.epoch = mine.count;
    claim.lease_ms = 3000;
    baton_answer_free(&mine);
    mine = answer_to(other, claim);
    CHECK(mine.values_count == 1 && equals(mine.values[0].value, "second"));
    state = no_answer();
    CHECK(baton_run(client, &claim, &state) == BATON_CONFLICT);
    baton_answer_free(&state);

    /* A claim outlives its client, as an error; the key is free when the claim is closed, or by its lease. */
    on.claim = mine.claim;
    on.what = BATON_COMMIT;
    CHECK(baton_close(other) == BATON_OK);
    CHECK(run(client, on) == BATON_UNREACHABLE);
    CHECK(baton_close(mine.claim) == BATON_OK);
    baton_answer_free(&mine);
    claim.flags = BATON_IF_FREE;
    for (;;) {
        mine = no_answer();
        if (baton_run(client, &claim, &mine) == BATON_OK) break;
        REQUIRE(mine.code == BATON_CONFLICT);
        baton_answer_free(&mine);
        poll(NULL, 0, 20);
    }
    CHECK(baton_close(mine.claim) == BATON_OK);
    baton_answer_free(&mine);
    CHECK(baton_close(client) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
}

/* ---------------------------------------------------------------- queues */

static void test_queue(void) {
    enum { calls = 100 };
    const baton_node node = started("one", NULL);
    const baton_client client = connected(node);
    baton_queue queue = 0, small = 0;
    baton_error error = no_error();
    baton_answer done = no_answer();
    baton_call call;
    int fd = -1, seen[calls] = {0};
    char key[32];
    REQUIRE(baton_queue_open(0, &queue, &error) == BATON_OK);
    REQUIRE(baton_fd(queue, &fd, &error) == BATON_OK);
    for (int i = 0; i < calls; ++i) {
        snprintf(key, sizeof key, "key/%d", i);
        call = call_of(BATON_PICKUP, key); /* which is copied, with its key */
        call.within_ms = patience_ms;
        CHECK(baton_begin(client, queue, (uint64_t)i, &call, &error) == BATON_OK);
    }
    CHECK(baton_next(queue, 0, &done) == BATON_TIMEOUT);
    CHECK(!is_readable(fd));
    for (int i = 0; i < calls; ++i) { /* of both kinds in one queue */
        snprintf(key, sizeof key, "key/%d", i);
        call = with_value(BATON_STASH, key, key);
        call.ack = BATON_ACK_LOCAL;
        CHECK(baton_begin(i % 2 == 0 ? client : node, queue, 1000, &call, &error) == BATON_OK);
    }
    for (int i = 0; i < 2 * calls; ++i) {
        REQUIRE(baton_next(queue, patience_ms, &done) == BATON_OK);
        CHECK(done.code == BATON_OK);
        if (done.tag != 1000) {
            snprintf(key, sizeof key, "key/%d", (int)done.tag);
            CHECK(done.values_count == 1 && equals(done.values[0].value, key));
            ++seen[done.tag];
        }
        baton_answer_free(&done);
    }
    for (int i = 0; i < calls; ++i) CHECK(seen[i] == 1);
    CHECK(!is_readable(fd));

    /* A read, which waits for the member; a failure; what only a node has; a claim. */
    call = call_of(BATON_KEYS, "key/1");
    CHECK(baton_begin(client, queue, 7, &call, &error) == BATON_OK);
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.tag == 7 && done.names_count == 11);
    baton_answer_free(&done);
    call = call_of(BATON_INSERT, "key/1");
    CHECK(baton_begin(client, queue, 8, &call, &error) == BATON_OK);
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.tag == 8);
    CHECK(done.code == BATON_WRONG_TYPE && done.what != NULL);
    baton_answer_free(&done);
    call = call_of(BATON_DIGEST, "");
    CHECK(baton_begin(client, queue, 9, &call, &error) == BATON_OK);
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.code == BATON_BAD_ARGUMENT);
    baton_answer_free(&done);
    call = call_of(BATON_CLAIM, "key/1");
    CHECK(baton_begin(client, queue, 10, &call, &error) == BATON_OK);
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.claim != 0);
    call = with_value(BATON_COMMIT, "", "mine");
    call.ack = BATON_ACK_LOCAL;
    call.claim = done.claim;
    baton_answer_free(&done);
    CHECK(baton_begin(client, queue, 11, &call, &error) == BATON_OK);
    CHECK(baton_next(queue, patience_ms, &done) == BATON_OK && done.code == BATON_OK);
    baton_answer_free(&done);
    CHECK(baton_close(call.claim) == BATON_OK);
    CHECK(baton_begin(client, queue, 12, &call, &error) == BATON_CLOSED);

    /* A queue has its bound; a claim that nobody reads ends with it. */
    REQUIRE(baton_queue_open(1, &small, &error) == BATON_OK);
    REQUIRE(baton_fd(small, &fd, &error) == BATON_OK);
    call = call_of(BATON_CLAIM, "key/2");
    CHECK(baton_begin(client, small, 1, &call, &error) == BATON_OK);
    CHECK(baton_begin(client, small, 2, &call, &error) == BATON_BUSY);
    while (!is_readable(fd)) poll(NULL, 0, 5);
    CHECK(baton_close(small) == BATON_OK);
    for (int owned = 1; owned;) {
        done = answer_to(client, call_of(BATON_PICKUP, "key/2"));
        CHECK(done.values_count == 1 && done.values[0].epoch != 0);
        owned = done.values_count == 1 && done.values[0].epoch % 2 == 1;
        baton_answer_free(&done);
    }
    CHECK(baton_close(queue) == BATON_OK);
    CHECK(baton_close(client) == BATON_OK);
    CHECK(baton_close(node) == BATON_OK);
}

/* ---------------------------------------------------------------- */

static const named_test tests[] = {
    {"registers", test_registers},   {"watch", test_watch},
    {"one_member", test_one_member}, {"typed_values", test_typed_values},
    {"the_mesh", test_the_mesh},     {"claims", test_claims},
    {"queue", test_queue},
};

int main(int count, char** arguments) {
    return run_named(tests, sizeof tests / sizeof *tests, count, arguments);
}
