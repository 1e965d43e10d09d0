#include <baton/result.hpp>

#include <cstdio>
#include <exception>

namespace baton {

void detail::end_for_missing_value(const error& instead) noexcept {
    const auto kind = to_string(instead.code);
    std::fprintf(stderr, "baton: a value was read of a result that holds an error, %.*s: %s\n",
                 static_cast<int>(kind.size()), kind.data(), instead.what.c_str());
    std::terminate();
}

void detail::end_for_missing_error() noexcept {
    std::fputs("baton: an error was read of a result that holds none\n", stderr);
    std::terminate();
}

std::string_view to_string(errc code) {
    switch (code) {
    case errc::bad_option:
        return "bad_option";
    case errc::bad_seed:
        return "bad_seed";
    case errc::unknown_interface:
        return "unknown_interface";
    case errc::address_in_use:
        return "address_in_use";
    case errc::network:
        return "network";
    case errc::key_empty:
        return "key_empty";
    case errc::key_too_long:
        return "key_too_long";
    case errc::value_too_long:
        return "value_too_long";
    case errc::wrong_type:
        return "wrong_type";
    case errc::full:
        return "full";
    case errc::leaving:
        return "leaving";
    case errc::forked:
        return "forked";
    case errc::absent:
        return "absent";
    case errc::claim_lost:
        return "claim_lost";
    case errc::conflict:
        return "conflict";
    case errc::bad_argument:
        return "bad_argument";
    case errc::unknown_version:
        return "unknown_version";
    case errc::busy:
        return "busy";
    case errc::timeout:
        return "timeout";
    case errc::malformed:
        return "malformed";
    case errc::not_readable:
        return "not_readable";
    case errc::too_many_watches:
        return "too_many_watches";
    case errc::bad_key:
        return "bad_key";
    case errc::refused:
        return "refused";
    case errc::unreachable:
        return "unreachable";
    case errc::unknown:
        return "unknown";
    case errc::behind:
        return "behind";
    case errc::lost:
        return "lost";
    case errc::claimed:
        return "claimed";
    }
    return "unknown";
}

} // namespace baton
