/* enter: start the image's program as a user who can write the results folder.
 *
 *     enter /absolute/program [argument ...]
 *
 * A folder mounted on RESULTS belongs to whoever made it: the caller, or root. This file carries
 * cap_setuid, cap_setgid and cap_setpcap as permitted, not effective, file capabilities. When it runs as
 * IMAGE_USER and holds all three, it becomes that folder's owner, so that the results belong to the same
 * user as the folder; root only where the folder is closed to everybody else. The program then starts
 * without any capability, with an empty bounding set and no new privileges: it may have root's number,
 * and own root's files, but has none of root's powers.
 *
 * With --user, --cap-drop ALL or no-new-privileges it only starts the program, as the user it has.
 * The path and the user are compiled in; nothing that a caller says selects either.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RESULTS
#define RESULTS "/runs"
#endif
#ifndef IMAGE_USER
#define IMAGE_USER 10001
#endif

#define BIT(cap) (1u << (cap)) /* the three are below 32: the low word */
static const unsigned NEEDED = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP);
static const unsigned long LOCKED = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                    SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

static void die(const char *what) {
    fprintf(stderr, "enter: %s: %s\n", what, strerror(errno));
    _exit(126);
}

static void must(long result, const char *what) {
    if (result < 0)
        die(what);
}

static void set_capabilities(unsigned low) {
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{low, low, 0}, {0, 0, 0}};
    must(syscall(SYS_capset, &head, sets), "capset");
}

static int holds_needed(void) {
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2];
    must(syscall(SYS_capget, &head, sets), "capget");
    return (sets[0].permitted & NEEDED) == NEEDED;
}

/* Whether its owner can write there, and better so than this user. A read-only mount is nobody's. */
static int is_for_its_owner(const struct stat *folder) {
    struct statvfs mount;
    if (!S_ISDIR(folder->st_mode) || folder->st_uid == IMAGE_USER)
        return 0;
    if (statvfs(RESULTS, &mount) != 0 || mount.f_flag & ST_RDONLY)
        return 0;
    return folder->st_uid != 0 || access(RESULTS, W_OK | X_OK) != 0;
}

static void become(uid_t user, gid_t group) {
    set_capabilities(NEEDED);
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        must(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "drop from the bounding set");
    must(prctl(PR_SET_SECUREBITS, LOCKED, 0, 0, 0), "securebits");
    must(setgroups(0, NULL), "setgroups");
    must(setresgid(group, group, group), "setresgid");
    must(setresuid(user, user, user), "become the owner of " RESULTS);
}

/* libc takes LD_*, TMPDIR and others out of the environment of a file with capabilities; the program
 * starts without any, so it gets all of them back. Their strings still lie, end to end, between the last
 * argument and the name of this file, where the kernel put them. */
static char **whole_environment(char **argv, int argc) {
    char *at = argv[argc - 1] + strlen(argv[argc - 1]) + 1;
    char *end = (char *)getauxval(AT_EXECFN);
    size_t n = 0;
    if (end < at)
        return environ;
    char **all = calloc((size_t)(end - at) + 1, sizeof *all);
    if (!all)
        die("environment");
    for (; at < end; at += strlen(at) + 1)
        all[n++] = at;
    return all;
}

int main(int argc, char **argv) {
    struct stat folder;
    if (argc < 2) {
        fputs("usage: enter /absolute/program [argument ...]\n", stderr);
        return 2;
    }
    char **environment = getauxval(AT_SECURE) ? whole_environment(argv, argc) : environ;
    if (getuid() == IMAGE_USER && geteuid() == IMAGE_USER && holds_needed()) {
        if (lstat(RESULTS, &folder) == 0 && is_for_its_owner(&folder))
            become(folder.st_uid, folder.st_gid);
        set_capabilities(0);
    }
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
    execve(argv[1], argv + 1, environment);
    die(argv[1]);
}
