// The functions of <baton/baton.h>. Nothing is thrown through them.
#include "arguments.hpp"
#include "calls.hpp"
#include "guard.hpp"
#include "options.hpp"
#include "shell/completions.hpp"

#include <baton/baton.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>
#include <vector>

using namespace baton;
using namespace baton::c;

namespace {

constexpr auto for_ever = std::chrono::hours{24 * 365};

std::chrono::milliseconds wait_of(std::int64_t ms) {
    return ms < 0 ? for_ever : std::min<std::chrono::milliseconds>(std::chrono::milliseconds{ms}, for_ever);
}

int told(const fault& why, baton_error* into) {
    constexpr std::size_t head = offsetof(baton_error, what);
    if (into == nullptr || into->size <= head) return why.code;
    into->code = why.code;
    const auto room = std::min<std::size_t>(into->size, sizeof *into) - head - 1;
    const std::string_view what =
        why.code == BATON_NO_MEMORY ? "memory is short" : std::string_view(why.what);
    const auto length = std::min(room, what.size());
    std::copy_n(what.data(), length, into->what);
    into->what[length] = '\0';
    return why.code;
}

fault bad_argument(const char* why) { return {BATON_BAD_ARGUMENT, why}; }

/// The library writes no more than the caller has room for, and needs room for what it must say.
fault check(const baton_answer* answer) {
    if (answer != nullptr && answer->size < sizeof(baton_answer))
        return bad_argument("baton_answer.size is smaller than any version of the struct");
    return {};
}

/// `fill(maker)` makes the answer. Returns the fault that kept it from being made.
template <class Fill>
fault answered(baton_answer* into, std::uint64_t tag, Fill fill) {
    answer_maker answer(tag);
    fill(answer);
    answer.give(into);
    return {};
}

void fill(answer_maker& answer, call_result of) {
    std::visit(
        [&](auto& what) {
            if (!what) return answer.fail(fault_of(what.error()));
            if constexpr (!std::is_same_v<decltype(what), result<void>&>) answer.take(*std::move(what));
        },
        of);
}

fault next_completion(std::uint64_t handle, std::chrono::milliseconds within, baton_answer* into) {
    fault why;
    const using_a<queue_object> queue(handle, why);
    if (!queue) return why;
    auto ended = queue->channel()->next_of_any(within);
    if (!ended)
        return ended.error().code == errc::leaving ? fault{BATON_CLOSED, {}} : fault_of(ended.error());
    if (ended->result_elsewhere) { // a client's
        static_cast<answer_maker*>(ended->result_elsewhere.get())->give(into);
        return {};
    }
    auto& done = ended->done;
    return answered(into, done.tag, [&](answer_maker& answer) { fill(answer, std::move(done.what)); });
}

/// Options by name and value, in `into`.
fault read_options(const baton_option* options, std::size_t count, std::vector<named_value>& into) {
    if (options == nullptr && count != 0)
        return bad_argument("the options are NULL, and their count is not 0");
    for (std::size_t i = 0; i < count; ++i) {
        if (options[i].name == nullptr || options[i].value == nullptr)
            return bad_argument("the name or value of an option is NULL");
        into.emplace_back(options[i].name, options[i].value);
    }
    return {};
}

/// `use(object)` of the node or the client that the handle stands for.
template <class Use>
fault with_node_or_client(std::uint64_t handle, Use use) {
    fault why;
    if (kind_of(handle) == kind::client) {
        const using_a<client_object> of(handle, why);
        return of ? use(*of) : why;
    }
    const using_a<node_object> of(handle, why);
    return of ? use(*of) : why;
}

fault next_event(std::uint64_t handle, std::chrono::milliseconds within, baton_answer* into) {
    fault why;
    const using_a<node_object> node(handle, why);
    if (!node) return why;
    auto happened = node->of.next_event(within);
    if (!happened) return fault_of(happened.error());
    return answered(into, 0, [&](answer_maker& answer) { answer.take(*std::move(happened)); });
}

bool is_left_out(const change& told) {
    return told.kind == change_kind::put && told.type == value_kind::reg && told.written == version{};
}

// False: the key is gone again, which a later change says.
bool read_again(std::uint64_t node_or_client, change& told) {
    auto now = result<pickup_result>(error{});
    const auto read = [&](auto& by) -> fault {
        now = by.of.pickup(told.key);
        return {};
    };
    if (with_node_or_client(node_or_client, read).code != BATON_OK) return false;
    if (!now || !now->found()) return false;
    told.value = std::move(now->value);
    told.written = now->written;
    told.siblings = now->siblings;
    told.epoch = now->epoch;
    return true;
}

fault next_change(std::uint64_t handle, std::chrono::milliseconds within, baton_answer* into) {
    fault why;
    const using_a<watch_object> watch(handle, why);
    if (!watch) return why;
    auto told = watch->next(within);
    while (told && is_left_out(*told) && !read_again(watch->watched, *told)) told = watch->next({});
    if (watch->closed()) return {BATON_CLOSED, {}};
    if (!told) return {BATON_TIMEOUT, "no change came within the time"};
    return answered(into, 0, [&](answer_maker& answer) { answer.take(*std::move(told)); });
}

} // namespace

