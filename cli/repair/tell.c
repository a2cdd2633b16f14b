/* See tell.h. Both forms walk the same findings and the same choices. */
#include "cli/repair/tell.h"

#include "cli/output.h"
#include "cli/printable.h"
#include "common/shell_word.h"
#include "cli/typed_command.h"
#include "common/json.h"

void repair_command(const Options *options, Choice choice, const char *id, Str *out)
{
    AUTO(Str) command = { 0 };
    str_printf(&command, "skein repair --%s", repair_choice_word(choice));
    if (id[0] != '\0' && !repair_choice_is_of_target(choice)) {
        str_append_char(&command, ' ');
        shell_word(id, &command);
    }
    str_append(out, str_text(&command));
    typed_command_place(options, str_text(&command), out);
}

/* ---- text ---- */

static void choices_text(const Options *options, const Finding *finding, Str *out)
{
    for (Choice choice = CHOICE_NONE + 1; choice < CHOICE_COUNT_; choice++) {
        if (repair_choice_fits(choice, finding)) {
            AUTO(Str) command = { 0 };
            repair_command(options, choice, finding->id, &command);
            str_append(out, "  ");
            output_colour(out, COLOUR_BOLD, str_text(&command));
            str_append(out, "\n      ");
            AUTO(Str) effect = { 0 };
            repair_choice_write(choice, finding, &effect);
            printable_append(out, str_text(&effect));
            str_append(out, "\n");
        }
    }
}

static void finding_text(const Options *options, const Finding *finding, Str *out)
{
    Colour colour = finding->is_note ? COLOUR_WARN : COLOUR_BAD;
    if (finding->id[0] != '\0') {
        output_colour(out, COLOUR_BOLD, finding->id);
        str_append(out, ": ");
    }
    output_colour(out, colour, repair_finding_name(finding->kind));
    str_append(out, "\n  ");
    AUTO(Str) text = { 0 };
    typed_commands_write(options, finding->text, &text);
    printable_append(out, str_text(&text));
    str_append(out, "\n");
    if (finding->past != NULL) {
        past_write(finding->past, finding->now, out);
    }
    choices_text(options, finding, out);
}

static void place_text(const Repaired *repaired, Str *out)
{
    if (repaired->to.parts_done > 0) {
        str_printf(out, "%s, %u parts done", repaired->to.state, repaired->to.parts_done);
    } else {
        str_append(out, repaired->to.state);
    }
}

static void repaired_text(const RepairedList *done, Str *out)
{
    LIST_EACH(repaired, done) {
        str_printf(out, "%s%s", repair_choice_word(repaired->choice),
                   repaired->id[0] == '\0' ? "" : " ");
        printable_append(out, repaired->id);
        str_append(out, ": ");
        if (repaired->id[0] == '\0') {
            str_append(out, "the history is about the schema that has the name now");
        } else {
            place_text(repaired, out);
        }
        if (repaired->ran != NULL) {
            str_append(out, "; ran ");
            printable_append(out, repaired->ran);
        }
        str_append(out, "\n");
    }
}

static void tell_text(const Options *options, const Findings *findings, const RepairedList *done)
{
    AUTO(Str) text = { 0 };
    size_t left = 0;
    repaired_text(done, &text);
    LIST_EACH(finding, &findings->list) {
        left += finding->is_note ? 0 : 1;
        if (done->count == 0) {
            finding_text(options, finding, &text);
        }
    }
    if (findings->list.count == 0 && done->count == 0) {
        str_append(&text, "nothing is wrong with the history\n");
    } else if (left > 0 && done->count > 0) {
        str_printf(&text, "%zu more to set right: ", left);
        typed_commands_write(options, "see `skein repair`\n", &text);
    }
    output_text(&text);
}

/* ---- JSON ---- */

static void choices_json(const Options *options, const Finding *finding, JsonOut *json)
{
    json_out_array_begin(json, "choices");
    for (Choice choice = CHOICE_NONE + 1; choice < CHOICE_COUNT_; choice++) {
        if (repair_choice_fits(choice, finding)) {
            AUTO(Str) command = { 0 };
            AUTO(Str) effect = { 0 };
            repair_command(options, choice, finding->id, &command);
            repair_choice_write(choice, finding, &effect);
            json_out_object_begin(json, NULL);
            json_out_string(json, "option", repair_choice_word(choice));
            json_out_string(json, "command", str_text(&command));
            json_out_string(json, "effect", str_text(&effect));
            json_out_object_end(json);
        }
    }
    json_out_array_end(json);
}

static void past_json(const Finding *finding, JsonOut *json)
{
    const Past *past = finding->past;
    if (past == NULL) {
        json_out_null(json, "past");
        return;
    }
    json_out_object_begin(json, "past");
    json_out_string(json, "commit", past->commit);
    json_out_string(json, "date", past->date);
    json_out_string(json, "author", past->author);
    json_out_string(json, "subject", past->subject);
    json_out_string(json, "diff", past->commit == NULL ? NULL : past->diff);
    json_out_string(json, "why_not", past->why);
    json_out_string(json, "now", finding->now[0] == '\0' ? NULL : finding->now);
    json_out_object_end(json);
}

static void finding_json(const Options *options, const Finding *finding, JsonOut *json)
{
    const RepairRow *row = finding->row;
    bool has_looked = row != NULL && row->trace != TRACE_NONE;
    AUTO(Str) text = { 0 };
    typed_commands_write(options, finding->text, &text);
    json_out_object_begin(json, NULL);
    json_out_string(json, "finding", repair_finding_name(finding->kind));
    json_out_string(json, "migration", finding->id[0] == '\0' ? NULL : finding->id);
    json_out_bool(json, "is_note", finding->is_note);
    json_out_string(json, "text", str_text(&text));
    json_out_string(json, "state", row == NULL ? NULL : row->place.state);
    json_out_unsigned(json, "parts_done", row == NULL ? 0 : row->place.parts_done);
    json_out_string(json, "looked", has_looked ? trace_name(row->trace) : NULL);
    past_json(finding, json);
    choices_json(options, finding, json);
    json_out_object_end(json);
}

static void repaired_json(const RepairedList *done, JsonOut *json)
{
    json_out_array_begin(json, "repaired");
    LIST_EACH(repaired, done) {
        json_out_object_begin(json, NULL);
        json_out_string(json, "migration", repaired->id[0] == '\0' ? NULL : repaired->id);
        json_out_string(json, "choice", repair_choice_word(repaired->choice));
        json_out_string(json, "state", repaired->to.state);
        json_out_unsigned(json, "parts_done", repaired->to.parts_done);
        json_out_string(json, "ran", repaired->ran);
        json_out_object_end(json);
    }
    json_out_array_end(json);
}

static void tell_json(const Options *options, const Findings *findings, const RepairedList *done)
{
    AUTO(Str) text = { 0 };
    JsonOut json = json_out(&text);
    json_out_object_begin(&json, NULL);
    json_out_array_begin(&json, "findings");
    LIST_EACH(finding, &findings->list) {
        finding_json(options, finding, &json);
    }
    json_out_array_end(&json);
    repaired_json(done, &json);
    json_out_object_end(&json);
    output_json_text(&text);
}

void repair_tell(const Invocation *invocation, const Findings *findings, const RepairedList *done)
{
    if (invocation->options.output == OUTPUT_JSON) {
        tell_json(&invocation->options, findings, done);
    } else {
        tell_text(&invocation->options, findings, done);
    }
}
