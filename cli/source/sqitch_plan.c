/*
 * See sqitch_plan.h. A line is
 *     name [requirement !conflict …] 2024-01-31T12:00:00Z Planner <e-mail> # note
 * or the same with "@name" and nothing in brackets, for a tag of the change above. A name that
 * comes again below a tag reworks the change of that name.
 *
 * An id is the SHA-1 of all that the plan says of a change, and of the id of the one above it: so
 * it stands for the whole plan up to there.
 */
#include "cli/source/sqitch_plan.h"

#include <string.h>

#include <nettle/sha1.h>

#include "cli/source/lines.h"
#include "common/list.h"
#include "common/str.h"

#define BLANKS " \t"
#define DATE_FORM "0000-00-00T00:00:00Z"

typedef LIST(SqitchChange) ChangeList;
typedef LIST(SqitchTag) TagList;
typedef LIST(SqitchDepend) DependList;

/* A plan while its lines are read. */
typedef struct Reader {
    const char *file;
    Arena *arena;
    SqitchProject project;
    ChangeList changes;
    TagList tags;
    DependList depends; /* of the line at hand */
} Reader;

static void reader_done(Reader *reader)
{
    LIST_DONE(&reader->changes);
    LIST_DONE(&reader->tags);
    LIST_DONE(&reader->depends);
}

AUTO_DEFINE(Reader, reader_done)

static ErrCode refuse(const Reader *reader, uint32_t number, Err *err, const char *words)
{
    err_set(err, ERR_SYNTAX, "%s:%u: %s", reader->file, number, words);
    return err_hint(err, "Sqitch writes \"NAME [REQUIRED …] %s PLANNER <E-MAIL> # NOTE\"",
                    DATE_FORM);
}

/* ---- ids ---- */

void sqitch_hash(Bytes bytes, char ret_text[SQITCH_HASH_TEXT])
{
    uint8_t digest[SQITCH_HASH_BYTES];
    struct sha1_ctx context;
    sha1_init(&context);
    sha1_update(&context, bytes.length, bytes.data);
    sha1_digest(&context, sizeof(digest), digest);
    hex_encode(digest, sizeof(digest), ret_text);
}

static void hash_object(const char *kind, const Str *info, char ret_text[SQITCH_HASH_TEXT])
{
    AUTO(Str) object = { 0 };
    str_printf(&object, "%s %zu", kind, info->length);
    str_append_bytes(&object, "", 1);
    str_append_bytes(&object, str_text(info), info->length);
    sqitch_hash((Bytes){ (const uint8_t *)object.data, object.length }, ret_text);
}

static void begin_info(const SqitchProject *project, Str *out)
{
    str_printf(out, "project %s\n", project->name);
    if (project->uri != NULL) {
        str_printf(out, "uri %s\n", project->uri);
    }
}

static void append_planner(const SqitchLine *line, Str *out)
{
    str_printf(out, "planner %s <%s>\ndate %s", line->planner, line->email, line->date);
}

static void append_note(const SqitchLine *line, Str *out)
{
    if (line->note[0] != '\0') {
        str_printf(out, "\n\n%s", line->note);
    }
}

static void append_depends(const SqitchChange *change, bool is_conflict, Str *out)
{
    bool is_first = true;
    for (size_t i = 0; i < change->depend_count; i++) {
        if (change->depends[i].is_conflict == is_conflict) {
            if (is_first) {
                str_append(out, is_conflict ? "\nconflicts" : "\nrequires");
            }
            str_printf(out, "\n  %c %s", is_conflict ? '-' : '+', change->depends[i].text);
            is_first = false;
        }
    }
}

static void name_change(const SqitchChange *above, SqitchChange *change)
{
    AUTO(Str) info = { 0 };
    begin_info(change->project, &info);
    str_printf(&info, "change %s\n", change->line.name);
    if (above != NULL) {
        str_printf(&info, "parent %s\n", above->id);
    }
    append_planner(&change->line, &info);
    append_depends(change, false, &info);
    append_depends(change, true, &info);
    append_note(&change->line, &info);
    hash_object("change", &info, change->id);
}

static void name_tag(const SqitchChange *change, SqitchTag *tag)
{
    AUTO(Str) info = { 0 };
    begin_info(change->project, &info);
    str_printf(&info, "tag @%s\nchange %s\n", tag->line.name, change->id);
    append_planner(&tag->line, &info);
    append_note(&tag->line, &info);
    hash_object("tag", &info, tag->id);
}

/* ---- what is required ---- */

static const SqitchTag *find_tag(const Reader *reader, const char *name)
{
    LIST_EACH(tag, &reader->tags) {
        if (str_equal(tag->line.name, name)) {
            return tag;
        }
    }
    return NULL;
}

