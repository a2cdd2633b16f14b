/*
 * The HTTP server: libmicrohttpd in the coordinator's own loop. Two doors into one API: a unix
 * socket, whose users may do everything, and TCP, where tokens say who may. One thread;
 * handlers run inside the loop's turn.
 */
#ifndef SKEIN_COORDINATOR_HTTP_SERVER_H
#define SKEIN_COORDINATOR_HTTP_SERVER_H

#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "coordinator/config.h"
#include "coordinator/fleet/enrolment.h"
#include "coordinator/fleet/health.h"
#include "coordinator/shell.h"

typedef struct HttpServer HttpServer;

/* Listens; nobody is answered before http_server_serve. Loop and config outlive the server. */
ErrCode http_server_open(Loop *loop, const ApiConfig *config, HttpServer **ret_server, Err *err);

/*
 * Answers from now on, in the loop's turns after the shell's own. Shell and enrolment outlive the
 * server. ERR_STORE: its tokens cannot be read.
 */
ErrCode http_server_serve(HttpServer *server, Shell *shell, const Enrolment *enrolment, Err *err);

/* Where the servers' health stands, which outlives the server. Until then none is known. */
void http_server_show_health(HttpServer *server, const HealthBoard *board);

/* Ends every connection; what waits for events is answered first, as far as its socket takes it. */
void http_server_close(HttpServer *server);

AUTO_PTR_DEFINE(HttpServer, http_server_close)

/*
 * Reads the certificate and its key again; new handshakes are shown it, connections that stand go
 * on. Where they cannot be used the former ones stay (see certificate_read). Without TLS: nothing.
 */
ErrCode http_server_read_certificate(HttpServer *server, bool *ret_is_new, Err *err);

/* There are new events: whoever waits for some is answered in the next turn. */
void http_server_notify(HttpServer *server);

/* The store has this plan anew: what was read of it before is not true any more. */
void http_server_forget_plan(HttpServer *server, const uint8_t hash[PLAN_HASH_BYTES]);

/* Of the TCP door; 0 when there is none. */
uint16_t http_server_port(const HttpServer *server);

#endif
