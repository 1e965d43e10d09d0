/*
 * baton.h: baton from C, and from every language that can call C: nodes, and clients that are no members.
 *
 *     baton_option options[] = {{"network", "loopback"}, {"cluster", "harbour"}};
 *     baton_node node = 0;
 *     baton_error error = {.size = sizeof error};
 *     if (baton_start(options, 2, &node, &error) != BATON_OK) return puts(error.what);
 *     baton_call stash = {.size = sizeof stash, .what = BATON_STASH};
 *     stash.key = baton_text("session/ABYZ");
 *     stash.value = baton_text("round 41");
 *     baton_run(node, &stash, NULL);
 *     baton_call leave = {.size = sizeof leave, .what = BATON_LEAVE};
 *     baton_answer report = {.size = sizeof report};
 *     if (baton_run(node, &leave, &report) == BATON_OK) puts(report.word); // "safe"
 *     baton_answer_free(&report);
 *     baton_close(node);
 *
 * A call is a struct, so that every call that can take time has two forms: baton_run() waits for its end, and
 * baton_begin() returns at once and lets it end in a queue. Results are pulled: baton_next() returns the next
 * completion of a queue, the next event of a node, or the next change of a watch, and baton_fd() has a
 * descriptor for poll(), epoll or an event loop that is readable while there is one. There are no callbacks:
 * a callback would run on a thread of the library, which most languages cannot enter safely, and which may
 * still run while the process ends.
 *
 * Threads: every function may be called by any thread at any time, baton_close() included. Handles are
 * numbers that are never used twice: a handle that was closed is BATON_CLOSED for ever, and no error of the
 * caller reaches memory by a handle. baton_close() wakes callers that wait and returns when no call uses the
 * handle any more. fork(): handles stay with the parent; in the child every function answers BATON_FORKED for
 * them, and new handles may be opened. Nothing is thrown. No function changes errno's meaning or a signal.
 *
 * Stability: structs begin with their size, set by the caller. A library that is newer than the program fills
 * what the program knows; one that is older refuses (BATON_BAD_ARGUMENT) what it does not know, unless it is
 * zero. Numbers of enumerators never change. The semantics, bounds and errors of each call are those of
 * <baton/node.hpp>, and for a client those of <baton/client.hpp>. Source: io_uring (Axboe 2019), whose calls
 * are structs with a tag.
 */
#ifndef BATON_BATON_H
#define BATON_BATON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define BATON_C_API __attribute__((visibility("default")))
#else
#define BATON_C_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- errors */

/* What a function or a call answers. The names are those of baton::errc. */
enum baton_code {
    BATON_OK = 0,
    BATON_BAD_OPTION = 1,
    BATON_BAD_SEED = 2,
    BATON_UNKNOWN_INTERFACE = 3,
    BATON_ADDRESS_IN_USE = 4,
    BATON_NETWORK = 5,
    BATON_KEY_EMPTY = 6,
    BATON_KEY_TOO_LONG = 7,
    BATON_VALUE_TOO_LONG = 8,
    BATON_WRONG_TYPE = 9,
    BATON_FULL = 10,
    BATON_LEAVING = 11,
    BATON_FORKED = 12,
    BATON_ABSENT = 13,
    BATON_CLAIM_LOST = 14,
    BATON_CONFLICT = 15,
    BATON_BAD_ARGUMENT = 16,
    BATON_UNKNOWN_VERSION = 17,
    BATON_BUSY = 18,
    BATON_TIMEOUT = 19,
    BATON_MALFORMED = 20,
    BATON_NOT_READABLE = 21,
    BATON_TOO_MANY_WATCHES = 22,
    BATON_BAD_KEY = 23,
    BATON_REFUSED = 24,     /* this one and the next five: of a client */
    BATON_UNREACHABLE = 25, /* also: the client was closed during the call */
    BATON_UNKNOWN = 26,     /* the write may have been made or not */
    BATON_BEHIND = 27,
    BATON_LOST_STATE = 28, /* "lost": see BATON_ACCEPT_LOSS */
    BATON_CLAIMED = 29,
    BATON_CLOSED = 100,    /* the handle is closed, was never opened, or is one of another kind */
    BATON_NO_MEMORY = 101, /* memory is short; the call may have been made */
    BATON_FAILED = 102     /* a fault in baton: please report the sentence */
};

/* Why a function failed. The library ends the sentence with a zero byte, and cuts off what has no room. */
typedef struct baton_error {
    uint32_t size;  /* sizeof(baton_error) */
    int32_t code;   /* enum baton_code */
    char what[504]; /* one sentence for people */
} baton_error;

/* "key_too_long", as scripts see it; "unassigned" for other numbers. Valid for ever. */
BATON_C_API const char* baton_code_name(int code);
/* "0.1.0". Valid for ever. */
BATON_C_API const char* baton_library_version(void);

