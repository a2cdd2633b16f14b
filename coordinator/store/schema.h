/*
 * The schema of the SQLite store: one list of steps, each of which takes a file from one version to
 * the next. A released step is never edited; a change is a new step at the end.
 */
#ifndef SKEIN_COORDINATOR_STORE_SCHEMA_H
#define SKEIN_COORDINATOR_STORE_SCHEMA_H

#include <stddef.h>

/* "skn1", in the file's header: what `file` and we know it by */
#define STORE_APPLICATION_ID 0x736b6e31

/* Step i makes version i + 1; PRAGMA user_version holds the version. */
extern const char *const STORE_SCHEMA_STEPS[];
extern const size_t STORE_SCHEMA_VERSION;

#endif
