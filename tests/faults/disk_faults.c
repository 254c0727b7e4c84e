/* A library for LD_PRELOAD that makes the N-th operation on files below one folder fail, as SQLite's test shim does.
 *
 * It stands between a process and the C library, so it meets what Python, Arrow, numpy, SQLite, zstd, Rust and C code write alike.
 * Counted are operations that change the disk: making a file or folder, write, fsync, rename, link, close of a file that was open
 * for writing, truncate, unlink and rmdir; or, in the modes READ_ONCE and UNREADABLE, those that read: opening a file that is there,
 * and read. Nothing is counted until fault_arm was called; Python calls it through ctypes.
 * What it cannot see: loads from and stores into a mapped file (a bad sector there is SIGBUS), and system calls that a program makes
 * without the C library.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ONCE, STAYS, SHORT, READ_ONCE, UNREADABLE };            /* how it fails: mode of fault_arm; the last: all further reads of that file */
enum { MAKE, WRITE, SYNC, RENAME, LINK, CLOSE, TRUNCATE, REMOVE, OPEN_FILE, READ }; /* kinds of operation */
static const char *const KINDS[] = {"make", "write", "fsync", "rename", "link", "close", "truncate", "remove", "open", "read"};

static char root[4096];
static size_t root_length;
static atomic_long done, failed;
static long fail_at;
static int fail_errno, fail_mode;
static volatile int armed;
static char what[4300], bad_file[4096];
static FILE *listing;

#define REAL(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* Count from now on; the operation number `number` (from 1) fails with `error`. 0: none fails. */
void fault_arm(const char *folder, long number, int error, int mode) {
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    what[0] = bad_file[0] = 0;
    fail_at = number, fail_errno = error, fail_mode = mode;
    atomic_store(&done, 0), atomic_store(&failed, 0);
    armed = 1;
}
void fault_disarm(void) { armed = 0; }
/* Write a line for each operation to an open descriptor; -1: no more. */
void fault_list(int descriptor) { listing = descriptor < 0 ? NULL : fdopen(descriptor, "w"); }
long fault_count(void) { return atomic_load(&done); }
long fault_failures(void) { return atomic_load(&failed); }
const char *fault_what(void) { return what; }

static int below(const char *path) {
    return !strncmp(path, root, root_length) && (path[root_length] == '/' || path[root_length] == 0);
}

/* Whether this operation shall fail. */
static int meet(int kind, const char *path) {
    if (!armed || (fail_mode >= READ_ONCE) != (kind >= OPEN_FILE) || !below(path)) return 0;
    if (fail_mode == UNREADABLE && bad_file[0] && !strcmp(bad_file, path)) return 1;
    long number = atomic_fetch_add(&done, 1) + 1;
    if (listing) fprintf(listing, "%ld %s %s\n", number, KINDS[kind], path), fflush(listing);
    if (!fail_at || number < fail_at || (fail_mode != STAYS && number > fail_at)) return 0;
    if (fail_mode == UNREADABLE) snprintf(bad_file, sizeof bad_file, "%s", path);
    if (number > fail_at && fail_errno != EIO && (kind == REMOVE || kind == CLOSE)) return 0; /* a full disk still forgets files */
    if (!atomic_fetch_add(&failed, 1)) snprintf(what, sizeof what, "%s %s", KINDS[kind], path);
    return 1;
}

static void path_of(int descriptor, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, 4095);
    path[length > 0 ? length : 0] = 0;
}

static void path_at(int folder, const char *name, char *path) {
    if (name[0] == '/') {
        snprintf(path, 4096, "%s", name);
        return;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(path, 4096)) path[0] = 0;
    } else {
        path_of(folder, path);
    }
    size_t length = strlen(path);
    snprintf(path + length, 4096 - length, "/%s", name);
}

static int meet_name(int kind, int folder, const char *name) {
    if (!armed || !name) return 0;
    char path[4096];
    path_at(folder, name, path);
    return meet(kind, path);
}

static int meet_file(int kind, int descriptor) {
    if (!armed) return 0;
    char path[4096];
    path_of(descriptor, path);
    return meet(kind, path);
}

/* Whether opening it is reading: a file that is there, and no folder. */
static int opens(int folder, const char *name, int flags) {
    struct stat status;
    if (!armed || fail_mode < READ_ONCE || (flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH)) return 0;
    return !fstatat(folder, name, &status, 0) && S_ISREG(status.st_mode) && meet_name(OPEN_FILE, folder, name);
}

static int meet_read(int descriptor) { return fail_mode >= READ_ONCE && meet_file(READ, descriptor); }

static int is_written(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    return flags != -1 && (flags & O_ACCMODE) != O_RDONLY;
}

