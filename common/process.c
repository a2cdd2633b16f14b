/* A process and its machine. */
#include "common/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/environment.h"

/* A limit of 0 alone does not keep a core from a handler that the kernel pipes it to; not being
 * dumpable does, and keeps processes of the same user out. */
void process_seal(void)
{
    static const struct rlimit NO_CORE = { 0, 0 };
    setrlimit(RLIMIT_CORE, &NO_CORE);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    environment_hide();
}

ErrCode process_be_daemon(const char *program, Err *err)
{
    umask(S_IRWXG | S_IRWXO);
    if (geteuid() != 0 && getuid() != 0) {
        return ERR_NONE;
    }
    err_set(err, ERR_FORBIDDEN, "%s does not run as root, and needs nothing of it", program);
    return err_hint(err,
                    "runuser -u skein -- %s …, User= in its unit, or USER in a container's file; "
                    "its key and its store then belong to that user",
                    program);
}
