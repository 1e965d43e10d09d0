// The reference of local_*: absl::flat_hash_map<std::string, std::string> behind a std::mutex.
#include "bench.hpp"
#include "local.hpp"

#ifdef BATON_BENCH_HAS_ABSL
#include <absl/container/flat_hash_map.h>

#include <mutex>
#include <string>
#endif

namespace baton::bench {

#ifdef BATON_BENCH_HAS_ABSL

bool has_local_map() { return true; }

void role_local_map(const json& told, parent& up) {
    struct {
        std::mutex mutex;
        absl::flat_hash_map<std::string, std::string> map;
        std::size_t get(std::string_view key) {
            std::string copy;
            {
                const std::lock_guard lock{mutex};
                const auto found = map.find(absl::string_view{key.data(), key.size()});
                if (found != map.end()) copy = found->second;
            }
            return copy.size();
        }
        void put(std::string_view key, std::string_view value) {
            const std::lock_guard lock{mutex};
            map[absl::string_view{key.data(), key.size()}].assign(value);
        }
    } store;
    serve_local(store, told, up);
}

#else

bool has_local_map() { return false; }

void role_local_map(const json&, parent&) { throw std::runtime_error("built without abseil"); }

#endif

} // namespace baton::bench