#define FAIL_IF(condition, value) \
    do {                          \
        if (condition) {          \
            errno = fail_errno;   \
            return value;         \
        }                         \
    } while (0)

/* --- making */
static int makes(int folder, const char *name, int flags) {
    return (flags & O_CREAT) && faccessat(folder, name, F_OK, 0) && meet_name(MAKE, folder, name);
}
#define OPEN(name)                                                                 \
    int name(const char *path, int flags, ...) {                                   \
        va_list rest;                                                              \
        va_start(rest, flags);                                                     \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;  \
        va_end(rest);                                                              \
        FAIL_IF(armed && (makes(AT_FDCWD, path, flags) || opens(AT_FDCWD, path, flags)), -1); \
        return (REAL(name))(path, flags, mode);                                    \
    }
#define OPENAT(name)                                                               \
    int name(int folder, const char *path, int flags, ...) {                       \
        va_list rest;                                                              \
        va_start(rest, flags);                                                     \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;  \
        va_end(rest);                                                              \
        FAIL_IF(armed && (makes(folder, path, flags) || opens(folder, path, flags)), -1); \
        return (REAL(name))(folder, path, flags, mode);                            \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
#define FOPEN(name)                                                                                 \
    FILE *name(const char *path, const char *mode) {                                                \
        FAIL_IF(armed && mode[0] != 'r' && access(path, F_OK) && meet_name(MAKE, AT_FDCWD, path), NULL); \
        FAIL_IF(armed && mode[0] == 'r' && opens(AT_FDCWD, path, O_RDONLY), NULL);                      \
        return (REAL(name))(path, mode);                                                            \
    }
FOPEN(fopen)
FOPEN(fopen64)
int mkdir(const char *path, mode_t mode) {
    FAIL_IF(armed && access(path, F_OK) && meet_name(MAKE, AT_FDCWD, path), -1);
    return (REAL(mkdir))(path, mode);
}
int mkdirat(int folder, const char *path, mode_t mode) {
    FAIL_IF(armed && faccessat(folder, path, F_OK, 0) && meet_name(MAKE, folder, path), -1);
    return (REAL(mkdirat))(folder, path, mode);
}

/* --- writing; a full disk first takes a part of the bytes, and says so only at the next write (SHORT) */
#define WRITING(name, arguments, call, half)                      \
    ssize_t name arguments {                                      \
        if (meet_file(WRITE, descriptor)) {                       \
            if (fail_mode != SHORT) FAIL_IF(1, -1);               \
            if (half) {                                           \
                fail_at++, fail_mode = STAYS;                     \
                size = half;                                      \
            } else FAIL_IF(1, -1);                                \
        }                                                         \
        return (REAL(name))call;                                  \
    }
WRITING(write, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size), size / 2)
WRITING(pwrite, (int descriptor, const void *bytes, size_t size, off_t at), (descriptor, bytes, size, at), size / 2)
WRITING(pwrite64, (int descriptor, const void *bytes, size_t size, off64_t at), (descriptor, bytes, size, at), size / 2)
#define WRITING_PARTS(name, arguments, call)         \
    ssize_t name arguments {                         \
        FAIL_IF(meet_file(WRITE, descriptor), -1);   \
        return (REAL(name))call;                     \
    }
WRITING_PARTS(writev, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count))
WRITING_PARTS(pwritev, (int descriptor, const struct iovec *parts, int count, off_t at), (descriptor, parts, count, at))
WRITING_PARTS(pwritev64, (int descriptor, const struct iovec *parts, int count, off64_t at), (descriptor, parts, count, at))
WRITING_PARTS(sendfile, (int descriptor, int from, off_t *at, size_t size), (descriptor, from, at, size))
WRITING_PARTS(sendfile64, (int descriptor, int from, off64_t *at, size_t size), (descriptor, from, at, size))
ssize_t copy_file_range(int from, off64_t *from_at, int descriptor, off64_t *at, size_t size, unsigned flags) {
    FAIL_IF(meet_file(WRITE, descriptor), -1);
    return (REAL(copy_file_range))(from, from_at, descriptor, at, size, flags);
}
/* C's own buffer: numpy writes arrays through it, and the bytes may reach the disk as late as fclose */
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
    int descriptor = armed && file != listing ? fileno(file) : -1;
    FAIL_IF(descriptor > 2 && size * count >= BUFSIZ && meet_file(WRITE, descriptor), 0);
    return (REAL(fwrite))(bytes, size, count, file);
}
int fclose(FILE *file) {
    int descriptor = armed ? fileno(file) : -1;
    int fails = descriptor > 2 && is_written(descriptor) && meet_file(CLOSE, descriptor);
    if (fails) {
        extern void __fpurge(FILE *);
        __fpurge(file); /* what was not written yet is lost */
    }
    int code = (REAL(fclose))(file);
    FAIL_IF(fails, EOF);
    return code;
}

