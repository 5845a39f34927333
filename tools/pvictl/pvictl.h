/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvictl: what its files share */
#ifndef PVICTL_H
#define PVICTL_H

#include <argp.h>
#include <libpvi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uuid/uuid.h>

#include "common.h"

#define NORETURN ATTRIBUTE(noreturn)

/* Commands: each parses its own arguments and returns the exit status. */
int cmd_allow(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_bell(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_expose(int argc, char **argv);
int cmd_freeze(int argc, char **argv);
int cmd_guest(int argc, char **argv);
int cmd_guest_ring(int argc, char **argv);
int cmd_guest_wait(int argc, char **argv);
int cmd_kick(int argc, char **argv);
int cmd_link(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_memory(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_pipe(int argc, char **argv);
int cmd_port(int argc, char **argv);
int cmd_reserve(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_ring(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_save(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_thaw(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_unexpose(int argc, char **argv);
int cmd_unlink(int argc, char **argv);
int cmd_unreserve(int argc, char **argv);
int cmd_wait(int argc, char **argv);

/* error.c: "pvictl: " and what was wrong to stderr, and exit with one of these */
enum status {
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_REFUSED = 3,
	STATUS_THROTTLED = 4,	/* or frozen */
	STATUS_ABSENT = 5,	/* what was named is not there */
};

enum doing {
	DOING_OTHER,
	DOING_OPEN,
	DOING_GUEST,
	DOING_GUEST_WAIT,
	DOING_TAKE,
	DOING_BIND,
	DOING_EXPOSE,
	DOING_BELL,
	DOING_STATUS,
	DOING_GSI,
	DOING_STATE,
	DOING_ALLOW,
	DOING_REVOKE,
	DOING_RING,
	DOING_RESERVE,
	DOING_LINK,
};

/* With STATUS_FAILED */
void die(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;
void die_as(enum status status, const char *fmt, ...) PRINTF_LIKE(2, 3) NORETURN;
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/*
 * @err is an errno, positive or negative; what it means in this place follows the message, and the
 * status says which kind it is of
 */
void die_doing(enum doing doing, int err, const char *fmt, ...)
	PRINTF_LIKE(3, 4) NORETURN;
const char *explain(enum doing doing, int err);
/* @err is positive */
enum status status_of(enum doing doing, int err);
void *must_alloc(void *ptr);

/* parse.c: arguments, complained of by argp_error() */
#define MAX_BELL 0xffffu
#define MAX_GSI (KVM_PVI_GSI_VIRTUAL_END - 1)

struct uuid_text {
	char s[UUID_STR_LEN];
};

struct uuid_text uuid_text(const unsigned char *uuid);
void parse_uuid(struct argp_state *state, const char *text, uuid_t uuid);
uint32_t parse_number(struct argp_state *state, const char *text, uint32_t max, const char *what);
/* Not 0 */
uint64_t parse_wide(struct argp_state *state, const char *text, const char *what);
/* A name or a number */
uid_t parse_user(struct argp_state *state, const char *text);
/* GSI or GSI-GSI; returns the first */
uint32_t parse_first_last(struct argp_state *state, char *text, uint32_t *last);
/* The options --rate and --burst, for an argp whose parser gives a struct pvi_rate as child input */
extern const struct argp_child rate_child[];
/* allow.c: a row that is to be in an endpoint's table */
struct row {
	uuid_t sender;
	uint32_t gsi;		/* or the bell */
	bool bell;
	uint64_t bits;		/* of the bell */
	bool has_owner;
	uid_t owner;
	struct pvi_rate rate;
};

#define ROW_WORDS "flags, rate, burst, owner"

/* flags MASK, rate N, burst N, owner USER; false: it is none of them */
bool parse_row_word(struct argp_state *state, struct row *row, const char *word, const char *value);
/* When all that is said of it has been read */
void check_row(struct argp_state *state, struct row *row);
/* -errno */
int add_row(int pvi, const struct row *row);

/* A GSI, or "any" for KVM_PVI_GSI_ANY */
uint32_t parse_gsi(struct argp_state *state, const char *text);
/* "any", or the number */
const char *gsi_text(uint32_t gsi, char text[static 11]);
/* The UUID, or "grant" and its number */
const char *sender_text(const struct kvm_pvi_list_edge *edge, struct uuid_text *text);

/* An argument that says whom it is about, if there is one */
struct filter {
	bool set;
	uuid_t uuid;
};

void parse_filter(struct argp_state *state, const char *arg, struct filter *filter);

/*
 * signals.c: a descriptor of SIGINT, SIGTERM and SIGHUP, which are blocked from then on. A VMM may keep who asks for
 * anything of it waiting for as long as it likes, and they are what ends that: whoever asks has no such descriptor, or
 * has a child ask.
 */
int open_signals(void);
/* They end us again, one that has come as well */
void close_signals(int fd);

/* endpoint.c: who is bound */
struct endpoint {
	bool listed;		/* by the module; else found in /proc, and @number and @vmm are not known */
	uint64_t number;
	pid_t pid;		/* who opened it, or 0: it has ended */
	int fd;			/* in that process, or -1: to be looked for */
	pid_t vmm;		/* or 0 */
	bool dead;
	bool frozen;
	bool host;
	uuid_t uuid;
	uid_t owner;
	uint32_t gsis;
	uint32_t bells;
	bool named;
	char name[NAME_LEN];	/* as it was given, or "", with @named: name_endpoint() */
	char comm[COMM_LEN];
	unsigned int senders;
	struct kvm_pvi_counts sent;
	struct kvm_pvi_counts received;
	uint64_t retries;
	uint64_t dropped;
};

/* All that this user may see, each once; *@list is to be freed. Dies if there is no kvm_pvi */
size_t find_endpoints(struct endpoint **list);
/* False if none is bound to @uuid */
bool find_endpoint(const uuid_t uuid, struct endpoint *endpoint);
/* A descriptor of the endpoint found, or -errno */
int take_endpoint(const struct endpoint *endpoint);
/* A descriptor of the endpoint bound to @uuid; dies if there is none */
int open_endpoint(const uuid_t uuid, struct endpoint *endpoint);
/* The endpoint bound to @uuid; dies if there is none */
void need_endpoint(const uuid_t uuid, struct endpoint *endpoint);

/* listing.c: what hangs on an endpoint, by the module or, of those found in /proc, by the endpoint */
struct edge_list {
	struct kvm_pvi_list_edge *all;
	size_t nr;
};

/* Of @pvi if the endpoint is not listed. To be freed; -errno: it has gone */
int list_edges(const struct endpoint *e, int pvi, struct edge_list *edges);
/* The device, for lists; -errno: not by this user, or not on this host */
int open_listing(void);
/* The next page of records of @kind; 0: no more, or it has gone */
unsigned int list_page(uint32_t kind, uint64_t number, uint64_t *cursor, void *records, size_t record,
		       unsigned int nr);

/* names.c: what VMs are called besides their UUIDs */
/* By what its VMM was told, which may wait for that as long as it likes: for who wants the name alone */
void name_endpoint(struct endpoint *e);
/* A UUID, a name, or as much of a UUID as only one has. Dies if there is no such VM */
void parse_vm(struct argp_state *state, const char *text, uuid_t uuid);
/* An escaped name to print, or "" */
struct name_text {
	char s[4 * NAME_LEN];
};
struct name_text name_text(const char *name);
/*
 * What a VM is called in tables, beside its UUID: by the policy, else by what its VMM was told, else "". Who there is
 * is looked up once, and once more after names_forget()
 */
struct name_text name_of(const unsigned char *uuid);
void names_forget(void);
/* The names of all are read together, now and after names_forget() */
void names_keep(void);
/* For who has the descriptor of open_signals(): from now on no name is waited for when one has come */
void names_watch(int signals);

/* table.c: tables for people and JSON for programs */
struct report;

/* The options --json and --noheadings, for an argp whose parser gives a report as child input */
extern const struct argp_child report_child[];

struct report *report_new(void);
bool report_is_json(const struct report *report);
/* No headings are asked for */
bool report_is_bare(const struct report *report);
/*
 * Starts a table; in JSON it is the array @name. @title NULL: none is printed. @columns are the
 * headings; "#" before one means numbers, "?" 0 or 1 for false or true.
 */
void report_table(struct report *report, const char *name, const char *title,
		  const char *columns);
/* Starts a row. Cells are set from the left; a cell of "" is empty, in JSON null. */
void report_row(struct report *report);
void report_cell(struct report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Of the last cell, on a terminal, if the user has none against it: no-color.org */
void report_colour(struct report *report, const char *colour);
/* Empty if it is 0 */
void report_pid(struct report *report, pid_t pid);
void report_counts(struct report *report, const struct kvm_pvi_counts *counts);
/* Prints and forgets the tables. */
void report_print(struct report *report);

/* ring.c: RECEIVER GSI, and --flags of the bell over it, or 0 */
struct ring_target {
	uuid_t receiver;
	uint32_t gsi;
	uint64_t flags;
	bool in_guest;		/* where only UUIDs are known */
};

#define RING_FLAGS_OPTION \
	{ "flags", 'F', "MASK", 0, "Set these flags of the bell over this GSI", 0 }

error_t parse_ring_target(int key, char *arg, struct argp_state *state, struct ring_target *to);
/* What became of a ring that was accepted */
void print_verdict(int verdict);

/* show.c: parts of a report that guests print too */
const char *kind_text(uint32_t kind);
/* @named: with names, which a guest does not know */
void peers_table(struct report *report, bool named);
void peers_row(struct report *report, const struct kvm_pvi_peer *peer, bool named);

/* list.c: endpoints as rows */
void list_table(struct report *report, const char *name);
void list_row(struct report *report, const struct endpoint *e);

#define LINKS_OPTION \
	{ "dir", 'd', "DIR", 0, "Where links are (default: " PVI_LINK_DIR ")", 0 }

/* link_show.c: links as rows; @uuid NULL: all. A table without a row is made in JSON alone */
void links_table(struct report *report, const char *dir, const unsigned char *uuid);

#define COUNT_COLUMNS	"#RAISED #COALESCED #LATCHED #DENIED #THROTTLED"

#endif
