/* skein audit …: who ordered what, and whether the log of it is whole. */
#include <limits.h>
#include <stdio.h>

#include "cli/audit_chain.h"
#include "cli/audit_filter.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "common/clock.h"
#include "common/json.h"
#include "proto/audit_words.h"

#define PAGE_ROWS 1000
#define HASH_SHOWN 12

/* Takes over nothing: the row lives until it returns. *ret_is_enough: it wants no more of them. */
typedef ErrCode (*RowHandler)(void *ctx, json_t *row, bool *ret_is_enough, Err *err);

static ErrCode each_of(const json_t *items, RowHandler handler, void *ctx, bool *ret_is_enough,
                       Err *err)
{
    ErrCode code = ERR_NONE;
    for (size_t i = 0; code == ERR_NONE && !*ret_is_enough && i < json_array_size(items); i++) {
        code = handler(ctx, json_array_get(items, i), ret_is_enough, err);
    }
    return code;
}

/* The rows behind number `after`, page by page, until the handler has enough. */
static ErrCode each_row(Client *client, uint64_t after, uint32_t page_rows, RowHandler handler,
                        void *ctx, Err *err)
{
    AUTO(Str) cursor = { 0 };
    str_printf(&cursor, "%llu", (unsigned long long)after);
    while (cursor.length > 0) {
        AUTO_PTR(JsonDocument) page = NULL;
        bool is_enough = false;
        ErrCode code = client_get(client, &page, err, "/audit?limit=%u&after=%s", page_rows,
                                  str_text(&cursor));
        const json_t *items = json_object_get(page, "items");
        if (code == ERR_NONE) {
            code = each_of(items, handler, ctx, &is_enough, err);
        }
        if (code != ERR_NONE) {
            return code;
        }
        str_clear(&cursor);
        if (json_array_size(items) > 0 && !is_enough) {
            str_append(&cursor, get_text(page, "next"));
        }
    }
    return ERR_NONE;
}

/* ---- list ---- */

typedef struct Gathering {
    AuditFilter filter;
    uint32_t limit; /* 0: none */
    json_t *rows;
} Gathering;

static ErrCode gather(void *ctx, json_t *row, bool *ret_is_enough, Err *err)
{
    (void)err;
    Gathering *gathering = ctx;
    if (audit_filter_takes(&gathering->filter, row)) {
        json_array_append(gathering->rows, row);
    }
    *ret_is_enough = gathering->limit != 0 && json_array_size(gathering->rows) >= gathering->limit;
    return ERR_NONE;
}

/* What it was done to: a rollout, a plan or an agent. */
static const char *object_of(const json_t *row)
{
    static const char *const KEYS[] = { "rollout", "agent", "plan" };
    const char *object = "";
    for (size_t i = 0; i < ARRAY_LEN(KEYS) && object[0] == '\0'; i++) {
        object = get_text(row, KEYS[i]);
    }
    return object;
}

static void write_remark(const json_t *row, Str *out)
{
    static const char *const KEYS[] = { "wave", "detail", "reason" };
    long long targets = get_number(row, "targets_total");
    long long dropped = get_number(row, "dropped");
    const char *comma = "";
    if (targets > 0) {
        str_append_count(out, (uint64_t)targets, "target", "targets");
        comma = ", ";
    }
    for (size_t i = 0; i < ARRAY_LEN(KEYS); i++) {
        const char *text = get_text(row, KEYS[i]);
        if (text[0] != '\0') {
            str_printf(out, "%s%s", comma, text);
            comma = ", ";
        }
    }
    if (dropped > 0) {
        str_printf(out, "%s%lld refused before it without a row", comma, dropped);
    }
}

/* As a command would have it: a plan's hash is cut, what is typed is whole. */
static void write_order(const json_t *row, Str *out)
{
    const char *object = object_of(row);
    audit_words(get_text(row, "action"), out);
    if (object[0] != '\0') {
        str_printf(out, " %.*s", get_text(row, "plan") == object ? HASH_SHOWN : INT_MAX, object);
    }
}

