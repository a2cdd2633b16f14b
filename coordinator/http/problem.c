/* The one table from error codes to HTTP. */
#include "coordinator/http/problem.h"

#include "common/cleanup.h"
#include "common/json.h"

static const struct {
    ErrCode code;
    unsigned status;
} STATUSES[] = {
    { ERR_USAGE, 400 },     { ERR_SYNTAX, 400 },           { ERR_LIMIT, 400 },
    { ERR_CONFIG, 400 },    { ERR_PROTOCOL, 400 },         { ERR_UNAUTHENTICATED, 401 },
    { ERR_FORBIDDEN, 403 }, { ERR_NOT_FOUND, 404 },        { ERR_EXISTS, 409 },
    { ERR_REFUSED, 409 },   { ERR_CONFLICT, 409 },         { ERR_IRREVERSIBLE, 409 },
    { ERR_HISTORY, 409 },   { ERR_NEWER_MIGRATIONS, 409 }, { ERR_SIGNATURE, 422 },
    { ERR_CHECKSUM, 422 },  { ERR_EXPIRED, 422 },          { ERR_BUSY, 429 },
    { ERR_STORE, 503 },     { ERR_STORE_TERM, 503 },
};

unsigned problem_status(ErrCode code)
{
    for (size_t i = 0; i < ARRAY_LEN(STATUSES); i++) {
        if (STATUSES[i].code == code) {
            return STATUSES[i].status;
        }
    }
    return 500;
}

/* The table of errors speaks of command lines where they come from there. */
static const char *title_of(ErrCode code)
{
    return code == ERR_USAGE ? "the request is wrong" : err_text(code);
}

void problem_write(unsigned status, const Err *err, Str *out)
{
    JsonOut json = json_out(out);
    json_out_object_begin(&json, NULL);
    json_out_unsigned(&json, "status", status);
    json_out_string(&json, "code", err_name(err->code));
    json_out_string(&json, "title", title_of(err->code));
    json_out_string(&json, "detail", err->message);
    if (err->hint[0] != '\0') {
        json_out_string(&json, "hint", err->hint);
    }
    json_out_object_end(&json);
    str_append_char(out, '\n');
}
