/* The places on this machine that the configuration names: for --check, before anything is made
 * there. */
#ifndef SKEIN_COORDINATOR_PLACES_H
#define SKEIN_COORDINATOR_PLACES_H

#include "common/err.h"
#include "coordinator/config.h"

/*
 * Can the store and the API's socket be made by the user who asks, and is the socket's group there?
 * ERR_CONFIG with the first thing that is wrong. Opens and makes nothing.
 */
ErrCode places_check(const CoordinatorConfig *config, Err *err);

#endif