static void print_rows(const json_t *rows)
{
    AUTO_PTR(Table)
    table =
        table_new(7, (const char *const[]){ "row", "time", "who", "from", "what", "outcome", "" });
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *code = get_text(row, "code");
        AUTO(Str) order = { 0 };
        AUTO(Str) remark = { 0 };
        write_order(row, &order);
        write_remark(row, &remark);
        table_cellf(table, COLOUR_BOLD, "%lld", get_number(row, "seq"));
        table_cell(table, COLOUR_NONE, get_text(row, "time"));
        table_cell(table, COLOUR_NONE, get_text(row, "actor"));
        table_cell(table, COLOUR_NONE, get_text(row, "origin"));
        table_cell(table, COLOUR_NONE, str_text(&order));
        table_cell(table, code[0] == '\0' ? COLOUR_GOOD : COLOUR_BAD,
                   code[0] == '\0' ? "done" : code);
        table_cell(table, COLOUR_NONE, str_text(&remark));
    }
    table_print(table, &text);
    output_text(&text);
}

ErrCode cmd_audit_list(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    const Options *options = &invocation->options;
    AUTO_PTR(Client) client = NULL;
    AUTO_PTR(JsonDocument) rows = json_array();
    Gathering gathering = { .limit = options->limit, .rows = rows };
    uint32_t page_rows =
        options->limit != 0 && options->limit < PAGE_ROWS ? options->limit : PAGE_ROWS;
    ErrCode code = audit_filter_read(options, clock_wall_ms(), &gathering.filter, err);
    if (code == ERR_NONE) {
        code = client_new(options, &client, err);
    }
    if (code == ERR_NONE) {
        code = each_row(client, options->after, page_rows, gather, &gathering, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    if (options->output == OUTPUT_JSON) {
        output_json(rows);
    } else {
        print_rows(rows);
    }
    return ERR_NONE;
}

/* ---- verify ---- */

static ErrCode add_to_chain(void *ctx, json_t *row, bool *ret_is_enough, Err *err)
{
    (void)ret_is_enough;
    return audit_chain_add(ctx, row, err);
}

static ErrCode read_chain(const Options *options, AuditChain *chain, Err *err)
{
    Options exact = *options;
    AUTO_PTR(Client) client = NULL;
    exact.output = OUTPUT_JSON; /* made printable, a row would have another hash */
    ErrCode code = client_new(&exact, &client, err);
    if (code == ERR_NONE && options->anchor != NULL) {
        code = audit_anchor_parse(options->anchor, &chain->anchor, err);
    }
    if (code == ERR_NONE) {
        code = each_row(client, 0, PAGE_ROWS, add_to_chain, chain, err);
    }
    return code == ERR_NONE ? audit_chain_end(chain, err) : code;
}

static void print_chain(const AuditChain *chain, OutputKind output)
{
    char anchor[AUDIT_ANCHOR_MAX];
    char first[UTC_TEXT_MAX];
    char last[UTC_TEXT_MAX];
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    audit_anchor_format(&chain->end, anchor);
    utc_format(chain->first_ms, first);
    utc_format(chain->last_ms, last);
    if (output == OUTPUT_JSON) {
        json_out_object_begin(&json, NULL);
        json_out_unsigned(&json, "rows", chain->end.seq);
        json_out_string(&json, "first_at", chain->end.seq == 0 ? NULL : first);
        json_out_string(&json, "last_at", chain->end.seq == 0 ? NULL : last);
        json_out_unsigned(&json, "dropped", chain->dropped);
        json_out_string(&json, "anchor", chain->end.seq == 0 ? NULL : anchor);
        json_out_object_end(&json);
        output_json_text(&text);
    } else if (chain->end.seq == 0) {
        puts("the audit log is empty");
    } else {
        printf("%llu row%s fit together, from %s to %s\n", (unsigned long long)chain->end.seq,
               chain->end.seq == 1 ? "" : "s", first, last);
        printf("anchor: %s\n", anchor);
        fflush(stdout);
        fprintf(stderr, "hint: keep the anchor elsewhere: `skein audit verify --anchor SEQ:HASH` "
                        "then finds out whether rows up to it were changed or taken away\n");
    }
}

ErrCode cmd_audit_verify(Invocation *invocation, ExitCode *ret_exit, Err *err)
{
    (void)ret_exit;
    AuditChain chain = { 0 };
    ErrCode code = read_chain(&invocation->options, &chain, err);
    if (code == ERR_NONE) {
        print_chain(&chain, invocation->options.output);
    }
    return code;
}