/* ---------------------------------------------------------------- handles */

typedef uint64_t baton_node;   /* 0 is never a handle */
typedef uint64_t baton_client; /* talks to a member of a mesh, and is none */
typedef uint64_t baton_queue;  /* of completions */
typedef uint64_t baton_watch;
typedef uint64_t baton_claim; /* of a node or of a client */

/* One option. Switches take "true" or "false"; times are "250ms", "1.5s", "1m" or "2h"; an option that may be
 * repeated is repeated.
 *
 * Of a node: the name of a switch of `baton run` without its dashes, as in a file of --config. In addition:
 * "network" is "lan" (the default), "loopback" or "wan", and comes first if it is given;
 * "destructor-leave-within" is the time that baton_close() takes at most to hand over; "clients" opens the
 * door for clients, at "clients-port"; "log" is "debug", "info", "warning" or "error", and writes lines from
 * that level on to standard error.
 *
 * Of a client, as in <baton/client_options.hpp>: "name", "cluster", "seed", "no-search", "host",
 * "beacon-port", "group", "group-ipv6", "interface", "exclude-interface", "key", "key-file", "reach-within",
 * "patience", "search-within". */
typedef struct baton_option {
    const char* name;
    const char* value;
} baton_option;

/* Starts a node. `error` may be NULL here and everywhere. Errors: those of baton::node::start;
 * BATON_BAD_OPTION names an unknown option. */
BATON_C_API int baton_start(const baton_option* options, size_t count, baton_node* node, baton_error* error);
/* Connects a client to a member; waits for "search-within" and "reach-within" at most. Errors: those of
 * baton::client::connect; BATON_BAD_OPTION names an unknown option. */
BATON_C_API int baton_connect(const baton_option* options, size_t count, baton_client* client,
                              baton_error* error);
/* Opens a queue in which at most `calls_max` calls are under way or unread; 0: 65,536. */
BATON_C_API int baton_queue_open(size_t calls_max, baton_queue* queue, baton_error* error);

/* Closes any handle. A node leaves first, as baton::node's destructor does, unless it has left. The calls of
 * other threads with this handle end; the function returns when they have. Of a client they end with
 * BATON_UNREACHABLE, or BATON_UNKNOWN for a write that was sent; its claims should be closed before it, since
 * otherwise their leases end them. A watch ends; a claim is released; the calls of a queue that are under way
 * go on, and their results are dropped. If two threads close a handle, one gets BATON_CLOSED at once. */
BATON_C_API int baton_close(uint64_t handle);

/* ---------------------------------------------------------------- calls */

/* Any bytes; a key, value, element or name may contain zero bytes. */
typedef struct baton_bytes {
    const char* data; /* may be NULL if size is 0 */
    size_t size;
} baton_bytes;

/* Names a write; counter 0: no write. */
typedef struct baton_version {
    uint8_t replica[16];
    uint64_t counter;
} baton_version;

/* A key and its value. */
typedef struct baton_pair {
    baton_bytes key;
    baton_bytes value;
} baton_pair;

/* What a node or a client is asked for. What only one of the two has is marked. */
enum baton_what {
    /* Writes, which wait for room and for acknowledgements. */
    BATON_STASH = 1,     /* key, value, ttl_ms; BATON_IF_VERSION: versions[0] */
    BATON_DROP = 2,      /* key */
    BATON_RESOLVE = 3,   /* key, value, versions */
    BATON_ADD = 4,       /* key, amount */
    BATON_INSERT = 5,    /* key, element */
    BATON_ERASE = 6,     /* key, element */
    BATON_SET_FIELD = 7, /* key, element, value */
    BATON_ERASE_FIELD = 8,
    BATON_ENABLE = 9,
    BATON_DISABLE = 10,
    BATON_COMMIT = 11,    /* claim, value, ttl_ms */
    BATON_STASH_ALL = 12, /* pairs, ttl_ms: several keys as one write; of a node only for baton_run() */
    /* Other calls that can wait. */
    BATON_PICKUP = 20,      /* key; BATON_UNTIL_KNOWN */
    BATON_CLAIM = 21,       /* key, lease_ms; BATON_IF_FREE; BATON_IF_EPOCH: epoch */
    BATON_CONFIRM = 22,     /* versions[0] */
    BATON_WAIT_SYNCED = 23, /* node; within_ms must be set */
    BATON_LEAVE = 24, /* node: copies; BATON_NOBODY_STAYS. client: key is the name or id of the member */
    /* Calls of a node that never wait, only for baton_run(). A client asks its member; both forms. */
    BATON_SIBLINGS = 40,       /* key → values */
    BATON_COUNT = 41,          /* key → number, BATON_FOUND */
    BATON_CONTAINS = 42,       /* key, element → BATON_FOUND */
    BATON_ELEMENTS = 43,       /* key → names, sorted */
    BATON_FIELD = 44,          /* key, element → values[0], BATON_FOUND */
    BATON_FIELD_SIBLINGS = 45, /* key, element → values */
    BATON_FIELDS = 46,         /* key → names, sorted */
    BATON_ENABLED = 47,        /* key → BATON_FOUND if the flag is on */
    BATON_TYPES = 48,          /* key → names: "register", "counter", "set", "map", "flag" */
    BATON_KEYS = 49,           /* key is the prefix → names, sorted */
    BATON_MEMBERS = 50,        /* → members; of a client first the one that it talks to */
    BATON_STATS = 51,          /* → text: as Prometheus reads it */
    BATON_DIGEST = 52,         /* node → text */
    BATON_SELF = 53,           /* node → members[0]: this node, with its endpoint */
    BATON_TALKS_TO = 54,       /* client → BATON_FOUND, members[0]: the id of the member */
    BATON_PING = 55,           /* client → number: nanoseconds to the member and back */
    BATON_LOST_WRITES = 56,    /* client → names: keys, values: the writes of these keys, without values */
    BATON_ACCEPT_LOSS = 57,    /* client: go on without what BATON_LOST_STATE reports */
    BATON_RENEW = 60,          /* node: claim. A client renews its claims itself */
    BATON_RELEASE = 61,        /* claim → count: the epoch under which the key is free */
    BATON_CLAIM_STATE = 62     /* claim → BATON_LOST, BATON_TENTATIVE */
};

