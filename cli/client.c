/* The coordinator's API over libcurl and jansson. */
#include "cli/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "cli/command.h"
#include "cli/credential.h"
#include "cli/printable.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/str.h"

#define ANSWER_BYTES_MAX (128u * 1024 * 1024)
#define TIMEOUT_DEFAULT_MS 30000
#define CONNECT_TIMEOUT_MS 5000
#define PAGE_MAX 1000

struct Client {
    CURL *curl;
    char *where;           /* as the operator wrote it, for errors */
    char *socket_path;     /* NULL: TCP */
    char *base;            /* "http://localhost" or the operator's URL, without a final slash */
    Secret *authorization; /* a header; NULL: none */
    char *ca_file;         /* NULL: the system's authorities */
    uint32_t timeout_ms;
    bool is_for_people;
};

ErrCode client_new(const Options *options, Client **ret_client, Err *err)
{
    const char *named = option_or_env(options->coordinator, "SKEIN_COORDINATOR");
    const char *where = named == NULL ? COORDINATOR_DEFAULT : named;
    bool is_unix = str_starts_with(where, "unix:");
    if (!is_unix && !str_starts_with(where, "http://") && !str_starts_with(where, "https://")) {
        err_set(err, ERR_USAGE, "'%s' is no address of a coordinator", where);
        return err_hint(err, "--coordinator unix:/run/skein/coordinator.sock, or "
                             "https://skein.example.org:8420");
    }
    AUTO_PTR(Secret) authorization = NULL;
    if (!is_unix && credential_find(options, where, &authorization, err) != ERR_NONE) {
        return err->code;
    }
    Client *client = mem_alloc(sizeof(Client));
    client->curl = curl_easy_init();
    if (client->curl == NULL) {
        abort();
    }
    client->where = mem_strdup(where);
    client->authorization = TAKE(authorization);
    const char *ca_file = option_or_env(options->ca_file, "SKEIN_CA_FILE");
    client->ca_file = ca_file == NULL ? NULL : mem_strdup(ca_file);
    client->timeout_ms = TIMEOUT_DEFAULT_MS;
    client->is_for_people = options->output != OUTPUT_JSON;
    client->socket_path = is_unix ? mem_strdup(where + strlen("unix:")) : NULL;
    client->base = mem_strdup(is_unix ? "http://localhost" : where);
    size_t length = strlen(client->base);
    while (length > 0 && client->base[length - 1] == '/') {
        client->base[--length] = '\0';
    }
    *ret_client = client;
    return ERR_NONE;
}

void client_free(Client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    free(client->where);
    free(client->socket_path);
    free(client->base);
    free(client->ca_file);
    secret_free(client->authorization);
    free(client);
}

void client_set_timeout(Client *client, uint32_t timeout_ms)
{
    client->timeout_ms = timeout_ms;
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *ctx)
{
    Str *answer = ctx;
    size_t length = size * count;
    if (answer->length + length > ANSWER_BYTES_MAX) {
        return 0; /* libcurl ends the transfer */
    }
    str_append_bytes(answer, bytes, length);
    return length;
}

static ErrCode unreachable(const Client *client, CURLcode failed, Err *err)
{
    if (failed == CURLE_OPERATION_TIMEDOUT) {
        err_set(err, ERR_UNREACHABLE, "the coordinator at %s did not answer in time",
                client->where);
        return err_hint(
            err,
            "it may be busy or stopped; `skein rollout list` says what it knows once it is back");
    }
    if (failed == CURLE_PEER_FAILED_VERIFICATION || failed == CURLE_SSL_CACERT_BADFILE) {
        err_set(err, ERR_FORBIDDEN, "%s cannot show that it is who it says: %s", client->where,
                curl_easy_strerror(failed));
        return err_hint(err,
                        "--ca-file (or SKEIN_CA_FILE) names the certificate of the authority "
                        "that signed the coordinator's; the address must be one that it is for");
    }
    long reason = 0; /* errno of the connecting; libcurl's own words for it are all the same */
    curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &reason);
    bool is_connecting = failed == CURLE_COULDNT_CONNECT && reason != 0;
    if (is_connecting && (reason == EACCES || reason == EPERM)) {
        err_set(err, ERR_FORBIDDEN, "%s may not be used: %s", client->where, strerror((int)reason));
        return err_hint(err,
                        "who may is the group of the socket, skein by default: join it and log in "
                        "again");
    }
    err_set(err, ERR_UNREACHABLE, "no coordinator answers at %s: %s", client->where,
            is_connecting ? strerror((int)reason) : curl_easy_strerror(failed));
    return err_hint(err, "is it running? --coordinator or SKEIN_COORDINATOR says where it is");
}

/* application/problem+json, or whatever came instead. */
static ErrCode problem(long status, const char *text, Err *err)
{
    AUTO_PTR(JsonDocument) body = json_loads(text, 0, NULL);
    const char *detail = json_string_value(json_object_get(body, "detail"));
    const char *hint = json_string_value(json_object_get(body, "hint"));
    const char *name = json_string_value(json_object_get(body, "code"));
    ErrCode code = ERR_PROTOCOL;
    if (name == NULL || !err_from_name(name, &code)) {
        code = status >= 500 ? ERR_UNREACHABLE : ERR_PROTOCOL;
    }
    if (detail == NULL) {
        err_set(err, code, "the coordinator answered with status %ld and no reason", status);
    } else {
        err_set(err, code, "%s", detail);
    }
    return hint == NULL ? code : err_hint(err, "%s", hint);
}

typedef struct Body {
    const void *bytes; /* NULL: none */
    size_t length;
    const char *type;
} Body;

