/* Whose signatures an agent wants: counting people, and saying who is missing. */
#include "proto/trust.h"

#include <string.h>

#include "common/cleanup.h"
#include "common/keyfile.h"

#define MISSING_SHOWN 3
#define BRING "`skein rollout retry --failed --plan FILE`"

static bool is_same_person(const TrustedKey *a, const TrustedKey *b)
{
    return a->person[0] != '\0' && str_equal(a->person, b->person);
}

static bool has_key_signed(const TrustedKey *key, const Bundle *bundle)
{
    return key->public_key.length == SIGN_PUBLIC_BYTES &&
           bundle_is_signed_by(bundle, key->public_key.data);
}

/* With any of their keys. `bundle` NULL: everybody has. */
static bool has_person_signed(const Trust *trust, size_t index, const Bundle *bundle)
{
    for (size_t i = 0; i < trust->count; i++) {
        bool is_theirs = i == index || is_same_person(&trust->keys[i], &trust->keys[index]);
        if (is_theirs && (bundle == NULL || has_key_signed(&trust->keys[i], bundle))) {
            return true;
        }
    }
    return false;
}

static bool is_first_key(const Trust *trust, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_same_person(&trust->keys[i], &trust->keys[index])) {
            return false;
        }
    }
    return true;
}

size_t trust_signed(const Trust *trust, const Bundle *bundle)
{
    size_t people = 0;
    for (size_t i = 0; i < trust->count; i++) {
        people += is_first_key(trust, i) && has_person_signed(trust, i, bundle);
    }
    return people;
}

size_t trust_people(const Trust *trust)
{
    return trust_signed(trust, NULL);
}

static size_t required(const Trust *trust)
{
    return trust->required == 0 ? 1 : trust->required;
}

bool trust_is_given(const Trust *trust, const Bundle *bundle)
{
    return trust_signed(trust, bundle) >= required(trust);
}

/* ---- words ---- */

static void write_key(const TrustedKey *key, Str *out)
{
    char fingerprint[KEY_FINGERPRINT_MAX];
    key_fingerprint(KEY_SIGN, key->public_key.data, fingerprint);
    if (key->person[0] == '\0') {
        str_append(out, fingerprint);
    } else {
        str_printf(out, "%s (%s)", key->person, fingerprint);
    }
}

/* Those who have signed, or those who have not: at most `shown`, each by the first of their keys
 * that did. */
static void write_people(const Trust *trust, const Bundle *bundle, bool has_signed, size_t shown,
                         Str *out)
{
    size_t count = 0;
    for (size_t i = 0; i < trust->count; i++) {
        bool is_meant = is_first_key(trust, i) && has_person_signed(trust, i, bundle) == has_signed;
        if (!is_meant || count++ >= shown) {
            continue;
        }
        str_append(out, count == 1 ? "" : ", ");
        write_key(&trust->keys[i], out);
    }
    if (count > shown) {
        str_printf(out, " and %zu more", count - shown);
    }
}

void trust_tell(const Trust *trust, const Bundle *bundle, Str *out)
{
    size_t people = trust_signed(trust, bundle);
    if (required(trust) == 1) {
        str_append(out, "trust none who have signed it (");
        bundle_write_signers(bundle, 0, out);
        str_append_char(out, ')');
    } else {
        str_printf(out, "want the signatures of %zu people, and it has %zu", required(trust),
                   people);
        str_append(out, people == 0 ? "" : ", of ");
        write_people(trust, bundle, true, PLAN_SIGNATURES_MAX, out);
    }
    if (trust_people(trust) > people) {
        str_append(out, ": it may be signed by ");
        write_people(trust, bundle, false, MISSING_SHOWN, out);
    } else {
        str_append(out, ": they trust nobody else");
    }
}

static ErrCode refuse_untrusted(const Bundle *bundle, const char *name, Err *err)
{
    AUTO(Str) signers = { 0 };
    bundle_write_signers(bundle, 0, &signers);
    err_set(err, ERR_SIGNATURE,
            "plan \"%s\" is not signed by a key that this agent trusts, only by %s", name,
            str_text(&signers));
    return err_hint(err, "sign it with a key of its trusted_signers (`skein plan sign FILE`), then "
                         "bring it again: " BRING);
}

ErrCode trust_refuse(const Trust *trust, const Bundle *bundle, const char *name, Err *err)
{
    size_t people = trust_signed(trust, bundle);
    if (required(trust) == 1) {
        return refuse_untrusted(bundle, name, err);
    }
    AUTO(Str) there = { 0 };
    AUTO(Str) missing = { 0 };
    write_people(trust, bundle, true, PLAN_SIGNATURES_MAX, &there);
    write_people(trust, bundle, false, MISSING_SHOWN, &missing);
    err_set(
        err, ERR_SIGNATURE,
        "plan \"%s\" wants the signatures of %zu people whom this agent trusts, and has %zu%s%s: "
        "%zu more %s missing",
        name, required(trust), people, people == 0 ? "" : ", of ", str_text(&there),
        required(trust) - people, required(trust) - people == 1 ? "is" : "are");
    return err_hint(
        err,
        "the same plan is signed by somebody else whom it trusts (%s): `skein plan sign "
        "FILE`, then bring it again: " BRING,
        str_text(&missing));
}

bool trust_takes_end(const Trust *trust, const Plan *plan)
{
    return !trust->wants_end || plan->apply_until_s != 0;
}

ErrCode trust_refuse_endless(const char *name, Err *err)
{
    err_set(err, ERR_SIGNATURE,
            "plan \"%s\" may be applied for ever, and this agent applies only plans that end "
            "(plans_must_expire)",
            name);
    return err_hint(err, "plan and sign it anew with an end: `skein rollout start FILE "
                         "--apply-until 7d`");
}