extern "C" {

const char* baton_code_name(int code) {
    if (code == BATON_OK) return "ok";
    if (code >= BATON_BAD_OPTION && code <= BATON_CLAIMED)
        return to_string(static_cast<errc>(code - 1)).data();
    if (code == BATON_CLOSED) return "closed";
    if (code == BATON_NO_MEMORY) return "no_memory";
    return code == BATON_FAILED ? "failed" : "unassigned";
}

const char* baton_library_version(void) { return BATON_VERSION; }

int baton_start(const baton_option* options, size_t count, baton_node* node, baton_error* error) {
    return told(guarded([&]() -> fault {
                    if (node == nullptr) return bad_argument("baton_start: node is NULL");
                    std::vector<named_value> all;
                    if (auto bad = read_options(options, count, all); bad.code != BATON_OK) return bad;
                    auto settings = options_of(all);
                    if (!settings) return fault_of(settings.error());
                    const auto leave_within = settings->destructor_leave_within;
                    auto started = baton::node::start(*std::move(settings));
                    if (!started) return fault_of(started.error());
                    *node = add(kind::node, std::make_shared<node_object>(*std::move(started), leave_within));
                    return {};
                }),
                error);
}

int baton_connect(const baton_option* options, size_t count, baton_client* client, baton_error* error) {
    return told(guarded([&]() -> fault {
                    if (client == nullptr) return bad_argument("baton_connect: client is NULL");
                    std::vector<named_value> all;
                    if (auto bad = read_options(options, count, all); bad.code != BATON_OK) return bad;
                    auto settings = client_options_of(all);
                    if (!settings) return fault_of(settings.error());
                    auto connected = baton::client::connect(*std::move(settings));
                    if (!connected) return fault_of(connected.error());
                    *client = add(kind::client, std::make_shared<client_object>(*std::move(connected)));
                    return {};
                }),
                error);
}

int baton_queue_open(size_t calls_max, baton_queue* queue, baton_error* error) {
    return told(guarded([&]() -> fault {
                    if (queue == nullptr) return bad_argument("baton_queue_open: queue is NULL");
                    *queue =
                        add(kind::queue, std::make_shared<queue_object>(calls_max != 0 ? calls_max : 65'536));
                    return {};
                }),
                error);
}

int baton_close(uint64_t handle) {
    return guarded([&] { return c::close(handle); }).code;
}

void baton_answer_free(baton_answer* answer) {
    if (answer == nullptr || answer->size < sizeof *answer) return;
    free_memory(answer->memory);
    const auto size = answer->size;
    std::memset(answer, 0, size);
    answer->size = size;
}

int baton_run(uint64_t node_or_client, const baton_call* call, baton_answer* answer) {
    if (const auto bad = check(answer); bad.code != BATON_OK) return bad.code;
    answer_maker made;
    const auto failed = guarded([&]() -> fault {
        if (auto bad = c::check(call); bad.code != BATON_OK) return bad;
        if (call->what == BATON_CLAIM && answer == nullptr)
            return bad_argument("baton_run: a claim needs an answer, which has its handle");
        return with_node_or_client(node_or_client, [&](auto& of) -> fault {
            run(of, *call, made);
            return {};
        });
    });
    const auto given = guarded([&]() -> fault {
        if (failed.code != BATON_OK) made.fail(failed);
        return {made.give(answer), {}};
    });
    return given.code;
}

int baton_begin(uint64_t node_or_client, baton_queue queue, uint64_t tag, const baton_call* call,
                baton_error* error) {
    return told(guarded([&]() -> fault {
                    if (auto bad = c::check(call); bad.code != BATON_OK) return bad;
                    return with_node_or_client(node_or_client, [&](auto& of) -> fault {
                        fault why;
                        const using_a<queue_object> into(queue, why);
                        return into ? begin(of, *into, tag, *call) : why;
                    });
                }),
                error);
}

int baton_watch_open(uint64_t node_or_client, baton_bytes prefix, baton_watch* watch, baton_error* error) {
    return told(guarded([&]() -> fault {
                    if (watch == nullptr || (prefix.data == nullptr && prefix.size != 0))
                        return bad_argument("baton_watch_open: watch or prefix is NULL");
                    auto changes = std::make_shared<watch_object>(node_or_client);
                    return with_node_or_client(node_or_client, [&](auto& by) -> fault {
                        auto begun =
                            by.of.watch(std::string_view(prefix.size != 0 ? prefix.data : "", prefix.size),
                                        [into = changes.get()](const change& told) { into->put(told); });
                        if (!begun) return fault_of(begun.error());
                        changes->watch(*std::move(begun));
                        *watch = add(kind::watch, std::move(changes));
                        return {};
                    });
                }),
                error);
}

int baton_next(uint64_t handle, int64_t within_ms, baton_answer* answer) {
    if (const auto bad = check(answer); bad.code != BATON_OK || answer == nullptr) return BATON_BAD_ARGUMENT;
    return guarded([&]() -> fault {
               const auto within = wait_of(within_ms);
               switch (kind_of(handle)) {
               case kind::node:
                   return next_event(handle, within, answer);
               case kind::watch:
                   return next_change(handle, within, answer);
               default:
                   return next_completion(handle, within, answer);
               }
           })
        .code;
}

int baton_fd(uint64_t handle, int* fd, baton_error* error) {
    const auto take = [&](const result<int>& made) -> fault {
        if (!made) return fault_of(made.error());
        *fd = *made;
        return {};
    };
    return told(guarded([&]() -> fault {
                    if (fd == nullptr) return bad_argument("baton_fd: fd is NULL");
                    fault why;
                    if (kind_of(handle) == kind::node) {
                        const using_a<node_object> node(handle, why);
                        return node ? take(node->of.event_fd()) : why;
                    }
                    if (kind_of(handle) == kind::watch) {
                        const using_a<watch_object> watch(handle, why);
                        return watch ? take(watch->fd()) : why;
                    }
                    const using_a<queue_object> queue(handle, why);
                    return queue ? take(queue->of.fd()) : why;
                }),
                error);
}

int baton_end_leave_now(baton_node node) {
    return guarded([&]() -> fault {
               fault why;
               const using_a<node_object> of(node, why);
               if (of) of->of.end_leave_now();
               return why;
           })
        .code;
}

} // extern "C"
