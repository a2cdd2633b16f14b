/* A linear search: there are a dozen bounds. */
#include "common/histogram.h"

void histogram_add_many(Histogram *histogram, const HistogramScale *scale, uint64_t value,
                        uint64_t count)
{
    size_t bucket = 0;
    while (bucket < scale->bound_count && value > scale->bounds[bucket]) {
        bucket++;
    }
    histogram->counts[bucket] += count;
    histogram->sum += value * count;
}

void histogram_add(Histogram *histogram, const HistogramScale *scale, uint64_t value)
{
    histogram_add_many(histogram, scale, value, 1);
}

uint64_t histogram_count_within(const Histogram *histogram, size_t bound)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= bound; i++) {
        count += histogram->counts[i];
    }
    return count;
}
