/*
 * The tables in proto/README.md are printed from the field tables: what is documented is what runs.
 * SKEIN_UPDATE_GOLDEN=1 writes them into the file.
 */
#include "support.h"

#include "proto/messages.h"
#include "proto/plan_codec.h"

#define PARTS_MAX 32

typedef struct Parts {
    const FieldTable *tables[PARTS_MAX];
    size_t count;
} Parts;

/* The structs that a table is made of, each once, in the order in which a reader meets them. */
static void parts_collect(const FieldTable *table, Parts *parts)
{
    for (size_t i = 0; i < table->field_count; i++) {
        const FieldTable *part = table->fields[i].table;
        size_t at = 0;
        while (at < parts->count && parts->tables[at] != part) {
            at++;
        }
        if (part != NULL && at == parts->count) {
            assert_true(parts->count < PARTS_MAX);
            parts->tables[parts->count++] = part;
            parts_collect(part, parts);
        }
    }
}

static void parts_document(const Parts *parts, Str *out)
{
    for (size_t i = 0; i < parts->count; i++) {
        str_printf(out, "#### *%s*\n\n", parts->tables[i]->name);
        wire_document(parts->tables[i], out);
        str_append(out, "\n");
    }
}

static const char *way_text(MessageWay way)
{
    switch (way) {
    case MESSAGE_TO_COORDINATOR:
        return "agent → coordinator";
    case MESSAGE_TO_AGENT:
        return "coordinator → agent";
    case MESSAGE_BOTH_WAYS:
        break;
    }
    return "both ways";
}

static void messages_document(Str *out)
{
    Parts parts = { 0 };
    for (int type = MESSAGE_NONE + 1; type < MESSAGE_TYPE_COUNT_; type++) {
        const MessageRow *row = message_row((MessageType)type);
        str_printf(out, "### %d %s, %s\n\n%s\n\n", type, row->name, way_text(row->way), row->doc);
        if (row->since > 1) {
            str_printf(out, "Since version %u.\n\n", (unsigned)row->since);
        }
        wire_document(row->table, out);
        str_append(out, "\n");
        parts_collect(row->table, &parts);
    }
    str_append(out, "### Parts of messages\n\n");
    parts_document(&parts, out);
}

static void plan_document(Str *out)
{
    Parts parts = { 0 };
    parts_collect(&PLAN_TABLE, &parts);
    str_append(out, "#### *plan*\n\n");
    wire_document(&PLAN_TABLE, out);
    str_append(out, "\n");
    parts_document(&parts, out);
}

/* Puts `tables` between the two marks around `name` in `readme`. */
static void section_replace(Str *readme, const char *name, const Str *tables)
{
    AUTO(Str) begin = { 0 };
    AUTO(Str) end = { 0 };
    AUTO(Str) result = { 0 };
    str_printf(&begin, "<!-- %s: printed from the field tables -->\n\n", name);
    str_printf(&end, "<!-- end of %s -->", name);
    const char *from = strstr(str_text(readme), str_text(&begin));
    const char *to = strstr(str_text(readme), str_text(&end));
    assert_non_null(from);
    assert_non_null(to);
    str_append_bytes(&result, readme->data, (size_t)(from - readme->data) + begin.length);
    str_append(&result, str_text(tables));
    str_append(&result, to);
    str_clear(readme);
    str_append(readme, str_text(&result));
}

static void the_readme_shows_the_tables_that_run(void **state)
{
    (void)state;
    static const char PATH[] = SKEIN_SOURCE_DIR "/proto/README.md";
    AUTO(Str) readme = { 0 };
    AUTO(Str) wanted = { 0 };
    AUTO(Str) messages = { 0 };
    AUTO(Str) plan = { 0 };
    file_read(PATH, &readme);
    str_append(&wanted, str_text(&readme));
    messages_document(&messages);
    plan_document(&plan);
    section_replace(&wanted, "messages", &messages);
    section_replace(&wanted, "plan", &plan);
    if (golden_is_updated()) {
        file_write(PATH, &wanted);
        return;
    }
    assert_string_equal(str_text(&readme), str_text(&wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_readme_shows_the_tables_that_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
