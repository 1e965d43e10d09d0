// Commands that change the keys of a running node. A reply names keys by their ids and never contains a key.
#include "session.hpp"

namespace baton::cli {

namespace {

key_id named(std::string_view rest) {
    words args{rest};
    const auto text = args.next("ID");
    args.end();
    if (const auto id = key_id::from_text(text)) return *id;
    throw refusal{"usage", "ID is 16 hexadecimal digits"};
}

void check(const result<void>& done) {
    if (!done) throw refusal{std::string{to_string(done.error().code)}, done.error().what};
}

} // namespace

json session::key_install(std::string_view rest) {
    words args{rest};
    const auto key = mesh_key::from_text(args.next("KEY"));
    args.end();
    if (!key) throw refusal{"bad_key", "KEY is 32 bytes, in 64 hexadecimal digits or base64, not all 0"};
    check(node_.install_key(*key));
    return {{"key_id", key->id().to_string()}};
}

json session::key_use(std::string_view rest) {
    const auto id = named(rest);
    check(node_.use_key(id));
    return {{"key_id", id.to_string()}};
}

json session::key_remove(std::string_view rest) {
    const auto id = named(rest);
    check(node_.remove_key(id));
    return {{"key_id", id.to_string()}};
}

json session::keys_installed(std::string_view rest) {
    words{rest}.end();
    json ids = json::array();
    for (const auto& id : need(node_.keys_installed()).accepted) ids.push_back(id.to_string());
    return {{"key_ids", std::move(ids)}};
}

} // namespace baton::cli
