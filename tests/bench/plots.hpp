// Curves of what was measured, and their drawing by gnuplot.
//
// One thread. A plot is known by name in plots.cpp, which says how it looks.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace baton::bench {

struct point {
    double x = 0, y = 0;
    double low = y, high = y; ///< the ends of its bar, where the plot has bars
};

/// The share of samples up to x, for about 500 values of x.
std::vector<point> distribution(std::vector<double> samples);
/// The median at x, with a bar from the smallest to the largest.
point spread(double x, const std::vector<double>& samples);

class plots {
  public:
    /// Adds to the curve of that label, which begins with its first point.
    void add(const std::string& plot, const std::string& label, const point& p);
    /// Writes <plot>.svg, and the <plot>.gp that it was made by, for every plot that has points. Throws when
    /// gnuplot is not installed or fails.
    void write(const std::filesystem::path& folder) const;

  private:
    struct curve {
        std::string plot, label;
        std::vector<point> points;
    };
    std::vector<curve> curves_;
};

} // namespace baton::bench
