#include "shell/calls.hpp"
#include "shell/claiming.hpp"
#include "shell/completions.hpp"
#include "shell/node_impl.hpp"

#include <baton/async.hpp>

#include <string>
#include <utility>

namespace baton {

using crdt::moment, crdt::slot_name, crdt::value_type;

// How a call begins: it has a place in the queue, and the node exists.
struct async::begin {
    template <class T>
    static auto into(const async& calls, std::uint64_t tag) {
        return [queue = calls.queue_, tag](result<T> done) { queue->push({tag, std::move(done)}); };
    }
    /// `use(engine)` begins a call of shell/calls.hpp.
    template <class Use>
    static result<void> call(const async& calls, Use use) {
        if (const auto place = calls.queue_->reserve(); !place) return place.error();
        auto begun = calls.node_->with([&](shell::io_thread& engine) -> result<void> {
            use(engine);
            return {};
        });
        if (!begun) calls.queue_->give_back();
        return begun;
    }
    template <class Write>
    static result<void> write(const async& calls, std::uint64_t tag, const write_options& how, Write write) {
        return call(calls, [&](shell::io_thread& engine) {
            shell::begin_write(engine, how, std::move(write), into<write_result>(calls, tag));
        });
    }
    static result<void> put(const async& calls, std::uint64_t tag, const write_options& how, value_type type,
                            std::string_view key, std::string_view element, std::string_view value) {
        return write(calls, tag, how,
                     [type, key = std::string(key), element = std::string(element),
                      value = std::string(value)](core::mesh& mesh, const moment& at) {
                         return mesh.put(at, {type, key, element}, value);
                     });
    }
    static result<void> remove(const async& calls, std::uint64_t tag, const write_options& how,
                               value_type type, std::string_view key, std::string_view element) {
        return call(calls, [&](shell::io_thread& engine) {
            const auto remove = [type, key = std::string(key), element = std::string(element)](
                                    core::mesh& mesh, const moment& at) -> result<bool> {
                const slot_name slot{type, key, element};
                if (const auto good = shell::check(mesh, slot); !good) return good.error();
                return mesh.remove(at, slot);
            };
            shell::begin_removal(engine, how, remove, false, into<write_result>(calls, tag));
        });
    }
};

async::async(node& of, completion_queue& into)
    : node_(of.impl_->handles)
    , queue_(into.channel_)
    , leave_within_(of.impl_->settings.leave_within) {}
async::~async() = default;

result<void> async::stash(std::uint64_t tag, std::string_view key, std::string_view value,
                          stash_options how) {
    return begin::write(
        *this, tag, {how.ack, how.within},
        [key = std::string(key), value = std::string(value), how](core::mesh& mesh, const moment& at) {
            return mesh.stash(at, key, value, how.if_version, how.ttl);
        });
}

result<void> async::drop(std::uint64_t tag, std::string_view key, write_options how) {
    return begin::call(*this, [&](shell::io_thread& engine) {
        const auto drop = [key = std::string(key)](core::mesh& mesh, const moment& at) {
            return mesh.drop(at, key);
        };
        shell::begin_removal(engine, how, drop, true, begin::into<write_result>(*this, tag));
    });
}

result<void> async::resolve(std::uint64_t tag, std::string_view key, std::string_view value,
                            std::vector<version> replaced, write_options how) {
    return begin::write(*this, tag, how,
                        [key = std::string(key), value = std::string(value),
                         replaced = std::move(replaced)](core::mesh& mesh, const moment& at) {
                            return mesh.registers().resolve(at, key, value, replaced);
                        });
}

result<void> async::add(std::uint64_t tag, std::string_view key, std::int64_t amount, write_options how) {
    return begin::write(*this, tag, how,
                        [key = std::string(key), amount](core::mesh& mesh, const moment& at) {
                            return mesh.add(at, key, amount);
                        });
}
result<void> async::insert(std::uint64_t tag, std::string_view key, std::string_view element,
                           write_options how) {
    return begin::put(*this, tag, how, value_type::set, key, element, {});
}
result<void> async::erase(std::uint64_t tag, std::string_view key, std::string_view element,
                          write_options how) {
    return begin::remove(*this, tag, how, value_type::set, key, element);
}
result<void> async::set_field(std::uint64_t tag, std::string_view key, std::string_view field,
                              std::string_view value, write_options how) {
    return begin::put(*this, tag, how, value_type::map, key, field, value);
}
result<void> async::erase_field(std::uint64_t tag, std::string_view key, std::string_view field,
                                write_options how) {
    return begin::remove(*this, tag, how, value_type::map, key, field);
}
result<void> async::enable(std::uint64_t tag, std::string_view key, write_options how) {
    return begin::put(*this, tag, how, value_type::flag, key, {}, {});
}
result<void> async::disable(std::uint64_t tag, std::string_view key, write_options how) {
    return begin::remove(*this, tag, how, value_type::flag, key, {});
}

result<void> async::confirm(std::uint64_t tag, version written, ack_level level,
                            std::chrono::milliseconds within) {
    return begin::call(*this, [&](shell::io_thread& engine) {
        shell::begin_confirm(engine, written, level, within, begin::into<write_result>(*this, tag));
    });
}

result<void> async::pickup(std::uint64_t tag, std::string_view key, pickup_options how) {
    return begin::call(*this, [&](shell::io_thread& engine) {
        shell::begin_pickup(engine, std::string(key), how, begin::into<pickup_result>(*this, tag));
    });
}

result<void> async::claim(std::uint64_t tag, std::string_view key, claim_options how) {
    return begin::call(*this, [&](shell::io_thread& engine) {
        shell::begin_claim(
            engine, std::string(key), how,
            [queue = queue_, tag, node = node_, key = std::string(key)](result<core::claim_grant> grant) {
                if (!grant) return queue->push({tag, result<claim_handle>(grant.error())});
                queue->push({tag, result<claim_handle>(claim_handle(
                                      std::make_unique<claim_handle::body>(node, key, *std::move(grant))))});
            });
    });
}

result<void> async::commit(std::uint64_t tag, const claim_handle& of, std::string_view value,
                           commit_options how) {
    if (of.body_->node != node_) return error{errc::bad_argument, "the claim is one of another node"};
    return begin::write(*this, tag, {how.ack, how.within},
                        [key = of.body_->key, number = of.body_->number, value = std::string(value),
                         ttl = how.ttl](core::mesh& mesh, const moment& at) {
                            return mesh.registers().commit(at, key, number, value, ttl);
                        });
}

result<void> async::wait_synced(std::uint64_t tag, std::chrono::milliseconds within) {
    return begin::call(*this, [&](shell::io_thread& engine) {
        shell::begin_wait_synced(engine, within, begin::into<void>(*this, tag));
    });
}

result<void> async::leave(std::uint64_t tag, leave_options how) {
    return begin::call(*this, [&](shell::io_thread& engine) {
        shell::begin_leave(engine, how.within.value_or(leave_within_), how.copies, how.nobody_stays,
                           begin::into<leave_report>(*this, tag));
    });
}

} // namespace baton
