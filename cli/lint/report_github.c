/* A report as GitHub's workflow commands: "::warning file=…,line=…,col=…,title=…::message". */
#include "cli/lint/report.h"

#include <string.h>

static const char *const COMMANDS[] = { "debug", "notice", "warning", "error" };
_Static_assert(ARRAY_LEN(COMMANDS) == SEVERITY_COUNT_, "a command for each severity");

/* Bytes with a meaning in a command are written as %XX; in properties some more have one. */
static void append_escaped(Str *out, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (strchr(special, *text) != NULL) {
            str_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
        } else {
            str_append_char(out, *text);
        }
    }
}

static void append_finding(Str *out, const Finding *finding)
{
    static const char IN_PROPERTY[] = "%\r\n:,";
    static const char IN_MESSAGE[] = "%\r\n";
    str_printf(out, "::%s file=", COMMANDS[finding->severity]);
    append_escaped(out, report_path(finding->file), IN_PROPERTY);
    str_printf(out, ",line=%u,col=%u,title=", finding->line == 0 ? 1 : finding->line,
               finding->column == 0 ? 1 : finding->column);
    append_escaped(out, finding->rule->id, IN_PROPERTY);
    str_append(out, "::");
    append_escaped(out, finding->rule->title, IN_MESSAGE);
    str_append(out, ": ");
    append_escaped(out, finding->why, IN_MESSAGE);
    for (size_t i = 0; i < finding->safe_count; i++) {
        append_escaped(out, i == 0 ? "\n\nThe safe way:\n" : "\n-- the next migration\n",
                       IN_MESSAGE);
        append_escaped(out, finding->safe[i].sql, IN_MESSAGE);
    }
    str_append_char(out, '\n');
}

void report_github(const LintReport *report, Str *out)
{
    for (size_t i = 0; i < report->count; i++) {
        if (report->findings[i]->allowed == NULL) {
            append_finding(out, report->findings[i]);
        }
    }
}
