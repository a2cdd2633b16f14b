/* Which names of databases, or of schemas, are meant: patterns as agent.yaml has them. Pure. */
#ifndef SKEIN_AGENT_EXEC_NAME_FILTER_H
#define SKEIN_AGENT_EXEC_NAME_FILTER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * '*' is any text, '?' any one character, anything else itself. A name is taken when an include
 * pattern matches (none given: all do) and no exclude pattern does. What cannot be an address's
 * name (empty, longer than NAME_MAX_BYTES, not UTF-8) is never taken.
 */
typedef struct NameFilter {
    const char **include;
    size_t include_count;
    const char **exclude;
    size_t exclude_count;
} NameFilter;

bool name_filter_matches(const NameFilter *filter, const char *name);

#endif
