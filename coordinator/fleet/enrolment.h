/*
 * Enrolment: what people do about keys. Each act is a file in agents.d, written before it is
 * answered, and heeded at once, also on connections that stand. One name, one key: what is accepted
 * under a name that has a key already is refused, unless it is said to replace it.
 */
#ifndef SKEIN_COORDINATOR_FLEET_ENROLMENT_H
#define SKEIN_COORDINATOR_FLEET_ENROLMENT_H

#include "coordinator/fleet/applicants.h"
#include "coordinator/fleet/invitations.h"
#include "coordinator/fleet/keys.h"
#include "coordinator/fleet/known_keys.h"
#include "coordinator/shell.h"

typedef struct Enrolment {
    const Keys *keys;
    Applicants *applicants;
    void *ctx;
    void (*changed)(void *ctx); /* agents.d is another one now: reads it */
    Invitations *invitations;
    Shell *shell; /* keeps what is done in the store */
    KnownKeys *known_keys;
    uint8_t own_key[KEY_PUBLIC_BYTES]; /* the coordinator's, public */
} Enrolment;

/*
 * The applicant with this fingerprint, in full, with or without its blanks. NULL: there is none
 * now. A key's beginning is not enough: keys with the same one can be made.
 */
const Applicant *enrolment_find(const Enrolment *enrolment, const char *fingerprint);

typedef struct Acceptance {
    const char *fingerprint;
    const char *name; /* "": as it would like to be called */
    bool replaces;    /* the key that an agent of that name has, which is refused from now on */
    KeyNote note;
} Acceptance;

/* What an acceptance comes to. */
typedef struct Accepting {
    Applicant applicant;
    const char *name;                   /* of the acceptance, or in `applicant` */
    char replaced[KEY_FINGERPRINT_MAX]; /* the key that will be refused; "": none */
} Accepting;

/*
 * Can it be done? Changes nothing. ERR_NOT_FOUND: no such applicant; ERR_USAGE: no agent can have
 * that name, or it has told none; ERR_CONFLICT: the name has a key, and it is not to be replaced.
 * *ret does not move: `name` may point into it.
 */
ErrCode enrolment_check(const Enrolment *enrolment, const Acceptance *acceptance, Accepting *ret,
                        Err *err);

/*
 * Makes the applicant of a check an agent. ERR_CONFLICT: there is a NAME.pub that holds no key, and
 * it is not to be replaced; ERR_IO: agents_dir cannot be written. What half of it was done counts
 * at once. *ret_name lives as long as the keys do not change.
 */
ErrCode enrolment_accept(const Enrolment *enrolment, const Acceptance *acceptance,
                         const Accepting *accepting, const char **ret_name, Err *err);

/* Keeps the key out for good. ERR_NOT_FOUND, ERR_IO. */
ErrCode enrolment_reject(const Enrolment *enrolment, const char *fingerprint, const KeyNote *note,
                         Err *err);

/* The agent is none any more, and its key is kept out for good. ERR_NOT_FOUND, ERR_IO. */
ErrCode enrolment_revoke(const Enrolment *enrolment, const char *name, const KeyNote *note,
                         Err *err);

#endif