/* --- reading */
#define READING(name, arguments, call)                      \
    ssize_t name arguments {                                \
        FAIL_IF(armed && meet_read(descriptor), -1);        \
        return (REAL(name))call;                            \
    }
READING(read, (int descriptor, void *bytes, size_t size), (descriptor, bytes, size))
READING(pread, (int descriptor, void *bytes, size_t size, off_t at), (descriptor, bytes, size, at))
READING(pread64, (int descriptor, void *bytes, size_t size, off64_t at), (descriptor, bytes, size, at))
READING(readv, (int descriptor, const struct iovec *parts, int count), (descriptor, parts, count))
READING(preadv, (int descriptor, const struct iovec *parts, int count, off_t at), (descriptor, parts, count, at))
READING(preadv64, (int descriptor, const struct iovec *parts, int count, off64_t at), (descriptor, parts, count, at))
size_t fread(void *bytes, size_t size, size_t count, FILE *file) {
    int descriptor = armed && fail_mode >= READ_ONCE ? fileno(file) : -1;
    FAIL_IF(descriptor > 2 && meet_read(descriptor), 0);
    return (REAL(fread))(bytes, size, count, file);
}

/* --- fsync, close, truncate */
#define ON_FILE(kind, name, arguments, call)       \
    int name arguments {                           \
        FAIL_IF(meet_file(kind, descriptor), -1);  \
        return (REAL(name))call;                   \
    }
ON_FILE(SYNC, fsync, (int descriptor), (descriptor))
ON_FILE(SYNC, fdatasync, (int descriptor), (descriptor))
ON_FILE(TRUNCATE, ftruncate, (int descriptor, off_t size), (descriptor, size))
ON_FILE(TRUNCATE, ftruncate64, (int descriptor, off64_t size), (descriptor, size))
ON_FILE(TRUNCATE, fallocate, (int descriptor, int mode, off_t at, off_t size), (descriptor, mode, at, size))
ON_FILE(TRUNCATE, fallocate64, (int descriptor, int mode, off64_t at, off64_t size), (descriptor, mode, at, size))
int posix_fallocate(int descriptor, off_t at, off_t size) {
    if (meet_file(TRUNCATE, descriptor)) return fail_errno;
    return (REAL(posix_fallocate))(descriptor, at, size);
}
int close(int descriptor) {
    int fails = armed && is_written(descriptor) && meet_file(CLOSE, descriptor);
    int code = (REAL(close))(descriptor); /* the descriptor is gone either way, as in Linux */
    FAIL_IF(fails, -1);
    return code;
}

/* --- names */
int rename(const char *from, const char *to) {
    FAIL_IF(meet_name(RENAME, AT_FDCWD, to), -1);
    return (REAL(rename))(from, to);
}
int renameat(int from_folder, const char *from, int folder, const char *to) {
    FAIL_IF(meet_name(RENAME, folder, to), -1);
    return (REAL(renameat))(from_folder, from, folder, to);
}
int renameat2(int from_folder, const char *from, int folder, const char *to, unsigned flags) {
    FAIL_IF(meet_name(RENAME, folder, to), -1);
    return (REAL(renameat2))(from_folder, from, folder, to, flags);
}
int link(const char *from, const char *to) {
    FAIL_IF(meet_name(LINK, AT_FDCWD, to), -1);
    return (REAL(link))(from, to);
}
int linkat(int from_folder, const char *from, int folder, const char *to, int flags) {
    FAIL_IF(meet_name(LINK, folder, to), -1);
    return (REAL(linkat))(from_folder, from, folder, to, flags);
}
int symlink(const char *from, const char *to) {
    FAIL_IF(meet_name(LINK, AT_FDCWD, to), -1);
    return (REAL(symlink))(from, to);
}
int unlink(const char *path) {
    FAIL_IF(armed && !access(path, F_OK) && meet_name(REMOVE, AT_FDCWD, path), -1);
    return (REAL(unlink))(path);
}
int unlinkat(int folder, const char *path, int flags) {
    FAIL_IF(armed && !faccessat(folder, path, F_OK, 0) && meet_name(REMOVE, folder, path), -1);
    return (REAL(unlinkat))(folder, path, flags);
}
int rmdir(const char *path) {
    FAIL_IF(armed && !access(path, F_OK) && meet_name(REMOVE, AT_FDCWD, path), -1);
    return (REAL(rmdir))(path);
}
