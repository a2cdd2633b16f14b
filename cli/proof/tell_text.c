/* A proof as text: what is wrong in full, the rest in numbers. */
#include <string.h>

#include "cli/output.h"
#include "cli/printable.h"
#include "cli/proof/beside.h"
#include "cli/proof/tell.h"

#define INDENT 6 /* of what is said below a finding */

static const Colour COLOURS[] = {
    [VERDICT_NONE] = COLOUR_DIM,      [VERDICT_PROVED] = COLOUR_GOOD,
    [VERDICT_COSMETIC] = COLOUR_GOOD, [VERDICT_OUTSIDE] = COLOUR_WARN,
    [VERDICT_LOSSY] = COLOUR_WARN,    [VERDICT_IRREVERSIBLE] = COLOUR_DIM,
    [VERDICT_WRONG] = COLOUR_BAD,
};
_Static_assert(ARRAY_LEN(COLOURS) == VERDICT_COUNT_, "a colour per verdict");

/* ---- findings ---- */

/* Text of databases and files, on one line or on several that are indented alike. */
static void lines_tell(const char *label, const char *text, Str *out, Arena *arena)
{
    if (text[0] == '\0') {
        return;
    }
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        char *line = arena_strndup(arena, at, length);
        printable_make(line);
        str_printf(out, "      %-8s%s\n", at == text ? label : "", line);
        at += length + (at[length] == '\n');
    }
}

static void place_tell(const char *label, const Place *place, Str *out)
{
    if (place->statement != NULL) {
        str_printf(out, "      %-8s%s, line %u%s%s: statement %u, %s\n", label, place->file,
                   place->statement->line, place->from == NULL ? "" : ", included from ",
                   place->from == NULL ? "" : place->from, place->number, place->statement->kind);
    }
}

static const char *circumstance(const Finding *finding)
{
    bool is_chain = strcmp(finding->way, "chain") == 0;
    bool has_failed = strcmp(finding->kind, "failed") == 0;
    switch (finding->step) {
    case PROOF_STEP_UP:
        if (strcmp(finding->way, "next-tenant") == 0) {
            return has_failed ? "the next tenant's up fails"
                              : "the next tenant's up reaches beyond its schema";
        }
        return has_failed ? "the up fails" : "the up reaches beyond its schema";
    case PROOF_STEP_DOWN:
        if (has_failed) {
            return is_chain ? "in the chain the down fails" : "the down fails";
        }
        return is_chain ? "in the chain, after the down" : "after the down";
    case PROOF_STEP_AGAIN:
        return has_failed ? "going up again fails" : "up again";
    case PROOF_STEP_REPEAT:
        return has_failed ? "done a second time it fails" : "done a second time";
    case PROOF_STEP_NONE:
    case PROOF_STEP_COUNT_:
        break;
    }
    return "";
}

static void finding_tell(const Finding *finding, Str *out)
{
    AUTO(Arena) arena = { 0 };
    char *text = arena_strdup(&arena, finding->text);
    printable_make(text);
    bool is_told = strcmp(finding->class, "real") == 0 || strcmp(finding->class, "rows") == 0;
    str_printf(out, "    %s: %s", circumstance(finding), text);
    if (finding->sqlstate[0] != '\0') {
        str_printf(out, " (SQLSTATE %s)", finding->sqlstate);
    }
    str_printf(out, "%s%s%s\n", is_told ? "" : " (", is_told ? "" : finding->class,
               is_told ? "" : ")");
    if (!beside_write(finding->before, finding->after, INDENT, out, &arena)) {
        lines_tell("before", finding->before, out, &arena);
        lines_tell("now", finding->after, out, &arena);
    }
    place_tell("up", &finding->up, out);
    place_tell("down", &finding->down, out);
    if (is_told) {
        lines_tell("hint", finding->hint, out, &arena);
    }
}

static void findings_tell(const Findings *findings, Str *out)
{
    for (size_t i = 0; i < findings->count; i++) {
        finding_tell(&findings->items[i], out);
    }
}

/* ---- migrations ---- */

static void migration_tell(const Told *told, size_t index, Str *out)
{
    AUTO(Arena) arena = { 0 };
    const Proved *proved = &told->proof->items[index];
    Verdict verdict = proved_verdict(proved);
    Findings findings = findings_of(told->proof, told->set, index, &arena);
    if (findings.count == 0) {
        return;
    }
    output_colour(out, COLOURS[verdict], verdict_name(verdict));
    str_printf(out, " %s\n", proved->migration->id);
    findings_tell(&findings, out);
}

static void chain_tell(const Told *told, const Chain *chain, Str *out)
{
    AUTO(Arena) arena = { 0 };
    Findings findings = findings_of_chain(chain, told->set, &arena);
    if (findings.count == 0) {
        return;
    }
    Verdict verdict = chain_verdict(chain);
    output_colour(out, COLOURS[verdict], verdict_name(verdict));
    str_printf(out, " the chain from %s down to %s and up again\n",
               told->set->migrations[chain->top].id, told->set->migrations[chain->bottom].id);
    findings_tell(&findings, out);
}

/* ---- numbers ---- */

static void verdicts_tell(const Told *told, Str *out)
{
    bool is_first = true;
    for (size_t i = 0; i < VERDICT_COUNT_; i++) {
        size_t count = told->proof->verdicts[i];
        if (count > 0) {
            str_append(out, is_first ? "" : ", ");
            str_printf(out, "%zu ", count);
            output_colour(out, COLOURS[i], verdict_name((Verdict)i));
            is_first = false;
        }
    }
}

static void chains_tell(const Told *told, Str *out)
{
    for (size_t i = 0; i < told->proof->chain_count; i++) {
        const Chain *chain = &told->proof->chains[i];
        const PlanMigration *migrations = told->set->migrations;
        bool is_whole = chain->bottom <= chain->top;
        if (is_whole) {
            str_printf(out, "chain: %s down to %s, %s\n", migrations[chain->top].id,
                       chain->bottom == 0 ? "empty" : migrations[chain->bottom - 1].id,
                       chain->failed_at == PROOF_STEP_NONE ? "and up again" : "but not up again");
        }
    }
}

static void tenants_tell(const Told *told, Str *out)
{
    const Proof *proof = told->proof;
    if (proof->schema[0] == '\0') {
        return;
    }
    AUTO(Arena) arena = { 0 };
    char *schema = arena_strdup(&arena, proof->schema);
    printable_make(schema);
    str_printf(out, "tenants: %s, and a second one behind it ", schema);
    if (proof->next_head == proof->count) {
        str_append(out, "all the way up\n");
    } else {
        str_printf(out, "up to %s\n",
                   proof->next_head == 0 ? "nothing"
                                         : told->set->migrations[proof->next_head - 1].id);
    }
}

void tell_text(const Told *told, Str *out)
{
    const Proof *proof = told->proof;
    for (size_t i = 0; i < proof->count; i++) {
        migration_tell(told, i, out);
    }
    for (size_t i = 0; i < proof->chain_count; i++) {
        chain_tell(told, &proof->chains[i], out);
    }
    str_append(out, told->seed_unfit);
    str_printf(out, "%zu migration%s: ", proof->count, proof->count == 1 ? "" : "s");
    verdicts_tell(told, out);
    str_append_char(out, '\n');
    chains_tell(told, out);
    tenants_tell(told, out);
}
