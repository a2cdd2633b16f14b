/*
 * A proof as JUnit: a suite per way, a test per migration. Written for the readers that there are
 * (Jenkins, GitLab, GitHub's actions), which agree on little more than the elements used here.
 */
#include <string.h>

#include "cli/proof/tell.h"
#include "common/utf8.h"

/* What XML cannot hold, not even escaped, becomes '?'. */
static void xml_append(Str *out, const char *text)
{
    static const struct {
        char c;
        const char *entity;
    } ENTITIES[] = { { '&', "&amp;" },  { '<', "&lt;" },   { '>', "&gt;" },
                     { '"', "&quot;" }, { '\n', "&#10;" }, { '\t', "&#9;" } };
    for (const char *at = text; *at != '\0'; at++) {
        const char *entity = NULL;
        for (size_t i = 0; i < ARRAY_LEN(ENTITIES); i++) {
            entity = ENTITIES[i].c == *at ? ENTITIES[i].entity : entity;
        }
        bool is_control = (unsigned char)*at < 0x20;
        if (entity != NULL) {
            str_append(out, entity);
        } else {
            str_append_char(out, is_control ? '?' : *at);
        }
    }
}

static bool is_of_way(const Finding *finding, const char *way)
{
    bool is_tenant = str_ends_with(finding->way, "tenant");
    return strcmp(way, "tenants") == 0
               ? is_tenant
               : strcmp(finding->way, way) == 0 || strcmp(finding->way, "both") == 0;
}

static void place_append(Str *text, const Place *place)
{
    if (place->statement != NULL) {
        str_printf(text, "; %s, line %u%s%s: %s", place->file, place->statement->line,
                   place->from == NULL ? "" : ", included from ",
                   place->from == NULL ? "" : place->from, place->statement->kind);
    }
}

static void finding_append(Str *text, const Finding *finding)
{
    str_printf(text, "%s: %s", proof_step_name(finding->step), finding->text);
    place_append(text, &finding->up);
    place_append(text, &finding->down);
    if (finding->hint[0] != '\0') {
        str_printf(text, "; %s", finding->hint);
    }
    str_append_char(text, '\n');
}

/* The way's findings, as one text. */
static void way_text(const Findings *findings, const char *way, Str *text)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (is_of_way(&findings->items[i], way)) {
            finding_append(text, &findings->items[i]);
        }
    }
}

static void case_append(Str *out, const char *way, const char *name, const char *element,
                        const char *message, const char *text)
{
    str_printf(out, "    <testcase classname=\"skein.%s\" name=\"", way);
    xml_append(out, name);
    str_append(out, "\"");
    if (element == NULL) {
        str_append(out, "/>\n");
        return;
    }
    str_printf(out, "><%s message=\"", element);
    xml_append(out, message);
    str_append(out, "\">");
    xml_append(out, text);
    str_printf(out, "</%s></testcase>\n", element);
}

static Verdict verdict_of(const Proved *proved, const char *way)
{
    return strcmp(way, "alone") == 0   ? proved->alone.verdict
           : strcmp(way, "chain") == 0 ? proved->chain.verdict
                                       : proved->tenant.verdict;
}

static void migration_case(const Told *told, size_t index, const char *way, Str *out)
{
    AUTO(Arena) arena = { 0 };
    AUTO(Str) text = { 0 };
    const Proved *proved = &told->proof->items[index];
    Verdict verdict = verdict_of(proved, way);
    Findings findings = findings_of(told->proof, told->set, index, &arena);
    way_text(&findings, way, &text);
    bool is_skipped = verdict == VERDICT_NONE || verdict == VERDICT_IRREVERSIBLE;
    const char *element = is_skipped                      ? "skipped"
                          : verdict_counts(told, verdict) ? "failure"
                          : verdict == VERDICT_PROVED     ? NULL
                                                          : "system-out";
    if (element != NULL && strcmp(element, "system-out") == 0) {
        str_printf(out, "    <testcase classname=\"skein.%s\" name=\"", way);
        xml_append(out, proved->migration->id);
        str_append(out, "\"><system-out>");
        xml_append(out, str_text(&text));
        str_append(out, "</system-out></testcase>\n");
        return;
    }
    bool is_tenants = strcmp(way, "tenants") == 0;
    const char *why = proved->why_not_alone != NULL && !is_tenants ? proved->why_not_alone
                                                                   : verdict_name(verdict);
    const char *wrong = is_tenants ? "the up is not the tenant's alone"
                        : proved->migration->is_repeatable
                            ? "done a second time it does something else"
                            : "the down is not the inverse of the up";
    case_append(out, way, proved->migration->id, element, is_skipped ? why : wrong,
                str_text(&text));
}

static void suite_append(const Told *told, const char *way, Str *out)
{
    size_t failures = 0;
    size_t skipped = 0;
    for (size_t i = 0; i < told->proof->count; i++) {
        Verdict verdict = verdict_of(&told->proof->items[i], way);
        failures += verdict_counts(told, verdict);
        skipped += verdict == VERDICT_NONE || verdict == VERDICT_IRREVERSIBLE;
    }
    str_printf(out,
               "  <testsuite name=\"%s\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
               "skipped=\"%zu\">\n",
               way, told->proof->count, failures, skipped);
    for (size_t i = 0; i < told->proof->count; i++) {
        migration_case(told, i, way, out);
    }
    str_append(out, "  </testsuite>\n");
}

/* Going up again at the end of each chain. */
static void climbs_append(const Told *told, Str *out)
{
    AUTO(Str) cases = { 0 };
    size_t failures = 0;
    for (size_t i = 0; i < told->proof->chain_count; i++) {
        AUTO(Arena) arena = { 0 };
        AUTO(Str) text = { 0 };
        const Chain *chain = &told->proof->chains[i];
        Findings findings = findings_of_chain(chain, told->set, &arena);
        way_text(&findings, "chain", &text);
        bool has_failed = !chain_stands(told, chain);
        failures += has_failed;
        const char *name =
            arena_printf(&arena, "up again to %s", told->set->migrations[chain->top].id);
        case_append(&cases, "again", name, has_failed ? "failure" : NULL,
                    "the chain does not lead back up", str_text(&text));
    }
    str_printf(out,
               "  <testsuite name=\"again\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" "
               "skipped=\"0\">\n%s  </testsuite>\n",
               told->proof->chain_count, failures, str_text(&cases));
}

static const char HEAD[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"skein test\">\n";

void tell_junit_unfinished(Str *out)
{
    str_append(out, HEAD);
    str_append(out, "  <testsuite name=\"run\" tests=\"1\" failures=\"0\" errors=\"1\" "
                    "skipped=\"0\">\n"
                    "    <testcase classname=\"skein.run\" name=\"the test as a whole\">"
                    "<error message=\"it has not come to its end\"/></testcase>\n"
                    "  </testsuite>\n</testsuites>\n");
}

void tell_junit(const Told *told, Str *out)
{
    str_append(out, HEAD);
    suite_append(told, "alone", out);
    suite_append(told, "chain", out);
    if (told->proof->schema[0] != '\0') {
        suite_append(told, "tenants", out);
    }
    climbs_append(told, out);
    str_append(out, "</testsuites>\n");
}