/* How many members must hold a write before the call ends. */
enum baton_ack {
    BATON_ACK_DEFAULT = 0,  /* of a node: BATON_ACK_LOCAL; of a client: 2 copies */
    BATON_ACK_COPIES = 1,   /* baton_call.copies members, with this node or the client's member */
    BATON_ACK_MAJORITY = 2, /* more than half of the option mesh-size */
    BATON_ACK_ALL_UP = 3,   /* every member that is up */
    BATON_ACK_LOCAL = 4     /* this node, or the client's member; nothing is waited for */
};

/* baton_call.flags */
enum baton_call_flag {
    BATON_IF_VERSION = 1,   /* stash only over this version; counter 0: only if the key is absent */
    BATON_UNTIL_KNOWN = 2,  /* a pickup also ends when it is certain that no node has the key */
    BATON_IF_FREE = 4,      /* claim only if no node owns the key */
    BATON_NOBODY_STAYS = 8, /* the whole mesh stops: do not wait for a successor */
    BATON_IF_EPOCH = 16,    /* claim only if nobody has claimed the key since the epoch `epoch` */
    /* Of a client's write that a member that is gone may have made: make it again at another one. It may be
     * made twice, and undo one in between. Without this flag it fails with BATON_UNKNOWN. */
    BATON_AT_LEAST_ONCE = 32,
    BATON_CALL_FLAGS = 63
};

/* One call. Set `size` and `what`, leave the rest 0, and set what the call needs. It may be changed or freed
 * as soon as the function returns. */
typedef struct baton_call {
    uint32_t size; /* sizeof(baton_call) */
    uint32_t what; /* enum baton_what */
    baton_bytes key;
    baton_bytes element; /* of a set; or the field of a map */
    baton_bytes value;
    int64_t amount;
    baton_claim claim;
    int64_t within_ms; /* 0: the default of the call in C++; below 0: do not wait */
    int64_t ttl_ms;    /* time to live; 0: none */
    int64_t lease_ms;  /* of a claim; 0: none, and for a client 10 s */
    uint32_t ack;      /* enum baton_ack */
    uint32_t flags;    /* enum baton_call_flag */
    uint64_t copies;
    const baton_version* versions;
    size_t versions_count;
    const baton_pair* pairs;
    size_t pairs_count;
    uint64_t epoch;
} baton_call;

/* ---------------------------------------------------------------- answers */

/* One value of a register or field. */
typedef struct baton_value {
    baton_bytes value;
    baton_version written;
    uint64_t siblings; /* how many other concurrent values there are */
    uint64_t epoch;    /* of the last claim or release, odd if the register is owned; 0: never claimed */
    uint64_t reserved[2];
} baton_value;

typedef struct baton_member {
    uint8_t id[16];
    baton_bytes name;
    baton_bytes endpoint;
    baton_bytes state; /* "up", "suspect", "leaving", … */
    uint32_t synced;   /* 1: this node holds everything that the member held when it joined */
    uint32_t reserved0;
    uint64_t lag;                /* events of this node that it has not reported as applied */
    int64_t lag_ms;              /* age of the oldest of them */
    int64_t round_trip_us;       /* -1: not measured yet */
    baton_bytes client_endpoint; /* of its door for clients, which a client may use as a seed */
    uint64_t reserved[2];
} baton_member;

