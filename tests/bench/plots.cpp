// How the plots look, and gnuplot scripts with their data inside.
#include "plots.hpp"

#include "measure.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace baton::bench {

namespace {

/// What a plot has beside the common settings.
struct look {
    const char *name, *title, *x, *y;
    const char* settings;
    const char* with;   ///< style of every curve
    bool marks;         ///< that style has marks at its points
    const char* beside; ///< a last curve that was not measured; may be empty
};

constexpr const char* shares =
    "set logscale x\nset xrange [5:1000]\nset xtics (5,7,10,15,20,30,50,70,100,150,200,300,500,700,1000)\n"
    "set yrange [0:101]\nset ytics (0,25,50,75,90,100)\nset key bottom right\n";

const std::vector<look> looks{
    {"visible_back_to_back", "From a put in one process until it is readable in another: back to back",
     "time (µs)", "share of puts (%)", shares, "using 1:(100*$2) with lines", false, ""},
    {"visible_1ms", "From a put in one process until it is readable in another: one a millisecond",
     "time (µs)", "share of puts (%)", shares, "using 1:(100*$2) with lines", false, ""},
    {"newcomer", "A newcomer, until it holds everything (median, least and most)", "keys", "time (ms)",
     "set logscale xy\nset format x '10^{%T}'\nset xrange [6e3:1.7e6]\nset key top left\n",
     "using 1:2:3:4 with yerrorlines", true, ""},
    {"repair", "Repair of lost events among n keys, by the origins in the cut", "events lost",
     "bytes both ways beyond keys and values (B)",
     "set logscale xy\nset format xy '10^{%T}'\nset xrange [0.7:1.5e4]\nset yrange [50:2e5]\n"
     "set key top left\n",
     "with linespoints", true, "8*x lc rgb '#888888' dt 2 title '8 B an event'"},
};

/// The same colour for the same system in every plot; by the beginning of its label.
constexpr struct {
    const char *label, *line, *marks;
} colours[]{
    {"baton", "lc rgb '#0060ad' lw 2.5", "pt 7 ps 0.8"},
    {"libzmq", "lc rgb '#dd8800' lw 1.5", "pt 5 ps 0.8"},
    {"Redis", "lc rgb '#b03060' lw 1.5", "pt 9 ps 0.9"},
    {"n = 10^4, 2 ", "lc rgb '#0060ad' lw 1.5", "pt 6 ps 1.5"},
    {"n = 10^6, 2 ", "lc rgb '#0060ad' lw 1.5", "pt 7 ps 0.7"},
    {"n = 10^4, 11 ", "lc rgb '#dd8800' lw 1.5", "pt 4 ps 1.5"},
    {"n = 10^6, 11 ", "lc rgb '#dd8800' lw 1.5", "pt 5 ps 0.7"},
};

constexpr const char* common =
    "set terminal svg size 720,440 enhanced background 'white' font 'sans-serif,13'\n"
    "set encoding utf8\nset border 3\nset tics nomirror out\nset key Left reverse samplen 2 spacing 1.2\n"
    "set grid lt 1 lc rgb '#e4e4e4' lw 1\n";

std::string style_of(const look& plot, const std::string& label) {
    for (const auto& c : colours) {
        if (label.starts_with(c.label))
            return std::string{plot.with} + ' ' + c.line + (plot.marks ? ' ' + std::string{c.marks} : "");
    }
    return plot.with;
}

} // namespace

std::vector<point> distribution(std::vector<double> samples) {
    constexpr std::size_t steps = 500;
    std::sort(samples.begin(), samples.end());
    std::vector<point> points;
    for (std::size_t i = 0; i <= steps; ++i) {
        const auto rank = i * (samples.size() - 1) / steps;
        points.push_back({samples[rank], static_cast<double>(i) / steps});
    }
    return points;
}

point spread(double x, const std::vector<double>& samples) {
    const auto [low, high] = std::minmax_element(samples.begin(), samples.end());
    return {x, median(samples), *low, *high};
}

void plots::add(const std::string& plot, const std::string& label, const point& p) {
    auto at = std::find_if(curves_.begin(), curves_.end(),
                           [&](const curve& c) { return c.plot == plot && c.label == label; });
    if (at == curves_.end()) at = curves_.insert(at, {plot, label, {}});
    at->points.push_back(p);
}

void plots::write(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    for (const auto& plot : looks) {
        std::ostringstream data, curves;
        for (const auto& c : curves_) {
            if (c.plot != plot.name) continue;
            const auto block = "$curve" + std::to_string(data.tellp());
            data << block << " << end\n";
            for (const auto& p : c.points) data << p.x << ' ' << p.y << ' ' << p.low << ' ' << p.high << '\n';
            data << "end\n";
            curves << block << ' ' << style_of(plot, c.label) << " title '" << c.label << "', ";
        }
        if (data.tellp() == 0) continue;
        const auto script = std::string{plot.name} + ".gp";
        std::ofstream out{folder / script};
        out << common << plot.settings << "set output '" << plot.name << ".svg'\nset title '" << plot.title
            << "'\nset xlabel '" << plot.x << "'\nset ylabel '" << plot.y << "'\n"
            << data.str() << "plot " << curves.str() << plot.beside << '\n';
        if (!out.flush()) throw std::runtime_error("cannot write " + (folder / script).string());
        out.close();
        if (std::system(("cd '" + folder.string() + "' && gnuplot " + script).c_str()) != 0)
            throw std::runtime_error("gnuplot is not installed or cannot draw " + script);
    }
}

} // namespace baton::bench
