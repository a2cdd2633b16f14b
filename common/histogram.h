/*
 * Counts of what was measured, by size: cumulative buckets as Prometheus reads them. Whole numbers
 * of a small unit, so that sums are exact.
 */
#ifndef SKEIN_COMMON_HISTOGRAM_H
#define SKEIN_COMMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS_MAX 16

/* What is the same for all histograms of a kind. */
typedef struct HistogramScale {
    uint64_t bounds[HISTOGRAM_BOUNDS_MAX]; /* rising; a value that equals one is within it */
    size_t bound_count;
    unsigned decimals; /* of the unit that is shown: 3 for milliseconds that are shown as seconds */
} HistogramScale;

/* Zero-initialised is empty and valid. */
typedef struct Histogram {
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* by bucket, not cumulative; the last is beyond all
                                                  bounds */
    uint64_t sum;
} Histogram;

void histogram_add(Histogram *histogram, const HistogramScale *scale, uint64_t value);

/* `count` values alike. */
void histogram_add_many(Histogram *histogram, const HistogramScale *scale, uint64_t value,
                        uint64_t count);

/* Of values up to the bound of this index; of all with `bound_count`. */
uint64_t histogram_count_within(const Histogram *histogram, size_t bound);

#endif
