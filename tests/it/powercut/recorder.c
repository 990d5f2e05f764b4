/* Loaded into a program (LD_PRELOAD), it writes down what the program does to the files below one directory: a log from which the test
 * rebuilds what a disk would hold if the power went at any moment (disk.rs). It changes nothing of what the program does.
 *
 *   NIGHTDESK_POWERCUT_DIR  the directory, absolute and without links
 *   NIGHTDESK_POWERCUT_LOG  the log, outside of it; several processes may append to it
 *
 * Each operation is done and then written down under one lock. A SIGKILL in between leaves an operation that was done and is not in the
 * log: it looks as if it had not reached the disk, which no caller was told of yet.
 *
 * It knows the calls that the program uses, no others: the test compares the files with the log and so finds a call that is missing here.
 * Left out are the -shm files, memory that SQLite builds anew when the first connection opens. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))

/* What stands before the names and the data of each operation; little endian, as the machine is. */
struct head {
    uint32_t length; /* of all, this included */
    uint8_t kind;    /* c(reate) w(rite) t(runcate) s(ync) d(irectory sync) r(ename) u(nlink) */
    uint8_t unused;
    uint16_t name_length;
    uint64_t offset; /* of a write; the new size of a truncation */
    uint16_t second_length; /* of the name after a rename */
    uint16_t unused_too[7];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *root;
static size_t root_length;
static int log_fd = -1;

_Static_assert(sizeof(struct head) == 32, "recording.rs reads 32 bytes");

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

static void fail(const char *what) {
    dprintf(2, "powercut: %s: %s\n", what, strerror(errno));
    abort(); /* a log with a hole would make the test lie */
}

static void begin(void) {
    const char *log = getenv("NIGHTDESK_POWERCUT_LOG");
    const char *dir = getenv("NIGHTDESK_POWERCUT_DIR");
    if (!log || !dir) return;
    log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_fd < 0) fail("the log cannot be opened");
    root_length = strlen(dir);
    root = dir;
}

/* Returns the name below the directory, "" for the directory itself, or NULL for a file that is not watched. */
static const char *below(const char *path) {
    pthread_once(&once, begin);
    if (!root || strncmp(path, root, root_length) != 0) return NULL;
    if (path[root_length] == 0) return path + root_length;
    if (path[root_length] != '/') return NULL;
    size_t length = strlen(path);
    if (length > 4 && strcmp(path + length - 4, "-shm") == 0) return NULL;
    return path + root_length + 1;
}

/* Returns the name of an open file as it is now, or NULL for one that is not watched or has no name any more. */
static const char *name_of(int fd, char path[PATH_MAX], struct stat *stat) {
    char link[64];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    const char *name = NULL;
    if (length > 0) {
        path[length] = 0;
        name = below(path);
        if (name && (fstat(fd, stat) != 0 || stat->st_nlink == 0)) name = NULL;
        if (name && !S_ISREG(stat->st_mode) && !S_ISDIR(stat->st_mode)) name = NULL;
    }
    errno = saved;
    return name;
}

/* Returns the name that a path stands for, its directory without links, or NULL. */
static const char *name_at(const char *path, char resolved[PATH_MAX]) {
    char dir[PATH_MAX];
    int saved = errno;
    const char *name = NULL, *slash = strrchr(path, '/');
    if (strlen(path) < PATH_MAX) {
        strcpy(dir, slash ? path : ".");
        if (slash) dir[slash == path ? 1 : slash - path] = 0;
        const char *base = slash ? slash + 1 : path;
        if (realpath(dir, resolved) && strlen(resolved) + strlen(base) + 2 < PATH_MAX) {
            strcat(strcat(resolved, "/"), base);
            name = below(resolved);
        }
    }
    errno = saved;
    return name;
}

static void lock(void) {
    pthread_mutex_lock(&mutex);
    while (flock(log_fd, LOCK_EX) != 0)
        if (errno != EINTR) fail("the log cannot be locked");
}

static void unlock(void) {
    flock(log_fd, LOCK_UN);
    pthread_mutex_unlock(&mutex);
}

static void note(char kind, const char *name, const char *second, uint64_t offset, const void *data, size_t size) {
    struct head head = {.kind = (uint8_t)kind, .offset = offset};
    head.name_length = (uint16_t)strlen(name);
    head.second_length = second ? (uint16_t)strlen(second) : 0;
    head.length = (uint32_t)(sizeof head + head.name_length + head.second_length + size);
    struct iovec parts[] = {
        {&head, sizeof head}, {(void *)name, head.name_length}, {(void *)second, head.second_length}, {(void *)data, size}};
    if (REAL(writev)(log_fd, parts, 4) != (ssize_t)head.length) fail("the log cannot be written");
}

/* Does `call` and notes it if it succeeded; errno is the call's own. */
#define DONE(type, call, noted)              \
    do {                                     \
        lock();                              \
        type result = (call);                \
        int saved = errno;                   \
        if (result >= 0) { noted; }          \
        unlock();                            \
        errno = saved;                       \
        return result;                       \
    } while (0)

