/*
 * The coordinator as a whole: everything opened in the order that is safe, joined to one loop, and
 * closed in the opposite order on every path.
 */
#ifndef SKEIN_COORDINATOR_DAEMON_H
#define SKEIN_COORDINATOR_DAEMON_H

#include "common/err.h"
#include "coordinator/config.h"

/*
 * Runs until SIGTERM or SIGINT (ERR_NONE), or until something ends it. SIGHUP reads the agents'
 * keys and the API's certificate again. Signals are blocked and the log is set before:
 * loop_block_signals, log_init.
 */
ErrCode daemon_run(const CoordinatorConfig *config, Err *err);

/*
 * What a start would fail at, as far as it can be known without taking anything from a running
 * coordinator: own key, agents' keys, limits, and the places of store and socket.
 */
ErrCode daemon_check(const CoordinatorConfig *config, Err *err);

#endif
