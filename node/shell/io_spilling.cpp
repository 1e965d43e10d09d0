// Between the mesh and the files of options::spill_dir: pieces of found ones as the mesh asks for them, and
// the writing of one when nobody takes over. All on the I/O thread, a piece a round, so that the sockets go
// on being served.
#include "shell/io_thread.hpp"

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
// A disk is taken to be no faster than this, and to need this long beside.
constexpr std::size_t write_bytes_a_second = std::size_t{32} << 20;
constexpr std::chrono::nanoseconds write_beside = 100ms;
constexpr std::chrono::nanoseconds write_for = 5ms; // in one round
} // namespace

void io_thread::act(const core::read_spill& a) {
    spills_asked_.push_back(a); // answered by a later input: this may be within one
    spills_due_ = true;
}
void io_thread::act(const core::drop_spill& a) {
    log(log_level::info, "event=spill_dropped reason=\"others hold it\" path=" + shelf_->path(a.file));
    shelf_->remove(a.file);
}
void io_thread::act(const core::keep_spill_aside& a) {
    shelf_->keep_aside(a.file);
    log(log_level::warning, "event=spill_damaged path=" + shelf_->path(a.file) +
                                " reason=\"what is readable and nobody has seen returns as new writes\"");
}

// One chunk is looked at, or read for the mesh.
void io_thread::tend_spills() {
    if (!shelf_) return;
    spills_due_ = false;
    if (!spills_asked_.empty()) {
        const auto asked = spills_asked_.front();
        if (const auto chunk = shelf_->read(asked.file, asked.from_start)) {
            spills_asked_.pop_front();
            give(core::spill_read{asked.file, *chunk}, {});
        } else {
            spills_asked_.front().from_start = false;
        }
    } else if (shelf_->is_looking()) {
        if (const auto found = shelf_->look()) {
            log(log_level::info, "event=spill_found path=" + found->name +
                                     (!found->ours   ? " state=foreign"
                                      : found->whole ? " state=whole"
                                                     : " state=damaged"));
            if (found->ours)
                give(core::spill_found{found->file, found->whole, found->clock, found->commit}, {});
        }
    }
    if (!shelf_->is_looking() && !spills_listed_) {
        spills_listed_ = true;
        give(core::spills_listed{}, {});
    }
    spills_due_ = !spills_asked_.empty() || shelf_->is_looking();
}

mesh_clock::duration io_thread::time_to_spill() const {
    const auto bytes = with([](core::mesh& mesh) { return mesh.state().bytes_in_use(); });
    return write_beside + std::chrono::milliseconds{bytes * 1000 / write_bytes_a_second};
}

// A few milliseconds of writing; false when there is no more to write, and spilled_ says what became of it.
bool io_thread::spill_some(const moment& at) {
    const auto fail = [this](const error& why) {
        log(log_level::error, "event=spill_failed reason=\"" + why.what + '"');
        spilling_.reset();
        spilled_.emplace();
        spills_due_ = false;
        return false;
    };
    if (!spilling_) {
        auto head = with([&](core::mesh& mesh) {
            return wire::spill_head{
                .cluster = settings_.cluster, .id = mesh.settings().self, .clock = mesh.clock()};
        });
        auto opened = spill_writer_file::open(settings_.spill_dir, std::move(head));
        if (!opened) return fail(opened.error());
        spilling_.emplace(*std::move(opened));
    }
    std::string frame;
    for (bool more = true; now().now - at.now < write_for;) {
        {
            const std::lock_guard lock(mutex_);
            more = mesh_.spill(at, frame);
        }
        if (!frame.empty()) {
            if (const auto good = spilling_->add(frame); !good) return fail(good.error());
        }
        if (more) {
            give_way();
            continue;
        }
        auto path = spilling_->finish();
        spilling_.reset();
        if (!path) return fail(path.error());
        spilled_ = *path;
        spills_due_ = false;
        {
            const std::lock_guard lock(mutex_);
            mesh_.spill_kept(at, out_);
            publish(out_);
        }
        perform();
        return false;
    }
    spills_due_ = true;
    return true;
}

void io_thread::stop_spilling(bool keep) {
    if (!spilling_) return;
    spilling_->abandon(keep);
    spilling_.reset();
    spills_due_ = false;
    if (keep) log(log_level::error, "event=spill_failed reason=\"the deadline came first\"");
}

} // namespace baton::shell
