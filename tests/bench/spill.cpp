// spill_write, spill_merge: a whole store to a file, and back. A lone node is told to end its leave when its
// file is whole, so that nothing but the writing is timed; the next one begins alone at once.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"

#include <algorithm>
#include <filesystem>
#include <thread>

namespace baton::bench {

namespace fs = std::filesystem;

std::vector<row> run_spill(const benchmark& self, const settings& how) {
    rounds written, merged;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        auto told = mesh_settings();
        told["count"] = self.keys;
        child lone{"spill", told};
        const auto said = lone.hear(std::chrono::seconds{120});
        lone.finish();
        const double mb = said["bytes"].get<double>() / 1e6;
        written.ours.push_back(mb / (said["write_ns"].get<double>() / 1e9));
        merged.ours.push_back(mb / (said["merge_ns"].get<double>() / 1e9));
        progress(self.rows[0], i,
                 figure(mb) + " MB, written at " + figure(written.ours.back()) + " MB/s, merged at " +
                     figure(merged.ours.back()) + " MB/s (" + figure(said["merge_ns"].get<double>() / 1e6) +
                     " ms)");
    }
    return {summarise(self.rows[0], "MB/s", written, "-", {}),
            summarise(self.rows[1], "MB/s", merged, "-", {})};
}

void role_spill(const json& told, parent& up) {
    std::string dir = (fs::temp_directory_path() / "baton-bench-XXXXXX").string();
    if (mkdtemp(dir.data()) == nullptr) throw std::runtime_error("mkdtemp");
    struct cleaner {
        const std::string& dir;
        ~cleaner() {
            std::error_code ignored;
            fs::remove_all(dir, ignored);
        }
    } const clean{dir};
    auto how = options::loopback();
    how.cluster = told["cluster"];
    how.beacon.enabled = false;
    how.spill_dir = dir;
    how.alone_after = std::chrono::milliseconds{0};
    how.destructor_leave_within = std::chrono::milliseconds{1};
    json said;
    std::string digest;
    {
        auto lone = expect(node::start(how));
        load(lone, told["count"]);
        digest = digest_of(lone);
        std::thread hurries([&lone, &dir] {
            const auto from = now_ns();
            const auto is_whole = [](const auto& each) {
                const auto name = each.path().filename().string();
                return name.starts_with("baton-") && name.ends_with(".spill");
            };
            while (now_ns() - from < 60'000'000'000) {
                const auto files = fs::directory_iterator(dir);
                if (std::any_of(fs::begin(files), fs::end(files), is_whole)) break;
                sleep_for_us(200);
            }
            lone.end_leave_now();
        });
        const auto report = expect(lone.leave({.within = std::chrono::seconds{60}}));
        hurries.join();
        if (report.outcome != leave_outcome::spilled) throw std::runtime_error("not spilled");
        said["write_ns"] = report.took.count();
        said["bytes"] = fs::file_size(report.path.value());
    }
    {
        const auto from = now_ns();
        const auto back = expect(node::start(how));
        while (back.stats()->keys != told["count"] || digest_of(back) != digest) {
            if (now_ns() - from > 60'000'000'000) throw std::runtime_error("not merged within 60 s");
            sleep_for_us(200);
        }
        said["merge_ns"] = now_ns() - from;
        fs::remove_all(dir); // and it does not spill in its turn
        up.tell(said);
    }
}

} // namespace baton::bench
