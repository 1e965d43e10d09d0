// show: what the node answers, as JSON.
//
// Any thread. Keys, values, elements and names are any bytes, but JSON is text: bytes that are not UTF-8 are
// shown in base64 and marked. A field `x` is null then, and `x_base64` has the bytes; in a list an object
// {"base64": …} has them. Keys and names can be typed as `base64:…`.
#pragma once

#include "terminal.hpp"

#include <baton/node.hpp>
#include <baton/watch.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cli {

/// Sets `field`, and where it is needed `field_base64`.
void show(json& line, const std::string& field, std::string_view bytes);
/// A list of such; `hex`: as hexadecimal digits.
json list_of(const std::vector<std::string>& all, bool hex = false);
/// `{"key": …}`, which most replies begin with.
json about(std::string_view key);

json to_json(const member& who);
/// `result`, `value` and `siblings`; if absence is not confirmed, `who` and `seeds` name the nodes and seeds
/// that have not answered.
json to_json(pickup_result got, bool hex);
/// `epoch` and `owner` (null: free), where the key has ever been claimed.
void show_owner(json& line, const std::optional<owner_epoch>& epoch, const std::optional<replica_id>& owner);
json to_json(const event& happened);
/// `change`, the prefix that is watched as `watch`, and what belongs to that kind of change.
json to_json(const change& what, const std::string& prefix, bool hex);

/// A value as it is shown: text, or hexadecimal digits.
std::string shown(std::string value, bool hex);

} // namespace baton::cli
