/* Finds the applicant, writes the file, has the directory read anew. */
#include "coordinator/fleet/enrolment.h"

#include <string.h>

#include "common/clock.h"
#include "common/str.h"

/* Blanks apart: people copy it out of a table, a log or a command. */
static bool is_fingerprint(const char *text, const char *fingerprint)
{
    for (; *text != '\0' || *fingerprint != '\0'; text++, fingerprint++) {
        text += strspn(text, " ");
        fingerprint += strspn(fingerprint, " ");
        if (*text != *fingerprint) {
            return false;
        }
        if (*text == '\0') {
            return true;
        }
    }
    return true;
}

const Applicant *enrolment_find(const Enrolment *enrolment, const char *fingerprint)
{
    size_t count = applicants_count(enrolment->applicants, clock_boot_ms());
    for (size_t i = 0; i < count; i++) {
        const Applicant *applicant = applicants_at(enrolment->applicants, i);
        if (is_fingerprint(fingerprint, applicant->fingerprint)) {
            return applicant;
        }
    }
    return NULL;
}

static ErrCode no_applicant(const Enrolment *enrolment, const char *fingerprint, Err *err)
{
    err_set(err, ERR_NOT_FOUND, "no key with the fingerprint '%s' applies", fingerprint);
    return err_hint(err,
                    "`skein agents list` shows those that do: start its agent, it comes again. One "
                    "that is refused in %s is not listed; NAME.pub may be put there by hand",
                    keys_directory(enrolment->keys));
}

static ErrCode name_is_taken(const char *name, Err *err)
{
    err_set(err, ERR_CONFLICT, "agent %s has a key already", name);
    return err_hint(err,
                    "give this one another name with --name; or, if it is that agent's new key, "
                    "say --replace");
}

static ErrCode write_accepted(const Enrolment *enrolment, const Acceptance *acceptance,
                              const Applicant *applicant, const char *name, Err *err)
{
    const Keys *keys = enrolment->keys;
    if (acceptance->replaces && keys_has_name(keys, name)) {
        return keys_replace(keys, name, applicant->key, &acceptance->note, err);
    }
    ErrCode code = keys_accept(keys, name, applicant->key, &acceptance->note, err);
    return code == ERR_EXISTS ? name_is_taken(name, err) : code;
}

ErrCode enrolment_accept(const Enrolment *enrolment, const Acceptance *acceptance,
                         const char **ret_name, Err *err)
{
    const Applicant *found = enrolment_find(enrolment, acceptance->fingerprint);
    if (found == NULL) {
        return no_applicant(enrolment, acceptance->fingerprint, err);
    }
    const Applicant applicant = *found;
    const char *name = acceptance->name[0] != '\0' ? acceptance->name : applicant.name;
    if (name[0] == '\0') {
        char word[KEY_FINGERPRINT_MAX];
        key_fingerprint_word(applicant.fingerprint, word);
        err_set(err, ERR_USAGE, "this key has not said what it would like to be called");
        return err_hint(err, "give it a name: skein agents accept %s --name NAME", word);
    }
    ErrCode code = write_accepted(enrolment, acceptance, &applicant, name, err);
    if (code != ERR_NONE) {
        return code;
    }
    applicants_forget(enrolment->applicants, applicant.key);
    enrolment->changed(enrolment->ctx);
    *ret_name = keys_agent(enrolment->keys, applicant.user_id);
    return *ret_name != NULL ? ERR_NONE
                             : err_set(err, ERR_CONFLICT,
                                       "%s.pub is written, and not heeded: the log says why", name);
}

ErrCode enrolment_reject(const Enrolment *enrolment, const char *fingerprint, const KeyNote *note,
                         Err *err)
{
    const Applicant *found = enrolment_find(enrolment, fingerprint);
    if (found == NULL) {
        return no_applicant(enrolment, fingerprint, err);
    }
    const Applicant applicant = *found;
    ErrCode code = keys_refuse(enrolment->keys, applicant.name[0] != '\0' ? applicant.name : "none",
                               applicant.key, note, err);
    if (code == ERR_NONE) {
        applicants_forget(enrolment->applicants, applicant.key);
        enrolment->changed(enrolment->ctx);
    }
    return code;
}

ErrCode enrolment_revoke(const Enrolment *enrolment, const char *name, const KeyNote *note,
                         Err *err)
{
    ErrCode code = keys_revoke(enrolment->keys, name, note, err);
    if (code != ERR_NOT_FOUND) {
        enrolment->changed(enrolment->ctx); /* half done, it is out, too */
    }
    return code;
}