/* --- names --------------------------------------------------------------------------------------------------------------------- */

static int open_noted(int at, const char *path, int flags, mode_t mode) {
    char resolved[PATH_MAX];
    struct stat stat;
    const char *name = at == AT_FDCWD || path[0] == '/' ? name_at(path, resolved) : NULL;
    if (!name || !(flags & (O_CREAT | O_TRUNC))) return REAL(openat)(at, path, flags, mode);
    lock();
    int old = lstat(resolved, &stat) == 0;
    int fd = REAL(openat)(at, path, flags, mode);
    int saved = errno;
    if (fd >= 0 && !old) note('c', name, NULL, 0, NULL, 0);
    if (fd >= 0 && old && (flags & O_TRUNC)) note('t', name, NULL, 0, NULL, 0);
    unlock();
    errno = saved;
    return fd;
}

#define MODE(flags)                          \
    mode_t mode = 0;                         \
    if ((flags) & (O_CREAT | O_TMPFILE)) {   \
        va_list list;                        \
        va_start(list, flags);               \
        mode = va_arg(list, mode_t);         \
        va_end(list);                        \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_noted(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_noted(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE(flags) return open_noted(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return open_noted(at, path, flags, mode); }

int rename(const char *from, const char *to) {
    char from_path[PATH_MAX], to_path[PATH_MAX];
    const char *name = name_at(from, from_path), *second = name_at(to, to_path);
    if (!name || !second) return REAL(rename)(from, to);
    DONE(int, REAL(rename)(from, to), note('r', name, second, 0, NULL, 0));
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    char from_path[PATH_MAX], to_path[PATH_MAX];
    const char *name = from_at == AT_FDCWD ? name_at(from, from_path) : NULL;
    const char *second = to_at == AT_FDCWD ? name_at(to, to_path) : NULL;
    if (!name || !second) return REAL(linkat)(from_at, from, to_at, to, flags);
    DONE(int, REAL(linkat)(from_at, from, to_at, to, flags), note('l', name, second, 0, NULL, 0));
}

int unlink(const char *path) {
    char resolved[PATH_MAX];
    const char *name = name_at(path, resolved);
    if (!name) return REAL(unlink)(path);
    DONE(int, REAL(unlink)(path), note('u', name, NULL, 0, NULL, 0));
}

/* --- contents ------------------------------------------------------------------------------------------------------------------ */

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    char path[PATH_MAX];
    struct stat stat;
    const char *name = name_of(fd, path, &stat);
    if (!name) return REAL(pwrite64)(fd, data, size, offset);
    DONE(ssize_t, REAL(pwrite64)(fd, data, size, offset), note('w', name, NULL, offset, data, result));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

/* A write without an offset ended where the file's position is now. */
static uint64_t start_of(int fd, ssize_t written) { return (uint64_t)(lseek64(fd, 0, SEEK_CUR) - written); }

ssize_t write(int fd, const void *data, size_t size) {
    char path[PATH_MAX];
    struct stat stat;
    const char *name = name_of(fd, path, &stat);
    if (!name) return REAL(write)(fd, data, size);
    DONE(ssize_t, REAL(write)(fd, data, size), note('w', name, NULL, start_of(fd, result), data, result));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[PATH_MAX];
    struct stat stat;
    if (!name_of(fd, path, &stat)) return REAL(writev)(fd, parts, count);
    ssize_t all = 0; /* part by part: a reader may see the seams, the disk does not */
    for (int i = 0; i < count; i++) {
        ssize_t written = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (written < 0) return all ? all : written;
        all += written;
        if ((size_t)written < parts[i].iov_len) break;
    }
    return all;
}

int ftruncate64(int fd, off64_t size) {
    char path[PATH_MAX];
    struct stat stat;
    const char *name = name_of(fd, path, &stat);
    if (!name) return REAL(ftruncate64)(fd, size);
    DONE(int, REAL(ftruncate64)(fd, size), note('t', name, NULL, size, NULL, 0));
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* The lock is held over the sync: what is written meanwhile is noted after it and does not count as synced. */
int fsync(int fd) {
    char path[PATH_MAX];
    struct stat stat;
    const char *name = name_of(fd, path, &stat);
    if (!name) return REAL(fsync)(fd);
    DONE(int, REAL(fsync)(fd), note(S_ISDIR(stat.st_mode) ? 'd' : 's', name, NULL, 0, NULL, 0));
}

int fdatasync(int fd) {
    char path[PATH_MAX];
    struct stat stat;
    const char *name = name_of(fd, path, &stat);
    if (!name) return REAL(fdatasync)(fd);
    DONE(int, REAL(fdatasync)(fd), note(S_ISDIR(stat.st_mode) ? 'd' : 's', name, NULL, 0, NULL, 0));
}
