// The commands of counters, sets, maps and flags.
#include "session.hpp"

#include <charconv>

namespace baton::cli {
namespace {

std::int64_t amount(std::string_view text) {
    std::int64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, value);
    if (fault != std::errc{} || stop != end)
        throw refusal{"usage", "N '" + std::string{text} + "' is not a whole number of 64 bits"};
    return value;
}

std::string key_alone(std::string_view rest) {
    words args{rest};
    auto key = args.next("KEY");
    args.end();
    return key;
}

} // namespace

json session::counted(const std::string& key) const {
    const auto sum = need(node_.count(key));
    return {{"key", key}, {"value", sum ? json(*sum) : json(nullptr)}};
}

json session::add(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto more = amount(args.next("N"));
    args.end();
    need(node_.add(key, more));
    return counted(key);
}

json session::count(std::string_view rest) { return counted(key_alone(rest)); }

json session::listed(const std::string& key) const {
    json list = json::array();
    for (auto& element : need(node_.elements(key))) list.push_back(shown(std::move(element), hex_));
    return {{"key", key}, {"elements", std::move(list)}};
}

json session::insert(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    need(node_.insert(key, typed(args.last("ELEMENT"), hex_)));
    return listed(key);
}

json session::erase(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const bool was_there = need(node_.erase(key, typed(args.last("ELEMENT"), hex_)));
    auto reply = listed(key);
    reply["erased"] = was_there;
    return reply;
}

json session::elements(std::string_view rest) { return listed(key_alone(rest)); }

json session::set_field(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto field = args.next("FIELD");
    need(node_.set_field(key, field, typed(args.last("VALUE"), hex_)));
    return {{"key", key}, {"field", field}};
}

json session::erase_field(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto field = args.next("FIELD");
    args.end();
    const bool was_there = need(node_.erase_field(key, field));
    return {{"key", key}, {"field", field}, {"erased", was_there}};
}

json session::field(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto field = args.next("FIELD");
    args.end();
    json reply{{"key", key}, {"field", field}};
    reply.update(to_json(need(node_.field(key, field)), hex_));
    return reply;
}

json session::fields(std::string_view rest) {
    const auto key = key_alone(rest);
    return {{"key", key}, {"fields", need(node_.fields(key))}};
}

json session::switched(const std::string& key) const {
    return {{"key", key}, {"enabled", need(node_.enabled(key))}};
}

json session::enable(std::string_view rest) {
    const auto key = key_alone(rest);
    need(node_.enable(key));
    return switched(key);
}

json session::disable(std::string_view rest) {
    const auto key = key_alone(rest);
    need(node_.disable(key));
    return switched(key);
}

json session::enabled(std::string_view rest) { return switched(key_alone(rest)); }

} // namespace baton::cli
