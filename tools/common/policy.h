/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common policy - which VMs are bound, what they expose, and who may ring them: pvi.conf(5) */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <uuid/uuid.h>

#include "common.h"
#include "links.h"

#define POLICY_DIR "/etc/kvm-pvi"
#define POLICY_LABEL LINKS_LABEL
#define POLICY_MAX_GSIS 4096	/* of one VM */
#define POLICY_NO_BELL UINT32_MAX
#define POLICY_NO_WORD UINT32_MAX

struct policy_gsi {
	uint32_t gsi;
	uint32_t bell;		/* or POLICY_NO_BELL */
	uint32_t word;		/* which of the VM's status words, or POLICY_NO_WORD */
	uint32_t rate;		/* from all senders together; 0: no limit */
	uint32_t burst;
};

struct policy_vm {
	char label[POLICY_LABEL];
	uuid_t uuid;
	char name[NAME_LEN];	/* or "" */
	char cgroup[NAME_LEN];	/* or "" */
	bool has_user;
	uid_t user;
	struct policy_gsi *gsis;	/* sorted */
	size_t nr_gsis;
	bool implied;		/* these are what permissions name, for the VM's section does not say */
	size_t nr_words;
};

struct policy_allow {
	char label[POLICY_LABEL];
	char from_text[POLICY_LABEL];
	char to_text[POLICY_LABEL];
	uuid_t from;
	uuid_t to;
	bool bell;
	uint32_t what;		/* the GSI, which may be KVM_PVI_GSI_ANY, or the bell */
	uint64_t bits;
	uint32_t rate;
	uint32_t burst;
	bool has_owner;
	uid_t owner;
	unsigned int line;
	const char *file;
};

/* A name that is kept for a user */
struct policy_reserve {
	char label[POLICY_LABEL];
	uuid_t uuid;
	uid_t user;
	unsigned int line;
	const char *file;
};

struct policy_link {
	char label[POLICY_LABEL];
	char texts[2][POLICY_LABEL];	/* who the sides are, without "host:" */
	struct link_spec spec;		/* but for its texts */
	char huge_dir[NAME_LEN];	/* or "" */
	unsigned int line;
	const char *file;
};

struct policy {
	struct policy_vm *vms;		/* sorted by UUID */
	size_t nr_vms;
	struct policy_allow *allows;	/* sorted by receiver */
	size_t nr_allows;
	struct policy_link *links;	/* sorted by UUID */
	size_t nr_links;
	struct policy_reserve *reserves;	/* sorted by UUID */
	size_t nr_reserves;
	char **files;
	size_t nr_files;
	size_t size;		/* of all files */
	void *labels;		/* of tsearch() */
	void *uuids;
	char error[1024];	/* file:line: cause; cure */
	bool no_user;		/* the cause: a user or a group that nobody knows, perhaps not yet */
	struct policy *older;	/* what was carried out before, perhaps not all of it: applied.h */
};

/* Room for one more element of @list, which has @nr; aborts without memory */
void *policy_grow(void *list, size_t nr, size_t size);
/* All *.conf of @dir by their names, each with *.conf of its *.conf.d. False: @policy->error says why, and nothing else is there */
bool policy_read(struct policy *policy, const char *dir);
/* What policy_write() has written */
bool policy_read_file(struct policy *policy, const char *file);
void policy_free(struct policy *policy);
/* NULL: none */
const struct policy_vm *policy_vm(const struct policy *policy, const uuid_t uuid);
/* Who may ring @to; stores how many */
const struct policy_allow *policy_allows(const struct policy *policy, const uuid_t to, size_t *nr);

/* NULL: none */
const struct policy_link *policy_link(const struct policy *policy, const uuid_t uuid);
const struct policy_reserve *policy_reserve(const struct policy *policy, const uuid_t uuid);
/* It has a row for the same sender, receiver, and GSI or bell */
bool policy_has_allow(const struct policy *policy, const struct policy_allow *allow);

/* policy_write.c: as a file that says the same, with neither names of users nor of senders; -errno */
int policy_write(const struct policy *policy, FILE *out);
/* That section alone. What a link was made by is kept so: a key that is not there now is not written in any other way */
void policy_write_link(FILE *out, const struct policy_link *link);

/* policy_link.c: what that has links_make() make, and @text, of policy_write_link(), has it know it by */
struct link_spec policy_link_spec(const struct policy_link *link, const char *text);

/*
 * policy_match.c: which of them @pid runs, by its command line, user and cgroup. Reading a command line may
 * wait for the process as long as that likes. 0, -ESRCH: none, -EAGAIN: none yet, for it is root's and may become
 * the user of one, or another -errno. Stores whether its guest comes from elsewhere.
 */
int policy_match(const struct policy *policy, pid_t pid, const struct policy_vm **vm, bool *incoming);
/* Whether its user and cgroup are those of @vm, which never waits, and its command line */
int policy_permits(const struct policy_vm *vm, pid_t pid);
int policy_claims(const struct policy_vm *vm, pid_t pid);

#endif
