/*
 * Letters: how the agent's threads talk to its loop, over one inproc socket. A letter is two
 * frames: the sender's name, and the bytes of an ordinary envelope (proto/envelope.h), or nothing
 * for "I have ended". So nothing is shared, and what crosses threads is checked like what crosses
 * the network.
 */
#ifndef SKEIN_AGENT_LETTER_H
#define SKEIN_AGENT_LETTER_H

#include "common/arena.h"
#include "common/err.h"
#include "common/zsock.h"
#include "proto/envelope.h"

typedef struct Letter {
    const char *from;  /* a target's address, or an instance's name */
    bool is_end;       /* the sender's thread is about to return; `envelope` is empty */
    Envelope envelope; /* its body lives in the arena */
} Letter;

/* The loop's end: bound at a name of its own in `context`. */
ErrCode letter_box_open(void *context, Zsock *ret_box, Err *err);

/* A thread's end; the thread closes it. Never blocks: the box is not bounded, its senders are. */
ErrCode letter_sender_open(void *context, Zsock *ret_sender, Err *err);

ErrCode letter_send(Zsock sender, const char *from, MessageType type, const void *body, Err *err);
ErrCode letter_send_end(Zsock sender, const char *from, Err *err);

/* ZSOCK_OK with *ret_letter in `arena`; ZSOCK_WOULD_BLOCK when there is none; ZSOCK_FAILED: err. */
ZsockResult letter_receive(Zsock box, Arena *arena, Letter *ret_letter, Err *err);

#endif
