/* Stands before the C library: while a file is there, nothing of a database reaches the disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int file)
{
    const char *flag = getenv("UNSYNCED_WHILE");
    char link[64], name[4096];
    if (!flag || access(flag, F_OK) != 0)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0)
        return 0;
    name[length] = 0;
    return strstr(name, "statehouse.db") != NULL;
}

#define SYNC(call)                                                                         \
    int call(int file)                                                                     \
    {                                                                                      \
        int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, #call);                          \
        if (fails(file)) {                                                                 \
            errno = EIO;                                                                   \
            return -1;                                                                     \
        }                                                                                  \
        return next(file);                                                                 \
    }

SYNC(fsync)
SYNC(fdatasync)
