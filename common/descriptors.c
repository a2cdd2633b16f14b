/* The limit of open files. */
#include "common/descriptors.h"

#include <errno.h>
#include <sys/resource.h>

ErrCode descriptors_require(uint64_t need, Err *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot read the limit of open files");
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return err_set_errno(err, ERR_IO, errno, "cannot raise the limit of open files to %llu",
                             (unsigned long long)limit.rlim_max);
    }
    if (limit.rlim_cur < need) {
        err_set(err, ERR_LIMIT, "%llu open files are needed, the limit is %llu",
                (unsigned long long)need, (unsigned long long)limit.rlim_cur);
        return err_hint(err, "raise it: LimitNOFILE= in the unit, or ulimit -n");
    }
    return ERR_NONE;
}