/* baton_answer.flags */
enum baton_answer_flag {
    BATON_FOUND = 1,         /* a read found what it asked for */
    BATON_MET = 2,           /* a write has reached its level */
    BATON_CHANGED = 4,       /* a write has changed something */
    BATON_LOST = 8,          /* the claim no longer owns the key */
    BATON_TENTATIVE = 16,    /* another node may own the key, too */
    BATON_CLAIM_GRANTED = 32 /* `claim` is a handle, which the caller closes */
};

/* What a call, an event or a change says. All that it points to is valid until baton_answer_free(). */
typedef struct baton_answer {
    uint32_t size;    /* sizeof(baton_answer) */
    int32_t code;     /* enum baton_code: whether the call succeeded */
    uint64_t tag;     /* of a completion */
    const char* what; /* if it failed: one sentence for people; otherwise NULL */
    /* Of a pickup: "found", "pending_handoff", "absent_confirmed" or "absent_unsynced"; of a leave: "safe",
     * "safe_degraded", "spilled" or "unsafe"; of an event: "joined", …; of a change: "put", "removed",
     * "initial_done" or "lagged". Otherwise NULL. */
    const char* word;
    uint32_t flags; /* enum baton_answer_flag */
    uint32_t reserved0;
    int64_t number; /* of a counter: its sum */
    uint64_t count; /* of a write, a leave: copies; of an event, lagged: how many; see enum baton_what */
    baton_version written; /* of a write */
    baton_claim claim;
    const char* type; /* of a change `put`: "register", "counter", "set", "map" or "flag" */
    baton_bytes key;  /* of an event, a change, a claim */
    /* Of stats and digest; of an event: the reason; of a leave: the file that was written, if there is one.
     */
    baton_bytes text;
    const baton_value* values; /* of a claim: what it found, first what it took over */
    size_t values_count;
    const baton_bytes* names; /* of a pickup: seeds at which a member may run; of a leave: unsafe keys */
    size_t names_count;
    const baton_member*
        members; /* of a pickup: ids of nodes that may have the key; of an event: the member */
    size_t members_count;
    void* memory; /* the library's */
} baton_answer;

/* Frees what an answer points to, and sets all but its size to 0. No effect on NULL, and a second time. The
 * handle of a claim stays open. */
BATON_C_API void baton_answer_free(baton_answer* answer);

/* Makes a call of a node or a client, and waits for its end. Returns answer->code. `answer` may be NULL,
 * except for a claim; what it pointed to before is not freed. */
BATON_C_API int baton_run(uint64_t node_or_client, const baton_call* call, baton_answer* answer);
/* Begins a call that ends in `queue`, as a completion with `tag`, and returns at once. After an error there
 * is no completion. Calls of a client that are under way at the same time are made in any order; a thread of
 * the client waits for each, for at most 512 at a time, and the others take their turn. Errors: BATON_BUSY
 * (the queue has calls_max calls), BATON_LEAVING (the node is gone), BATON_NETWORK (no thread for a client),
 * BATON_BAD_ARGUMENT, BATON_CLOSED, BATON_FORKED. */
BATON_C_API int baton_begin(uint64_t node_or_client, baton_queue queue, uint64_t tag, const baton_call* call,
                            baton_error* error);

/* ---------------------------------------------------------------- what happens */

/* Watches the keys that begin with `prefix`: first a `put` for each, then `initial_done`, then each change. Of a
 * client it waits until the member has begun, and goes on when the client moves to another member. */
BATON_C_API int baton_watch_open(uint64_t node_or_client, baton_bytes prefix, baton_watch* watch,
                                 baton_error* error);

/* The next completion of a queue, event of a node, or change of a watch; waits at most `within_ms`, below 0:
 * for ever. Returns whether there is one, which is not what answer->code says: BATON_OK, BATON_TIMEOUT,
 * BATON_CLOSED, BATON_FORKED, BATON_BAD_ARGUMENT. A watch keeps unread changes by key: a key that changes
 * again before it is read is reported once, with its latest value. */
BATON_C_API int baton_next(uint64_t handle, int64_t within_ms, baton_answer* answer);
/* A descriptor that is readable while baton_next() has something. The library owns and closes it. */
BATON_C_API int baton_fd(uint64_t handle, int* fd, baton_error* error);
/* Ends a running leave of the node with what it has reached, as baton::node::end_leave_now does. */
BATON_C_API int baton_end_leave_now(baton_node node);

/* The bytes of a text without its zero byte. */
static inline baton_bytes baton_text(const char* text) {
    baton_bytes bytes;
    bytes.data = text;
    bytes.size = text != NULL ? strlen(text) : 0;
    return bytes;
}

#ifdef __cplusplus
}
#endif

#endif
