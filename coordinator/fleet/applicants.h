/*
 * Applicants: keys that are no agent's and would like to be. The gate lets so many of them in that
 * each can say who it is; the router hears a KNOCK and a HELLO of them and nothing else, and
 * answers with BUSY until a person has accepted or rejected the key.
 *
 * | a key is  | because                          | at the gate | its messages          |
 * |-----------|----------------------------------|-------------|-----------------------|
 * | accepted  | agents_dir has it in a NAME.pub  | let in      | an agent's            |
 * | refused   | agents_dir has it in a .refused  | kept out    | dropped               |
 * | applying  | neither, and there is room here  | let in      | KNOCK, HELLO: BUSY    |
 * | unknown   | neither, and there is none       | kept out    | dropped               |
 *
 * Anybody can make keys, so all is bounded: how many apply in all and from one address, how often
 * one comes in and speaks. Who is silent for a while is forgotten and makes room. Nothing is kept
 * over a restart: applicants come again. No sockets here.
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

#define APPLICANTS_MAX 64
#define APPLICANTS_PER_ADDRESS_MAX 16
#define APPLICANT_SILENCE_MS (10 * 60 * 1000)

typedef struct Applicant {
    uint8_t key[KEY_PUBLIC_BYTES];
    char user_id[KEY_TEXT_MAX]; /* the key as text */
    char fingerprint[KEY_FINGERPRINT_MAX];
    char address[ZAP_TEXT_MAX + 1]; /* from where it came last */
    char name[KEY_NAME_MAX + 1];    /* that it claims; "": none yet */
    int64_t since_ms;               /* wall clock */
    uint64_t heard_ms;              /* boot-time clock */
    Bucket visits;                  /* through the gate */
    Bucket words;
} Applicant;

typedef struct Applicants Applicants;

Applicants *applicants_new(void);
void applicants_free(Applicants *applicants);

AUTO_PTR_DEFINE(Applicants, applicants_free)

/* At the gate: may this key come in and apply? The key is neither an agent's nor refused. */
bool applicants_admit(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES],
                      const char *address, uint64_t now_ms);

/* It has sent a message. NULL: it is none, or speaks too often. Valid until the next call that
 * changes the list. */
Applicant *applicants_hear(Applicants *applicants, const char *user_id, uint64_t now_ms);

/* It is accepted or refused, or wanted no more. */
void applicants_forget(Applicants *applicants, const uint8_t key[KEY_PUBLIC_BYTES]);

/* Those that have been heard of within APPLICANT_SILENCE_MS, the first to come first. */
size_t applicants_count(Applicants *applicants, uint64_t now_ms);
const Applicant *applicants_at(const Applicants *applicants, size_t index);

#endif
