#include "shell/holder_waits.hpp"

#include <algorithm>
#include <utility>

namespace baton::shell {

std::vector<holder_waits::finished> holder_waits::take_over(core::mesh& mesh, instant now, bool all,
                                                            instant& again_at) {
    std::vector<finished> over;
    for (auto each = waits_.begin(); each != waits_.end();) {
        const auto held = mesh.measure(each->wanted);
        if (held.met || now >= each->until || all) {
            mesh.stop_awaiting(each->ticket);
            if (held.met) met.note(now - each->since);
            over.push_back({std::move(each->done), held});
            each = waits_.erase(each);
        } else {
            again_at = std::min(again_at, each->until);
            ++each;
        }
    }
    some_ = !waits_.empty();
    return over;
}

} // namespace baton::shell
