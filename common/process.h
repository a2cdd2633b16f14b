/*
 * What a process of skein is to the machine it runs on: it holds keys and passwords, and gives them
 * to nobody who may only look.
 */
#ifndef SKEIN_COMMON_PROCESS_H
#define SKEIN_COMMON_PROCESS_H

#include "common/err.h"

/*
 * First in every main: no core dump, nobody but root reads the memory of this process or traces it,
 * and its environment is not to be seen. Cannot fail in a way that matters.
 */
void process_seal(void);

/*
 * For daemons: the files that it makes are its own user's only, and that user is not root
 * (ERR_FORBIDDEN), who has no need to be: nothing that skein does needs it.
 */
ErrCode process_be_daemon(const char *program, Err *err);

#endif
