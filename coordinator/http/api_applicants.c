/* Keys that would be agents: the list, and what people do about them; and taking a key away. */
#include "common/clock.h"
#include "coordinator/http/api.h"
#include "coordinator/http/problem.h"
#include "coordinator/http/views.h"

/* What a body says of an act. The texts live as long as the document. */
typedef struct Act {
    JsonDocument *document;
    const char *name; /* "": none given */
    bool replaces;
    KeyNote note;
} Act;

static void act_done(Act *act)
{
    if (act->document != NULL) {
        json_document_free(act->document);
    }
}

AUTO_DEFINE(Act, act_done)

static ErrCode read_act(const ApiRequest *request, bool is_accept, Act *act, Err *err)
{
    static const char *const KEYS[] = { "reason", "name", "replace" };
    size_t count = is_accept ? ARRAY_LEN(KEYS) : 1;
    ErrCode code = api_body(request, KEYS, count, &act->document, err);
    if (code != ERR_NONE) {
        return code;
    }
    JsonIn body = json_in_root(act->document, "body");
    act->note = (KeyNote){ .actor = request->actor, .at_ms = clock_wall_ms() };
    code = json_in_string_or(&body, "name", "", &act->name, err);
    if (code == ERR_NONE) {
        code = json_in_bool_or(&body, "replace", false, &act->replaces, err);
    }
    return code == ERR_NONE ? api_reason(request, &body, &act->note.reason, err) : code;
}

static void write_applicant(JsonOut *json, const ApiRequest *request, const Applicant *applicant)
{
    json_out_object_begin(json, NULL);
    json_out_string(json, "fingerprint", applicant->fingerprint);
    view_text(json, "name", applicant->name);
    json_out_bool(json, "is_name_taken", keys_has_name(request->enrolment->keys, applicant->name));
    json_out_string(json, "address", applicant->address);
    view_time(json, "since", applicant->since_ms);
    view_time(json, "seen_at", applicant->seen_at_ms);
    json_out_integer(json, "tries", (int64_t)applicant->tries);
    json_out_object_end(json);
}

ErrCode api_applicants_list(const ApiRequest *request, ApiReply *reply, Err *err)
{
    Applicants *applicants = request->enrolment->applicants;
    Page page;
    ErrCode code = page_begin(&page, request, true, reply, err);
    if (code != ERR_NONE) {
        return code;
    }
    size_t count = applicants_count(applicants, clock_boot_ms());
    PageRow *rows = ARENA_ARRAY(request->arena, PageRow, count);
    for (size_t i = 0; i < count; i++) {
        const Applicant *one = applicants_at(applicants, i);
        rows[i] = (PageRow){ page_moment(one->since_ms, one->fingerprint, request->arena), one };
    }
    page_sort(rows, count);
    for (size_t i = 0; i < count && !page.has_more; i++) {
        if (page_wants(&page, rows[i].cursor, true)) {
            write_applicant(&page.json, request, rows[i].row);
        }
    }
    return page_end(&page, err);
}

static void answer_name(const char *name, ApiReply *reply)
{
    JsonOut json = json_out(&reply->body);
    json_out_object_begin(&json, NULL);
    json_out_string(&json, "name", name);
    json_out_object_end(&json);
}

/* The file is written: the row says of whom it is, and of which key. */
static void keep_shut_out(const ApiRequest *request, const char *name, const char *fingerprint)
{
    AuditRow *row = &request->deed->audit;
    row->agent = audit_text(name, AUDIT_WORDS_MAX, request->arena);
    row->detail = audit_text(fingerprint, AUDIT_DETAIL_MAX, request->arena);
    row->status = 200;
    shell_audit(request->shell, request->deed);
}

/* Before the file is written: an agent that nobody is known to have accepted is worse than a row of
 * one that did not become one, which the next row says. */
static ErrCode keep_acceptance(const ApiRequest *request, const Accepting *accepting, Err *err)
{
    AuditRow *row = &request->deed->audit;
    const char *replaced = accepting->replaced;
    row->agent = audit_text(accepting->name, AUDIT_WORDS_MAX, request->arena);
    row->detail = arena_printf(request->arena, "key %s%s%s", accepting->applicant.fingerprint,
                               replaced[0] == '\0' ? "" : ", in place of ", replaced);
    row->status = 200;
    ErrCode code = api_keep_now(request, err);
    return code == ERR_NONE ? ERR_NONE : err_wrap(err, "nobody is accepted");
}

static void keep_failure(const ApiRequest *request, ErrCode code)
{
    Deed deed = { .audit = request->deed->audit };
    deed.audit.status = problem_status(code);
    deed.audit.code = err_name(code);
    shell_audit(request->shell, &deed);
}

ErrCode api_applicant_accept(const ApiRequest *request, ApiReply *reply, Err *err)
{
    AUTO(Act) act = { 0 };
    Accepting accepting;
    const char *name = NULL;
    if (read_act(request, true, &act, err) != ERR_NONE) {
        return err->code;
    }
    const Acceptance acceptance = { request->path[0], act.name, act.replaces, act.note };
    if (enrolment_check(request->enrolment, &acceptance, &accepting, err) != ERR_NONE ||
        keep_acceptance(request, &accepting, err) != ERR_NONE) {
        return err->code;
    }
    ErrCode code = enrolment_accept(request->enrolment, &acceptance, &accepting, &name, err);
    if (code == ERR_NONE) {
        answer_name(name, reply);
    } else {
        keep_failure(request, code);
    }
    return code;
}

ErrCode api_applicant_reject(const ApiRequest *request, ApiReply *reply, Err *err)
{
    AUTO(Act) act = { 0 };
    ErrCode code = read_act(request, false, &act, err);
    if (code == ERR_NONE) {
        code = enrolment_reject(request->enrolment, request->path[0], &act.note, err);
    }
    if (code == ERR_NONE) {
        keep_shut_out(request, "", request->path[0]);
        answer_name("", reply);
    }
    return code;
}

ErrCode api_agent_revoke(const ApiRequest *request, ApiReply *reply, Err *err)
{
    AUTO(Act) act = { 0 };
    ErrCode code = read_act(request, false, &act, err);
    if (code == ERR_NONE) {
        code = enrolment_revoke(request->enrolment, request->path[0], &act.note, err);
    }
    if (code == ERR_NONE) {
        keep_shut_out(request, request->path[0], "");
        answer_name(request->path[0], reply);
    }
    return code;
}