/* What a request carries; `text` holds it when it is JSON. Whatever is no GET
 * carries at least {}. */
static Body body_of(const Request *request, Str *text)
{
    if (request->bytes != NULL) {
        return (Body){ request->bytes, request->length, "Content-Type: application/octet-stream" };
    }
    if (str_equal(request->method, "GET")) {
        return (Body){ .type = "Accept: application/json" };
    }
    char *json = request->json == NULL ? NULL : json_dumps(request->json, JSON_COMPACT);
    str_append(text, json == NULL ? "{}" : json);
    free(json);
    return (Body){ text->data, text->length, "Content-Type: application/json" };
}

static void set_up(Client *client, const Request *request, const char *url, const Body *body,
                   struct curl_slist *headers, Str *answer)
{
    CURL *curl = client->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)client->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (client->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
    }
    if (client->socket_path != NULL) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    }
    if (!str_starts_with(url, "https://")) {
        curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* it would read the token */
    }
    if (body->bytes != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->bytes);
    }
}

ErrCode client_send(Client *client, const Request *request, json_t **ret_answer, Err *err)
{
    AUTO(Str) url = { 0 };
    AUTO(Str) text = { 0 };
    AUTO(Str) answer = { 0 };
    long status = 0;
    str_printf(&url, "%s/api/v1%s", client->base, request->path);
    Body body = body_of(request, &text);
    /* "Expect:" keeps libcurl from waiting for a 100 before it sends a plan. */
    struct curl_slist *headers = curl_slist_append(curl_slist_append(NULL, "Expect:"), body.type);
    if (client->authorization != NULL) {
        headers = curl_slist_append(headers, secret_reveal(client->authorization));
    }
    set_up(client, request, str_text(&url), &body, headers, &answer);
    CURLcode failed = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    if (failed != CURLE_OK) {
        return unreachable(client, failed, err);
    }
    if (status < 200 || status >= 300) {
        return problem(status, str_text(&answer), err);
    }
    json_t *value = json_loadb(str_text(&answer), answer.length, JSON_DECODE_ANY, NULL);
    if (value == NULL) {
        return err_set(err, ERR_PROTOCOL, "the answer of %s is no JSON: is that a coordinator?",
                       client->where);
    }
    if (client->is_for_people) {
        printable_make_json(value);
    }
    *ret_answer = value;
    return ERR_NONE;
}

__attribute__((format(printf, 2, 0))) static const char *path_of(Arena *arena, const char *format,
                                                                 va_list args)
{
    char *path = NULL;
    if (vasprintf(&path, format, args) < 0) {
        abort();
    }
    const char *copy = arena_strdup(arena, path);
    free(path);
    return copy;
}

ErrCode client_get(Client *client, json_t **ret_answer, Err *err, const char *path_format, ...)
{
    AUTO(Arena) arena = { 0 };
    va_list args;
    va_start(args, path_format);
    const char *path = path_of(&arena, path_format, args);
    va_end(args);
    return client_send(client, &(Request){ .method = "GET", .path = path }, ret_answer, err);
}

ErrCode client_post(Client *client, const json_t *body, json_t **ret_answer, Err *err,
                    const char *path_format, ...)
{
    AUTO(Arena) arena = { 0 };
    va_list args;
    va_start(args, path_format);
    const char *path = path_of(&arena, path_format, args);
    va_end(args);
    return client_send(client, &(Request){ .method = "POST", .path = path, .json = body },
                       ret_answer, err);
}

/* One page of a list; `cursor` NULL: the first. */
static ErrCode get_page(Client *client, const char *path, size_t size, const char *cursor,
                        json_t **ret_page, Err *err)
{
    const char *joint = strchr(path, '?') == NULL ? "?" : "&";
    if (cursor == NULL) {
        return client_get(client, ret_page, err, "%s%slimit=%zu", path, joint, size);
    }
    return client_get(client, ret_page, err, "%s%slimit=%zu&after=%s", path, joint, size, cursor);
}

ErrCode client_list(Client *client, const char *path, size_t limit, json_t **ret_items, Err *err)
{
    AUTO(Arena) arena = { 0 };
    AUTO_PTR(JsonDocument) items = json_array();
    const char *cursor = NULL;
    do {
        AUTO_PTR(JsonDocument) page = NULL;
        size_t wanted = limit == 0 ? PAGE_MAX : limit - json_array_size(items);
        ErrCode code =
            get_page(client, path, wanted < PAGE_MAX ? wanted : PAGE_MAX, cursor, &page, err);
        if (code != ERR_NONE) {
            return code;
        }
        const json_t *found = json_object_get(page, "items");
        /* A page of nothing that promises more would have us ask for ever. */
        const char *next =
            json_array_size(found) == 0 ? NULL : json_string_value(json_object_get(page, "next"));
        json_array_extend(items, (json_t *)found);
        cursor = next == NULL ? NULL : client_escape(next, &arena);
    } while (cursor != NULL && (limit == 0 || json_array_size(items) < limit));
    *ret_items = TAKE(items);
    return ERR_NONE;
}

ErrCode client_list_if_known(Client *client, const char *path, json_t **ret_items, Err *err)
{
    ErrCode code = client_list(client, path, 0, ret_items, err);
    if (code == ERR_NOT_FOUND) {
        *err = (Err){ 0 };
        *ret_items = json_array();
        code = ERR_NONE;
    }
    return code;
}

const char *client_escape(const char *text, Arena *arena)
{
    char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
    if (escaped == NULL) {
        abort();
    }
    const char *copy = arena_strdup(arena, escaped);
    curl_free(escaped);
    return copy;
}
