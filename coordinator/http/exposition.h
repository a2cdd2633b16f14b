/*
 * Prometheus' text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): families of samples with labels.
 */
#ifndef SKEIN_COORDINATOR_HTTP_EXPOSITION_H
#define SKEIN_COORDINATOR_HTTP_EXPOSITION_H

#include "common/histogram.h"
#include "common/str.h"

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef enum FamilyType {
    FAMILY_GAUGE = 0,
    FAMILY_COUNTER,
    FAMILY_HISTOGRAM,
} FamilyType;

const char *family_type_name(FamilyType type);

typedef struct MetricLabel {
    const char *name; /* NULL: the end of a list */
    const char *value;
} MetricLabel;

/* A list of labels, in place. */
#define LABELS(...) ((const MetricLabel[]){ __VA_ARGS__, { NULL, NULL } })
#define NO_LABELS ((const MetricLabel[]){ { NULL, NULL } })

/* What is being written. */
typedef struct Exposition {
    Str *out;
    const char *family; /* under whose head samples stand now */
} Exposition;

/* The head: samples of this family follow, and of no other until the next head. */
void exposition_begin(Exposition *exposition, const char *family, FamilyType type,
                      const char *help);

/* `value` with so many decimals: 12345 with 3 is 12.345. */
void exposition_sample(Exposition *exposition, const MetricLabel *labels, uint64_t value,
                       unsigned decimals);

void exposition_histogram(Exposition *exposition, const MetricLabel *labels,
                          const Histogram *histogram, const HistogramScale *scale);

#endif
