/*
 * The client of the coordinator's HTTP API (docs/api.md), over its unix socket or TCP. Blocks.
 */
#ifndef SKEIN_CLI_CLIENT_H
#define SKEIN_CLI_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/command.h"
#include "common/arena.h"
#include "common/err.h"

#define COORDINATOR_DEFAULT "unix:/run/skein/coordinator.sock"

typedef struct Client Client;

/*
 * Of the options: `coordinator`, "unix:PATH" or "http://…" (NULL: SKEIN_COORDINATOR, or else the
 * default); `ca_file` or SKEIN_CA_FILE, for https; `token_file` or SKEIN_TOKEN, which go to http
 * addresses alone (credential.h); and `output`: answers for people hold no control characters
 * (printable.h). ERR_USAGE when the address is none of these. Opens nothing yet.
 */
ErrCode client_new(const Options *options, Client **ret_client, Err *err);
void client_free(Client *client); /* NULL is allowed */
AUTO_PTR_DEFINE(Client, client_free)

/* How long an answer may take from now on, instead of 30 s. */
void client_set_timeout(Client *client, uint32_t timeout_ms);

typedef struct Request {
    const char *method; /* "GET", "POST", "PUT" */
    const char *path;   /* below /api/v1, with its query: "/rollouts?state=open" */
    const json_t *json; /* body; NULL: none, or bytes */
    const void *bytes;  /* octets; NULL: none */
    size_t length;
} Request;

/*
 * Sends it; the caller releases *ret_answer (json_decref). A problem answer of the coordinator
 * becomes an Err with its code, detail and hint. ERR_UNREACHABLE when there is no coordinator
 * there.
 */
ErrCode client_send(Client *client, const Request *request, json_t **ret_answer, Err *err);

ErrCode client_get(Client *client, json_t **ret_answer, Err *err, const char *path_format, ...)
    __attribute__((format(printf, 4, 5)));
ErrCode client_post(Client *client, const json_t *body, json_t **ret_answer, Err *err,
                    const char *path_format, ...) __attribute__((format(printf, 5, 6)));

/* All pages of a list below `path` as one array of items, at most `limit` (0: all). */
ErrCode client_list(Client *client, const char *path, size_t limit, json_t **ret_items, Err *err);

/* The same, all of it; none where the coordinator knows no such list: it is of an older release. */
ErrCode client_list_if_known(Client *client, const char *path, json_t **ret_items, Err *err);

/* `text` percent-encoded for a path or a query, in `arena`. */
const char *client_escape(const char *text, Arena *arena);

#endif
