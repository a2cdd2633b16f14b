/* GET /metrics: what there is to be scraped, as one table, which docs/metrics.md is printed from.
 */
#ifndef SKEIN_COORDINATOR_HTTP_API_METRICS_H
#define SKEIN_COORDINATOR_HTTP_API_METRICS_H

#include "coordinator/http/scrape.h"

/*
 * What a scrape brings beside the fleet as a whole. Each adds as many series as there are agents,
 * servers or targets: only who asks for them has them (`?detail=agents,servers`).
 */
typedef enum MetricDetail {
    DETAIL_FLEET = 0, /* always */
    DETAIL_AGENTS,
    DETAIL_SERVERS,
    DETAIL_TARGETS,
    DETAIL_COUNT_,
} MetricDetail;

const char *metric_detail_name(MetricDetail detail);

typedef struct Family {
    const char *name; /* ends in '*': several, whose heads are written with them */
    FamilyType type;
    MetricDetail detail;
    const char *labels; /* "state": for people */
    const char *help;
    void (*write)(const Scrape *scrape, Exposition *out);
} Family;

extern const Family FAMILIES[];
extern const size_t FAMILY_COUNT;

#endif
