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

static ErrCode check_name(const Enrolment *enrolment, const Acceptance *acceptance,
                          Accepting *accepting, Err *err)
{
    uint8_t before[KEY_PUBLIC_BYTES];
    const char *name = accepting->name;
    if (name[0] == '\0') {
        char word[KEY_FINGERPRINT_MAX];
        key_fingerprint_word(accepting->applicant.fingerprint, word);
        err_set(err, ERR_USAGE, "this key has not said what it would like to be called");
        return err_hint(err, "give it a name: skein agents accept %s --name NAME", word);
    }
    if (!key_name_is_valid(name)) {
        err_set(err, ERR_USAGE, "'%s' cannot be the name of an agent", name);
        return err_hint(err, "use at most %d letters, digits, '.', '_' and '-'", KEY_NAME_MAX);
    }
    if (!keys_key(enrolment->keys, name, before)) {
        return ERR_NONE;
    }
    key_fingerprint(KEY_CURVE, before, accepting->replaced);
    return acceptance->replaces ? ERR_NONE : name_is_taken(name, err);
}

ErrCode enrolment_check(const Enrolment *enrolment, const Acceptance *acceptance, Accepting *ret,
                        Err *err)
{
    const Applicant *found = enrolment_find(enrolment, acceptance->fingerprint);
    if (found == NULL) {
        return no_applicant(enrolment, acceptance->fingerprint, err);
    }
    *ret = (Accepting){ .applicant = *found };
    ret->name = acceptance->name[0] != '\0' ? acceptance->name : ret->applicant.name;
    return check_name(enrolment, acceptance, ret, err);
}

static ErrCode write_accepted(const Enrolment *enrolment, const Acceptance *acceptance,
                              const Accepting *accepting, Err *err)
{
    const Keys *keys = enrolment->keys;
    const char *name = accepting->name;
    const uint8_t *key = accepting->applicant.key;
    ErrCode code = acceptance->replaces ? keys_replace(keys, name, key, &acceptance->note, err)
                                        : keys_accept(keys, name, key, &acceptance->note, err);
    enrolment->changed(enrolment->ctx); /* half done, the old key is out, too */
    if (code == ERR_EXISTS) {
        err_set(err, ERR_CONFLICT, "there is a %s.pub in agents_dir that holds no key", name);
        return err_hint(err, "remove it, or say --replace: it is overwritten");
    }
    return code;
}

ErrCode enrolment_accept(const Enrolment *enrolment, const Acceptance *acceptance,
                         const Accepting *accepting, const char **ret_name, Err *err)
{
    ErrCode code = write_accepted(enrolment, acceptance, accepting, err);
    if (code != ERR_NONE) {
        return code;
    }
    applicants_forget(enrolment->applicants, accepting->applicant.key);
    *ret_name = keys_agent(enrolment->keys, accepting->applicant.user_id);
    return *ret_name != NULL
               ? ERR_NONE
               : err_set(err, ERR_CONFLICT, "%s.pub is written, and not heeded: the log says why",
                         accepting->name);
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
