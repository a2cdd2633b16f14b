/*
 * Applicants: keys that are no agent's and would like to be. Every one that comes to the gate is
 * noted here, for a person to accept or reject by its fingerprint. It stays outside: what a peer
 * has sent before anybody knows it costs memory in libzmq. Where applicants may enter
 * (`enrolment: true`), the gate lets so many of them in that each can say who it is; the router
 * hears a KNOCK and a HELLO of those and nothing else, and answers with BUSY.
 *
 * | a key is  | because                              | at the gate     | its messages          |
 * |-----------|--------------------------------------|-----------------|-----------------------|
 * | accepted  | agents_dir has it in a NAME.pub      | let in          | an agent's            |
 * | refused   | agents_dir has it in a .refused      | kept out        | dropped               |
 * | inside    | neither, may enter, there is room    | let in          | KNOCK, HELLO: BUSY    |
 * | noted     | neither, and there is a place here   | kept out        | dropped               |
 * | unknown   | neither, and there is none           | kept out        | dropped               |
 *
 * Anybody can make keys, so all is bounded: how many places there are, in all and for one address;
 * how often who is inside comes in and speaks. When no place is free:
 *
 * | the newcomer's address has     | the place that it gets                                     |
 * |--------------------------------|------------------------------------------------------------|
 * | as many as one may have        | one of that address                                        |
 * | fewer, and somebody is silent  | the one that was seen longest ago                          |
 * | fewer, by two, than another    | one of the address that has the most                       |
 * | about as many as any           | one of its own, if it has any; else none                   |
 *
 * and there the one that has come least often, then the one that was seen longest ago: an agent
 * comes again and again, every few seconds, and keys that are made for a flood come once. So
 * whoever has been silent for a minute is no agent that waits; a flood that is to fill all places
 * has to come from as many addresses all the time. Who is inside keeps its place. Who has not been
 * seen for a while is forgotten. Nothing is kept over a restart: applicants come again. No sockets
 * here.
 */
#ifndef SKEIN_COORDINATOR_FLEET_APPLICANTS_H
#define SKEIN_COORDINATOR_FLEET_APPLICANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cleanup.h"
#include "common/keyfile.h"
#include "common/zap.h"
#include "coordinator/fleet/bucket.h"
#include "proto/values.h"

#define APPLICANTS_MAX 256
#define APPLICANTS_PER_ADDRESS_MAX 16
#define APPLICANTS_INSIDE_MAX 64
#define APPLICANT_SILENCE_MS (10 * 60 * 1000)
#define APPLICANT_GIVES_WAY_MS (60 * 1000) /* silent for so long, where no place is free */

typedef struct Applicant {
    uint8_t key[KEY_PUBLIC_BYTES];
    char user_id[KEY_TEXT_MAX]; /* the key as text */
    char fingerprint[KEY_FINGERPRINT_MAX];
    char address[ZAP_TEXT_MAX + 1]; /* from where it came last */
    char name[KEY_NAME_MAX + 1];    /* that it claims; "": none yet */
    bool is_inside;
    uint64_t tries;     /* how often it has come to the gate */
    int64_t since_ms;   /* wall clock */
    int64_t seen_at_ms; /* wall clock: when it came or spoke last */
    uint64_t seen_ms;   /* the same on the boot-time clock */
    Bucket visits;      /* through the gate */
    Bucket words;
} Applicant;

typedef struct Applicants Applicants;

/* `may_enter`: they are let in to say who they are. */
Applicants *applicants_new(bool may_enter);
void applicants_free(Applicants *applicants);

AUTO_PTR_DEFINE(Applicants, applicants_free)

/* At the gate: a key that is neither an agent's nor refused has come. NULL: there is no place for
 * it. Valid until the next call that changes the list. */
Applicant *applicants_note(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES],
                           const char *address, uint64_t now_ms);

/* May the one that was just noted come in? */
bool applicants_admit(Applicants *applicants, Applicant *applicant, uint64_t now_ms);

/* It has sent a message. NULL: it is not inside, or speaks too often. Valid until the next call
 * that changes the list. */
Applicant *applicants_hear(Applicants *applicants, const char *user_id, uint64_t now_ms);

/* It is accepted or refused, or wanted no more. */
void applicants_forget(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES]);

/* Those that have been seen within APPLICANT_SILENCE_MS, the first to come first. */
size_t applicants_count(Applicants *applicants, uint64_t now_ms);
const Applicant *applicants_at(const Applicants *applicants, size_t index);

#endif
