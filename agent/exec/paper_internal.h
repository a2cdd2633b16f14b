/*
 * Between the runner and its paper: where runner->paper is not NULL, these write what else would be
 * sent. A parameter that only the run knows is the name of a psql variable, behind PAPER_VARIABLE.
 */
#ifndef SKEIN_AGENT_EXEC_PAPER_INTERNAL_H
#define SKEIN_AGENT_EXEC_PAPER_INTERNAL_H

#include "agent/exec/paper.h"
#include "agent/exec/step.h"

#define PAPER_VARIABLE "\001"
#define PAPER_TERM PAPER_VARIABLE "skein_term"
#define PAPER_TOKEN PAPER_VARIABLE "skein_token"
#define PAPER_BACKEND_START PAPER_VARIABLE "skein_backend_start"
#define PAPER_EVIDENCE PAPER_VARIABLE "skein_evidence"

/* ---- the script alone ---- */

/* With its parameters in their places; without an end. */
void paper_bound(Str *script, const char *sql, const char *const *params, size_t param_count);

/* The run stops with `message` unless the psql variable is true. */
void paper_demand(Str *script, const char *variable, const char *message);

/* ---- the script, and the list of what is sent ---- */

/* A step's batch, each answer looked at as row.c would. */
void paper_batch(Paper *paper, const Batch *batch);

/* Outside a transaction: skein's own settings; those of earlier parts; the statement. */
void paper_own(Paper *paper, const char *sql);
void paper_settings(Paper *paper, const char *sql);
void paper_run(Paper *paper, uint32_t number, const char *sql);

/* Asks for the evidence of a build, which becomes PAPER_EVIDENCE; and again, from the row, where
 * the script has it already. */
void paper_evidence(Paper *paper, const char *sql, const char *const *params, size_t param_count);
void paper_evidence_again(Paper *paper, const char *sql);

/* A probe that the run must pass. */
void paper_probe(Paper *paper, const char *sql, const char *const *params, size_t param_count);

#endif