/* The first of that name, or with a tag the last that stands above it. */
static const char *find_change(const Reader *reader, const char *name, const char *tag_name)
{
    const SqitchTag *tag = tag_name == NULL ? NULL : find_tag(reader, tag_name);
    const char *id = NULL;
    if (tag_name != NULL && tag == NULL) {
        return NULL;
    }
    if (*name == '\0') {
        return tag == NULL ? NULL : reader->changes.items[tag->change].id;
    }
    for (size_t i = 0; i < (tag == NULL ? reader->changes.count : tag->change + 1); i++) {
        if (str_equal(reader->changes.items[i].line.name, name)) {
            id = reader->changes.items[i].id;
            if (tag == NULL) {
                break;
            }
        }
    }
    return id;
}

static bool is_hash(const char *text)
{
    return strlen(text) == 2 * SQITCH_HASH_BYTES &&
           strspn(text, "0123456789abcdef") == 2 * SQITCH_HASH_BYTES;
}

/* "!project:change@tag": all but the change may be missing. */
static ErrCode take_depend(Reader *reader, const char *word, uint32_t number, Err *err)
{
    SqitchDepend depend = { .project = reader->project.name, .is_conflict = *word == '!' };
    const char *key = depend.is_conflict ? word + 1 : word;
    const char *colon = strchr(key, ':');
    bool is_foreign = false;
    depend.text = key;
    if (colon != NULL) {
        depend.project = arena_strndup(reader->arena, key, (size_t)(colon - key));
        is_foreign = !str_equal(depend.project, reader->project.name);
        key = colon + 1;
        depend.text = is_foreign ? depend.text : key;
    }
    const char *at = strchr(key, '@');
    depend.change = at == NULL ? key : arena_strndup(reader->arena, key, (size_t)(at - key));
    depend.id = is_hash(key) ? key : NULL;
    if (depend.id == NULL && !is_foreign && !depend.is_conflict) {
        const char *id = find_change(reader, depend.change, at == NULL ? NULL : at + 1);
        depend.id = id == NULL ? NULL : arena_strdup(reader->arena, id);
        if (id == NULL) {
            err_set(err, ERR_SYNTAX, "%s:%u: requires %s, and no change above it is that",
                    reader->file, number, key);
            return err_hint(err, "Sqitch refuses the plan for it, too: move the line down");
        }
    }
    LIST_PUSH(&reader->depends, depend);
    return ERR_NONE;
}

static ErrCode take_depends(Reader *reader, const char *text, uint32_t number, Err *err)
{
    ErrCode code = ERR_NONE;
    for (text += strspn(text, BLANKS); code == ERR_NONE && *text != '\0';) {
        size_t length = strcspn(text, BLANKS);
        code = take_depend(reader, arena_strndup(reader->arena, text, length), number, err);
        text += length;
        text += strspn(text, BLANKS);
    }
    return code;
}

/* ---- lines ---- */

/* Blanks around it go, and "\n", "\r" and "\\" are what they stand for. */
static const char *read_note(const char *text, Arena *arena)
{
    AUTO(Str) note = { 0 };
    size_t length = strlen(text);
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL) {
        length--;
    }
    for (size_t i = strspn(text, BLANKS); i < length; i++) {
        bool is_escape = text[i] == '\\' && i + 1 < length && strchr("nr\\", text[i + 1]) != NULL;
        char escaped = is_escape ? text[i + 1] : '\0';
        str_append_char(&note, escaped == 'n' ? '\n' : escaped == 'r' ? '\r' : text[i]);
        i += is_escape;
    }
    return arena_strdup(arena, str_text(&note));
}

static bool is_date(const char *text)
{
    for (const char *form = DATE_FORM; *form != '\0'; form++, text++) {
        if (*form == '0' ? *text < '0' || *text > '9' : *text != *form) {
            return false;
        }
    }
    return true;
}

/* From the name on: *ret_depends is what stands in brackets, or NULL. */
static bool read_line(const char *text, Arena *arena, SqitchLine *line, const char **ret_depends)
{
    size_t length = strcspn(text, BLANKS);
    line->name = arena_strndup(arena, text, length);
    text += length;
    text += strspn(text, BLANKS);
    *ret_depends = NULL;
    if (*text == '[') {
        length = strcspn(++text, "]");
        *ret_depends = arena_strndup(arena, text, length);
        text += length;
        text += *text == ']';
        text += strspn(text, BLANKS);
    }
    if (*line->name == '\0' || strpbrk(line->name, "@:\\") != NULL || !is_date(text)) {
        return false;
    }
    line->date = arena_strndup(arena, text, strlen(DATE_FORM));
    text += strlen(DATE_FORM);
    text += strspn(text, BLANKS);
    const char *open = strchr(text, '<');
    const char *close = open == NULL ? NULL : strchr(open, '>');
    if (close == NULL || open - text < 2 || close == open + 1) {
        return false;
    }
    line->planner = arena_strndup(arena, text, (size_t)(open - text) - 1);
    line->email = arena_strndup(arena, open + 1, (size_t)(close - open) - 1);
    return true;
}

static ErrCode take_tag(Reader *reader, const SqitchLine *line, Err *err)
{
    if (reader->changes.count == 0) {
        return refuse(reader, line->number, err, "a tag above the first change");
    }
    if (find_tag(reader, line->name) != NULL) {
        return refuse(reader, line->number, err, "a second tag of that name");
    }
    SqitchTag tag = { .line = *line, .change = reader->changes.count - 1 };
    name_tag(&reader->changes.items[tag.change], &tag);
    LIST_PUSH(&reader->tags, tag);
    return ERR_NONE;
}

