/* The coordinator's API over libcurl and jansson. */
#include "cli/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "common/cleanup.h"
#include "common/str.h"

#define ANSWER_BYTES_MAX (128u * 1024 * 1024)
#define TIMEOUT_DEFAULT_MS 30000
#define CONNECT_TIMEOUT_MS 5000
#define PAGE_MAX 1000

struct Client {
    CURL *curl;
    char *where;       /* as the operator wrote it, for errors */
    char *socket_path; /* NULL: TCP */
    char *base;        /* "http://localhost" or the operator's URL, without a final slash */
};

ErrCode client_new(const char *where, Client **ret_client, Err *err)
{
    if (where == NULL) {
        where = COORDINATOR_DEFAULT;
    }
    bool is_unix = str_starts_with(where, "unix:");
    if (!is_unix && !str_starts_with(where, "http://") && !str_starts_with(where, "https://")) {
        err_set(err, ERR_USAGE, "'%s' is no address of a coordinator", where);
        return err_hint(err, "--coordinator unix:/run/skein/coordinator.sock, or http://127.0.0.1:8420 to look only");
    }
    Client *client = mem_alloc(sizeof(Client));
    client->curl = curl_easy_init();
    if (client->curl == NULL) {
        abort();
    }
    client->where = mem_strdup(where);
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
    curl_easy_cleanup(client->curl);
    free(client->where);
    free(client->socket_path);
    free(client->base);
    free(client);
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
        err_set(err, ERR_UNREACHABLE, "the coordinator at %s did not answer in time", client->where);
        return err_hint(err, "it may be busy or stopped; `skein rollout list` says what it knows once it is back");
    }
    err_set(err, ERR_UNREACHABLE, "no coordinator answers at %s: %s", client->where, curl_easy_strerror(failed));
    return err_hint(err, "is it running? --coordinator or SKEIN_COORDINATOR says where it is; its socket "
                         "belongs to the group skein");
}

/* application/problem+json, or whatever came instead. */
static ErrCode problem(long status, const char *text, Err *err)
{
    json_t *body = json_loads(text, 0, NULL);
    const char *detail = json_string_value(json_object_get(body, "detail"));
    const char *hint = json_string_value(json_object_get(body, "hint"));
    const char *name = json_string_value(json_object_get(body, "code"));
    ErrCode code = ERR_PROTOCOL;
    if (name == NULL || !err_from_name(name, &code)) {
        code = status >= 500 ? ERR_UNREACHABLE : ERR_PROTOCOL;
    }
    err_set(err, code, "%s", detail != NULL ? detail : "the coordinator gave no reason");
    if (detail == NULL) {
        err_set(err, code, "the coordinator answered with status %ld and no reason", status);
    }
    if (hint != NULL) {
        err_hint(err, "%s", hint);
    }
    json_decref(body);
    return code;
}

static void set_up(Client *client, const Request *request, const char *url, const char *body,
                   size_t length, Str *answer, struct curl_slist *headers)
{
    CURL *curl = client->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                     (long)(request->timeout_ms == 0 ? TIMEOUT_DEFAULT_MS : request->timeout_ms));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (client->socket_path != NULL) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
}

static struct curl_slist *headers_for(const Request *request)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    if (request->bytes != NULL) {
        return curl_slist_append(headers, "Content-Type: application/octet-stream");
    }
    return curl_slist_append(headers, "Content-Type: application/json");
}

ErrCode client_send(Client *client, const Request *request, json_t **ret_answer, Err *err)
{
    AUTO(Str) url = { 0 };
    AUTO(Str) answer = { 0 };
    str_printf(&url, "%s/api/v1%s", client->base, request->path);
    char *text = request->json == NULL ? NULL : json_dumps(request->json, JSON_COMPACT);
    const char *body = text != NULL ? text : request->bytes;
    bool wants_body = strcmp(request->method, "GET") != 0;
    if (body == NULL && wants_body) {
        body = "{}";
    }
    size_t length = request->bytes != NULL ? request->length : body == NULL ? 0 : strlen(body);
    struct curl_slist *headers = headers_for(request);
    set_up(client, request, str_text(&url), body, length, &answer, headers);
    CURLcode failed = curl_easy_perform(client->curl);
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    free(text);
    if (failed != CURLE_OK) {
        return unreachable(client, failed, err);
    }
    if (status >= 400 || status < 200) {
        return problem(status, str_text(&answer), err);
    }
    json_t *value = json_loadb(str_text(&answer), answer.length, JSON_DECODE_ANY, NULL);
    if (value == NULL) {
        return err_set(err, ERR_PROTOCOL, "the coordinator's answer is no JSON");
    }
    *ret_answer = value;
    return ERR_NONE;
}

ErrCode client_get(Client *client, json_t **ret_answer, Err *err, const char *path_format, ...)
{
    char *path = NULL;
    va_list args;
    va_start(args, path_format);
    if (vasprintf(&path, path_format, args) < 0) {
        abort();
    }
    va_end(args);
    ErrCode code = client_send(client, &(Request){ .method = "GET", .path = path }, ret_answer, err);
    free(path);
    return code;
}

ErrCode client_post(Client *client, const json_t *body, json_t **ret_answer, Err *err,
                    const char *path_format, ...)
{
    char *path = NULL;
    va_list args;
    va_start(args, path_format);
    if (vasprintf(&path, path_format, args) < 0) {
        abort();
    }
    va_end(args);
    Request request = { .method = "POST", .path = path, .json = body };
    ErrCode code = client_send(client, &request, ret_answer, err);
    free(path);
    return code;
}

ErrCode client_list(Client *client, const char *path, size_t limit, json_t **ret_items, Err *err)
{
    AUTO(Arena) arena = { 0 };
    json_t *items = json_array();
    const char *cursor = NULL;
    do {
        const char *page_path = arena_printf(&arena, "%s%climit=%d%s%s", path,
                                             strchr(path, '?') == NULL ? '?' : '&', PAGE_MAX,
                                             cursor == NULL ? "" : "&after=", cursor == NULL ? "" : cursor);
        json_t *page = NULL;
        ErrCode code = client_send(client, &(Request){ .method = "GET", .path = page_path }, &page, err);
        if (code != ERR_NONE) {
            json_decref(items);
            return code;
        }
        json_array_extend(items, json_object_get(page, "items"));
        const char *next = json_string_value(json_object_get(page, "next"));
        cursor = next == NULL ? NULL : client_escape(next, &arena);
        json_decref(page);
    } while (cursor != NULL && (limit == 0 || json_array_size(items) < limit));
    while (limit > 0 && json_array_size(items) > limit) {
        json_array_remove(items, json_array_size(items) - 1);
    }
    *ret_items = items;
    return ERR_NONE;
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
