/* SPDX-License-Identifier: GPL-2.0-or-later */
/* common policy_reader - what the files that read a policy share */
#ifndef POLICY_READER_H
#define POLICY_READER_H

#include "policy.h"

enum section { SECTION_NONE, SECTION_VM, SECTION_ALLOW, SECTION_LINK, SECTION_RESERVE };

/* A line of a drop-in */
struct dropin {
	char *section;
	char *key;
	char *value;		/* "": the key is not there */
	const char *file;
	unsigned int line;
	unsigned int section_line;
	size_t number;		/* in the order in which they were read */
	bool taken;
};

struct dropins {
	struct dropin *all;
	size_t nr;
};

struct reader {
	struct policy *policy;
	struct dropins *dropins;	/* of this file */
	bool collects;		/* they are being read */
	void *collected;	/* the sections of the drop-in, of tsearch() */
	const char *file;
	char *at;		/* in the file's text */
	char *end;
	unsigned int line;
	unsigned int section_line;
	bool fresh;		/* its first key is to come */
	enum section section;
	char name[POLICY_LABEL + 16];	/* of the section, as it stands in its brackets */
	unsigned int lines;	/* the keys of this section that the file has, */
	unsigned int keys;	/* and that it has in the end */
	unsigned int error_line;	/* of this file, 0: nothing is wrong */
	const struct dropin *dropin;	/* whose line is looked at, NULL: of this file */
	const struct dropin *changed;	/* the last one that has changed this section, or NULL */
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
/* The same, of a user or a group that nobody knows */
void reader_no_such(struct reader *r, const char *what, const char *database, const char *name);
/* False: @policy->error says why. @dropins: what stands in for lines of it; NULL: nothing */
bool policy_read_text(struct policy *p, struct dropins *dropins, const char *file, char *text, size_t size);
/* The same, of a drop-in, whose lines are added to @dropins */
bool policy_read_dropin(struct policy *p, struct dropins *dropins, const char *file, char *text, size_t size);

/* policy_dropin.c */
void dropins_add(struct dropins *d, const struct reader *r, const char *section, const char *key, const char *value);
/* When all have been read */
void dropins_sort(struct dropins *d);
/* Those of a section, in the order of their lines; stores how many */
struct dropin *dropins_of(const struct dropins *d, const char *section, size_t *nr);
/* The last of those for that key that have not been taken, which then are; NULL: none */
struct dropin *dropins_take(const struct dropins *d, const char *section, const char *key);
void dropins_free(struct dropins *d);

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