/* A second one of the same name is right where a tag stands between. */
static ErrCode take_instance(const Reader *reader, SqitchChange *change, Err *err)
{
    size_t tagged =
        reader->tags.count == 0 ? 0 : reader->tags.items[reader->tags.count - 1].change + 1;
    change->instance = 1;
    for (size_t i = reader->changes.count; i > 0; i--) {
        SqitchChange *before = &reader->changes.items[i - 1];
        if (!str_equal(before->line.name, change->line.name)) {
            continue;
        }
        if (i > tagged) {
            return refuse(reader, change->line.number, err,
                          "a second change of that name without a tag between them");
        }
        before->reworked_by = reader->changes.count;
        change->instance = before->instance + 1;
        break;
    }
    return ERR_NONE;
}

static ErrCode take_change(Reader *reader, const SqitchLine *line, const char *depends, Err *err)
{
    SqitchChange change = { .line = *line };
    LIST_CLEAR(&reader->depends);
    ErrCode code = depends == NULL ? ERR_NONE : take_depends(reader, depends, line->number, err);
    if (code == ERR_NONE) {
        code = take_instance(reader, &change, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    change.depend_count = reader->depends.count;
    change.depends = arena_memdup(reader->arena, reader->depends.items,
                                  reader->depends.count * sizeof(SqitchDepend));
    change.project = &reader->project;
    name_change(reader->changes.count == 0 ? NULL
                                           : &reader->changes.items[reader->changes.count - 1],
                &change);
    LIST_PUSH(&reader->changes, change);
    return ERR_NONE;
}

static ErrCode take_pragma(Reader *reader, const char *text, uint32_t number, Err *err)
{
    const char *name = text + 1 + strspn(text + 1, BLANKS);
    size_t length = strcspn(name, "= \t");
    const char *value = name + length + strspn(name + length, "= \t");
    if (reader->changes.count > 0) {
        return refuse(reader, number, err, "a pragma below the first change");
    }
    if (length == strlen("project") && strncmp(name, "project", length) == 0) {
        reader->project.name = value;
    } else if (length == strlen("uri") && strncmp(name, "uri", length) == 0) {
        reader->project.uri = value;
    }
    return ERR_NONE;
}

static ErrCode take_line(Reader *reader, const TextLine *line, Err *err)
{
    const char *text = arena_strndup(reader->arena, line->start, line->length);
    size_t length = strcspn(text, "#");
    SqitchLine written = {
        .note = text[length] == '\0' ? "" : read_note(text + length + 1, reader->arena),
        .number = line->number,
    };
    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL) {
        length--;
    }
    text = arena_strndup(reader->arena, text, length);
    text += strspn(text, BLANKS);
    if (*text == '\0') {
        return ERR_NONE;
    }
    if (*text == '%') {
        return take_pragma(reader, text, line->number, err);
    }
    if (reader->project.name == NULL) {
        return refuse(reader, line->number, err, "no %project above the first change");
    }
    bool is_tag = *text == '@';
    text += is_tag;
    text += *text == '+' ? 1 + strspn(text + 1, BLANKS) : 0;
    const char *depends = NULL;
    if (!read_line(text, reader->arena, &written, &depends)) {
        return refuse(reader, line->number, err, "neither a change nor a tag");
    }
    return is_tag ? take_tag(reader, &written, err) : take_change(reader, &written, depends, err);
}

/* ---- the plan ---- */

static void share_tags(SqitchPlan *plan)
{
    for (size_t i = 0; i < plan->tag_count; i++) {
        SqitchChange *change = &plan->changes[plan->tags[i].change];
        if (change->tag_count == 0) {
            change->tags = &plan->tags[i];
        }
        change->tag_count++;
    }
}

ErrCode sqitch_plan_read(const ScriptInput *input, Arena *arena, SqitchPlan *ret_plan, Err *err)
{
    AUTO(Reader) reader = { .file = input->file, .arena = arena };
    ErrCode code = ERR_NONE;
    for (TextLine line = { 0 }; code == ERR_NONE && text_next_line(input->bytes, &line);) {
        code = take_line(&reader, &line, err);
    }
    if (code != ERR_NONE) {
        return code;
    }
    *ret_plan = (SqitchPlan){
        .project = reader.project,
        .changes =
            arena_memdup(arena, reader.changes.items, reader.changes.count * sizeof(SqitchChange)),
        .count = reader.changes.count,
        .tags = arena_memdup(arena, reader.tags.items, reader.tags.count * sizeof(SqitchTag)),
        .tag_count = reader.tags.count,
    };
    SqitchProject *project = ARENA_NEW(arena, SqitchProject);
    *project = reader.project;
    for (size_t i = 0; i < ret_plan->count; i++) {
        ret_plan->changes[i].project = project;
    }
    share_tags(ret_plan);
    return ERR_NONE;
}
