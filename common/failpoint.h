/*
 * Failpoints: places where a test can make the process die, freeze, fail or dawdle.
 *
 *     FAILPOINT("store.before_commit");
 *     ErrCode code = FAILPOINT_ERROR("store.commit", err);
 *
 * They are nothing at all unless the build has -DSKEIN_FAILPOINTS=ON. Then the environment names
 * which ones act, and at which passing (from 1; without @ at every one):
 *
 *     SKEIN_FAILPOINTS="store.before_commit=kill@3,link.send=delay:200,store.commit=error@1"
 *     SKEIN_FAILPOINTS="file:/run/test/armed"   what the file says, from the moment it is there
 *     SKEIN_FAILPOINTS="list"                   prints all that the program has, and exits
 *
 * kill: kill -9 of the own process. stop: SIGSTOP; stop:MS: and SIGCONT so much later. error:
 * FAILPOINT_ERROR gives an ERR_IO (a plain FAILPOINT ignores it). delay:MS: sleeps. Passings are
 * counted per entry, over all threads.
 *
 * The file is looked at again at every passing, so that a running process can be armed at any
 * moment: replace it as a whole, by rename. Each time one acts, a line "NAME ACTION" goes to the
 * end of the file of that name with ".fired" behind it.
 */
#ifndef SKEIN_COMMON_FAILPOINT_H
#define SKEIN_COMMON_FAILPOINT_H

#include <stdbool.h>

#include "common/err.h"

#define FAILPOINT_VARIABLE "SKEIN_FAILPOINTS"

/* A place in the program. */
typedef struct FailpointSite {
    const char *name;
    bool can_fail;
} FailpointSite;

#ifdef SKEIN_FAILPOINTS

/* All sites of a program lie side by side in a section of their own, so that it can list them. */
#if defined(__clang__) && defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FAILPOINT_PLAIN_ __attribute__((no_sanitize("address"))) /* no gaps between them */
#endif
#endif
#ifndef FAILPOINT_PLAIN_
#define FAILPOINT_PLAIN_
#endif
#define FAILPOINT_SITE_(site, text, can)                                                           \
    static const FailpointSite site __attribute__((used, section("skein_failpoints")))             \
    FAILPOINT_PLAIN_ = { "" text, can }

#define FAILPOINT(label)                                                                           \
    __extension__({                                                                                \
        FAILPOINT_SITE_(failpoint_site_, label, false);                                            \
        failpoint_pass(failpoint_site_.name);                                                      \
    })
#define FAILPOINT_ERROR(label, err)                                                                \
    __extension__({                                                                                \
        FAILPOINT_SITE_(failpoint_site_, label, true);                                             \
        failpoint_pass_error(failpoint_site_.name, (err));                                         \
    })
#else
#define FAILPOINT(label) ((void)0)
#define FAILPOINT_ERROR(label, err) ((void)(err), ERR_NONE)
#endif

/*
 * Call once at the start of main, before threads. ERR_CONFIG: the variable is malformed, or it is
 * set in a build without failpoints, where a test would believe it tests what it does not.
 */
ErrCode failpoint_init(Err *err);

/*
 * As failpoint_init, from `spec` instead of the environment; NULL or "" clears. For tests, in any
 * build.
 */
ErrCode failpoint_set(const char *spec, Err *err);

/* The sites of this program, in no particular order; none in a build without them. */
size_t failpoint_count(void);
const FailpointSite *failpoint_at(size_t index);

/* What the macros call. */
void failpoint_pass(const char *name);
ErrCode failpoint_pass_error(const char *name, Err *err);

#endif
