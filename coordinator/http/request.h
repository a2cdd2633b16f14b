/*
 * One HTTP request, from its head to its answer: what is refused before its body is read, its body
 * within bounds, its handler, the answer with its headers. Knows libmicrohttpd's connection, and
 * nothing of doors, loops and waiting.
 */
#ifndef SKEIN_COORDINATOR_HTTP_REQUEST_H
#define SKEIN_COORDINATOR_HTTP_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coordinator/fleet/enrolment.h"
#include "coordinator/fleet/health.h"
#include "coordinator/http/audited.h"
#include "coordinator/http/authority.h"
#include "coordinator/http/plan_facts.h"
#include "coordinator/shell.h"

typedef struct HttpRequest HttpRequest;

/* How a request that goes on for ever waits: asked while it is answered. */
typedef struct RequestWait {
    void *ctx;
    void (*rest)(void *ctx, uint32_t ms); /* until there are events, at the latest after this */
    bool (*is_over)(void *ctx);           /* the door closes, or has too many that wait */
} RequestWait;

/* Where it came in. Everything outlives the request. */
typedef struct RequestPlace {
    Shell *shell;
    const Enrolment *enrolment;
    const HealthBoard *health;
    PlanFactsCache *facts;
    Throttle *refusals;      /* that have a row each */
    const char *socket_path; /* where everything may be asked */
    Throttle *requests;      /* over TCP */
    Throttle *failures;      /* wrong tokens */
    Tokens *tokens;
    bool is_tcp;        /* there tokens say who asks */
    GuardNames names;   /* under which it may be asked there */
    unsigned anonymous; /* roles of whoever asks over TCP without one */
    size_t *held_bytes; /* of bodies and answers of all requests of this door */
} RequestPlace;

HttpRequest *request_new(struct MHD_Connection *connection, const RequestPlace *place,
                         const RequestWait *wait);
void request_free(HttpRequest *request); /* NULL is allowed */

/*
 * For libmicrohttpd: decodes %XX in a path, or in a parameter's name or value, in place. %00 stays
 * as it is written: whoever read the text up to it would answer something that was not asked.
 */
size_t request_unescape(void *ctx, struct MHD_Connection *connection, char *text);

/* All of these return what libmicrohttpd's callback is to return: MHD_NO ends the connection. */

/* The head has come: what is wrong with it is answered at once. */
enum MHD_Result request_begin(HttpRequest *request, const char *method, const char *path);

/* Not answered yet, and whatever body may come is of no use, as that of a GET. */
bool request_wants_no_body(const HttpRequest *request);

/*
 * A piece of the body. Beyond its bounds it is dropped, and much of that ends the connection; so it
 * is where all requests of the door together hold too much.
 */
enum MHD_Result request_take_body(HttpRequest *request, const char *data, size_t length);

/*
 * The body is whole: asks the handler and answers; may be called again when there are news.
 * *ret_hold_ms not 0: no answer yet, and for how long at the latest. Never so with `is_late`.
 */
enum MHD_Result request_run(HttpRequest *request, bool is_late, uint32_t *ret_hold_ms);

#endif
