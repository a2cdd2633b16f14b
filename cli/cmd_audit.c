/* skein audit …: who ordered what, and whether the log of it is whole. */
#include <stdio.h>

#include "cli/audit_chain.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "common/clock.h"
#include "common/json.h"

#define PAGE_ROWS 1000

/* Takes over nothing: the row lives until it returns. */
typedef ErrCode (*RowHandler)(void *ctx, json_t *row, Err *err);

/* The rows behind number `after`, page by page, at most `limit` (0: all). */
static ErrCode each_row(Client *client, uint64_t after, uint32_t limit, RowHandler handler,
                        void *ctx, Err *err)
{
    AUTO(Str) cursor = { 0 };
    uint32_t seen = 0;
    str_printf(&cursor, "%llu", (unsigned long long)after);
    for (ErrCode code = ERR_NONE; cursor.length > 0;) {
        AUTO_PTR(JsonDocument) page = NULL;
        uint32_t left = limit == 0 ? PAGE_ROWS : limit - seen;
        code = client_get(client, &page, err, "/audit?limit=%u&after=%s",
                          left < PAGE_ROWS ? left : PAGE_ROWS, str_text(&cursor));
        const json_t *items = json_object_get(page, "items");
        for (size_t i = 0; code == ERR_NONE && i < json_array_size(items); i++) {
            code = handler(ctx, json_array_get(items, i), err);
        }
        if (code != ERR_NONE) {
            return code;
        }
        seen += (uint32_t)json_array_size(items);
        str_clear(&cursor);
        if (json_array_size(items) > 0 && (limit == 0 || seen < limit)) {
            str_append(&cursor, get_text(page, "next"));
        }
    }
    return ERR_NONE;
}

/* ---- list ---- */

static ErrCode gather(void *ctx, json_t *row, Err *err)
{
    (void)err;
    json_array_append(ctx, row);
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

static void print_rows(const json_t *rows)
{
    AUTO_PTR(Table)
    table = table_new(
        8, (const char *const[]){ "row", "time", "who", "from", "action", "of", "outcome", "" });
    AUTO(Str) text = { 0 };
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *code = get_text(row, "code");
        AUTO(Str) remark = { 0 };
        write_remark(row, &remark);
        table_cellf(table, COLOUR_BOLD, "%lld", get_number(row, "seq"));
        table_cell(table, COLOUR_NONE, get_text(row, "time"));
        table_cell(table, COLOUR_NONE, get_text(row, "actor"));
        table_cell(table, COLOUR_NONE, get_text(row, "origin"));
        table_cell(table, COLOUR_NONE, get_text(row, "action"));
        table_cellf(table, COLOUR_NONE, "%.26s", object_of(row));
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
    ErrCode code = client_new(options, &client, err);
    if (code == ERR_NONE) {
        code = each_row(client, options->after, options->limit, gather, rows, err);
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

static ErrCode add_to_chain(void *ctx, json_t *row, Err *err)
{
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
        code = each_row(client, 0, 0, add_to_chain, chain, err);
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
