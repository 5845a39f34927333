/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common policy_reader - what the files that read a policy share */
#ifndef POLICY_READER_H
#define POLICY_READER_H

#include "policy.h"

enum section { SECTION_NONE, SECTION_VM, SECTION_ALLOW, SECTION_LINK, SECTION_RESERVE };

struct reader {
	struct policy *policy;
	const char *file;
	char *at;		/* in the file's text */
	char *end;
	unsigned int line;
	unsigned int section_line;
	bool fresh;		/* its first key is to come */
	enum section section;
	unsigned int keys;	/* of this section, that have been seen */
	unsigned int error_line;
};

/* What stands in a file, to be shown */
struct shown {
	char s[160];
};

/* policy.c */
struct shown policy_show(const char *text);

/* policy_read.c */
/* The first complaint counts */
void PRINTF_LIKE(3, 4) reader_complain(struct reader *r, unsigned int line, const char *fmt, ...);
/* False: @policy->error says why */
bool policy_read_text(struct policy *p, const char *file, char *text, size_t size);

/* policy_keys.c: what a key of the last section says; they end with NULL */
extern const char * const policy_vm_keys[];
extern const char * const policy_allow_keys[];
extern const char * const policy_reserve_keys[];
void policy_vm_key(struct reader *r, const char *key, const char *value);
void policy_allow_key(struct reader *r, const char *key, const char *value);
void policy_reserve_key(struct reader *r, const char *key, const char *value);
bool policy_parse_number(struct reader *r, const char *key, const char *text, uint64_t max, uint64_t *to);
/* The next one of a list, without the blanks around it; NULL: none */
char *policy_next_word(char **list);

/* policy_link.c: the keys of a link, and what is to be seen to when its section ends */
extern const char * const policy_link_keys[];
void policy_link_key(struct reader *r, const char *key, const char *value);
void policy_end_link(struct reader *r);
/* Who the sides are, by @find(), which gives NULL for what no VM of the policy is called */
bool policy_resolve_links(struct policy *policy, const struct policy_vm *(*find)(const char *label, void *arg),
			  void *arg);

#endif
