/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvi-ivshmem-server: what its files share
 *
 * A peer is whoever has an id in the space that the guests' ivshmem devices see: a client, which
 * is a QEMU at the other end of a socket, or a virtual peer, which stands for an endpoint of
 * kvm_pvi. Everything happens in callbacks of one event loop. What is to be sent to a client is
 * queued and sent by the client's own callback, which alone may end that client, so nothing that
 * happens to one peer changes the list while another one is looked at.
 */
#ifndef IVSHMEM_SERVER_H
#define IVSHMEM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>
#include <uuid/uuid.h>

#include "common.h"

#define NORETURN ATTRIBUTE(noreturn)
#define UNUSED ATTRIBUTE(unused)

#define NR_IDS		65536	/* what a doorbell register can name */
#define NR_BUCKETS	1024	/* of accounts */
#define MAX_VECTORS	64
#define MAX_PEERS	4096
#define MAX_TARGETS	4096
#define MAX_ALLOWED	4096
#define NR_SLOTS	(MAX_PEERS + MAX_TARGETS)	/* clients', and those of virtual peers behind */
#define ERROR_MAX	512
#define MAX_GSI		131071	/* the last virtual GSI */
#define USEC		1000000ull

/* --allow: who may ring the vectors of clients */
struct allowed {
	uuid_t uuid;
	uint32_t gsi;		/* a vector, or KVM_PVI_GSI_ANY */
};

/* --peer: vector n of this virtual peer rings @gsis[n] of @uuid */
struct target {
	uuid_t uuid;
	unsigned int nr_gsis;
	uint32_t gsis[MAX_VECTORS];
};

/* Who pays for places and ids, and what each may have of them */
enum payer { PROCESS, USER, NR_PAYERS };

struct quota {
	unsigned int places;
	unsigned int ids;
};

/* What clients were told, or can only be served with: it is the same as long as there are any. */
enum fixed { FIXED_SOCKET, FIXED_SIZE, FIXED_VECTORS, FIXED_UUID, FIXED_PEER, FIXED_NO_KVM_PVI, NR_FIXED };

struct settings {
	const char *config;	/* the file that more stands in, or NULL */
	bool check;		/* and do nothing else */
	pid_t reload;		/* have that server reload, and do nothing else; or 0 */
	unsigned int lines[NR_FIXED];	/* of @config, which say something; 0: none */
	char *socket;		/* NULL: systemd's */
	uint64_t size;
	unsigned int vectors;
	unsigned int max_peers;
	unsigned int ids;	/* that there are */
	struct quota quotas[NR_PAYERS];
	unsigned int timeout;	/* seconds */
	bool has_uuid;
	bool no_kvm_pvi;
	uuid_t uuid;		/* of id 0; the id goes into its last two bytes */
	struct allowed *allowed;
	size_t nr_allowed;
	struct target *targets;
	size_t nr_targets;
};

struct message {
	TAILQ_ENTRY(message) entry;
	int64_t id;
	int fd;				/* travels with it, or -1 */
	const struct peer *about;	/* whose vector @fd is, or NULL */
	uint32_t sending;		/* what the record says of it, see record.h */
	size_t sent;			/* bytes */
	unsigned int parts;		/* in so many pieces */
};

TAILQ_HEAD(messages, message);
TAILQ_HEAD(peers, peer);
LIST_HEAD(accounts, account);

struct id {
	bool taken;			/* by @holder, or known to others */
	struct peer *holder;		/* or NULL */
	uint64_t left;			/* @serial when it was given up */
	struct account *payers[NR_PAYERS];
};

/* What systemd has kept of a server that has ended */
enum stored { STORED_MEMORY, STORED_RECORD, STORED_SOCKET, STORED_VECTORS };

struct stored_fd {
	enum stored what;
	unsigned int slot;
	int fd;
	ino_t socket;		/* its number, 0: it is none */
	bool used;
};

struct store {
	struct stored_fd *fds;	/* sorted */
	unsigned int nr;
	int listener;		/* the socket that it passes, or -1 */
	unsigned int nr_listeners;
	bool strange;		/* something else was passed */
};

struct record;
struct record_id;

struct server {
	struct settings settings;
	int argc;
	char **argv;
	struct store store;
	uint8_t unkept[NR_SLOTS];		/* what systemd could not be given: bits 1 << enum stored */
	bool unkept_told;			/* and that was said */
	struct record *record;			/* see record.h */
	int record_fd;
	sd_event *event;
	int listening;				/* the socket */
	struct sd_event_source *listener;
	struct sd_event_source *tick;		/* see tick.c */
	int memory;
	unsigned int nr_clients;	/* of both lists */
	bool shortage;			/* a client waits for the kernel */
	uint64_t serial;		/* grows with everyone who comes or goes */
	struct peers clients;		/* as they came */
	struct peers parting;		/* clients that were ended, and still have a place */
	struct peers virtuals;
	struct id ids[NR_IDS];
	unsigned int nr_taken;		/* of @ids */
	unsigned int warn_at;		/* so many ids left */
	struct accounts accounts[NR_BUCKETS];
	struct peer *slots[NR_SLOTS];
};

struct peer {
	TAILQ_ENTRY(peer) entry;
	struct server *server;
	unsigned int slot;
	uint16_t id;
	int pvi;			/* its endpoint, or -1 */
	int vectors[MAX_VECTORS];	/* eventfds; -1 behind the last */

	/* A client's */
	struct allowed *owed;		/* of --allow, what its endpoint's table had no room for */
	size_t nr_owed;
	int socket;
	pid_t pid;
	uid_t uid;
	struct account *payers[NR_PAYERS];	/* NULL: nobody */
	uint64_t joined;		/* @serial then */
	bool parting;
	struct messages queue;
	bool out_of_memory;		/* it would miss a message */
	bool waiting;			/* for the kernel, not for the client */
	int unread;			/* what it had not read at the last tick */
	uint64_t progress;		/* when it had read all, or more, or was sent something */
	struct sd_event_source *io;

	/* A virtual peer's */
	const struct target *target;
	int ports[MAX_VECTORS];		/* -1: not connected */
};

/* settings.c: from the command line and the file that it names; true, or @error says what is wrong */
bool settings_read(struct settings *settings, int argc, char **argv, char error[ERROR_MAX]);
void settings_free(struct settings *settings);
/* The first that is not the same, or NULL; @line: of the file, where it stands, 0: nowhere there */
const char *settings_differ(const struct settings *old, const struct settings *new, unsigned int *line);

struct parsing {
	struct settings *settings;
	const char *file;	/* NULL: the command line */
	unsigned int line;
	const char *word;	/* that cannot be understood */
	char *error;		/* "": none */
};

/* args.c: words of the command line, or of a file; 0, or @error is set */
int args_parse(struct parsing *p, int argc, char **argv);

/* file.c: all lines of it */
void file_parse(struct parsing *p);

/* reload.c */
void reload_init(struct server *server);
/* The text for "systemctl status" */
void tell_status(const struct server *server, const char *error);
/* Why there are not enough for so many peers, or NULL */
const char *limits_set(const struct settings *settings);

/* ask.c: has a server reload; dies if it has not. And what the server says to who has asked: @error, "": none */
void ask_to_reload(pid_t pid);
void answer(pid_t pid, const char *error);

/* error.c: "pvi-ivshmem-server: " and what was wrong to stderr */
void die(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* What an errno of kvm_pvi, positive or negative, means to whoever runs the server */
const char *explain(int err);
void *must_alloc(void *ptr);

/* listen.c: find the socket, and begin to look at it */
void listen_open(struct server *server);
void listen_start(struct server *server);
/* After a failure that passes by itself */
void listen_resume(struct server *server);
void listen_end(struct server *server);

/* store.c */
void store_take(struct store *store);
/* All of a name: how many there are in @nr */
struct stored_fd *store_find(const struct store *store, enum stored what, unsigned int slot, unsigned int *nr);
/* All of a name that is not in use; and of all names */
void store_drop(struct store *store, enum stored what, unsigned int slot);
void store_drop_rest(struct store *store);
/* What systemd cannot be given now it is given later, see store_tick() */
void store_keep(struct server *server, enum stored what, unsigned int slot, const int *fds, unsigned int nr);
void store_forget(struct server *server, enum stored what, unsigned int slot);
/* store_again.c: give systemd what it could not be given; true if it has to be called again */
bool store_tick(struct server *server);

/* restore.c: go on where the last server was killed; false: there is nothing of it, or not enough */
bool restore(struct server *server);
/* restore_client.c: what is in the store and in the record of each; @ids: of the record */
void restore_clients(struct server *server, const struct record_id *ids);
/* restore_queue.c: what a client has yet to be told; false: that cannot be known */
bool restore_queue(struct peer *client);

/* account.c: who a client is, which then has a place; -errno */
int accounts_open(struct peer *client);
void accounts_close(struct peer *client);
/* Why it may not keep it, or have no id; NULL: it may */
const char *accounts_refuse(const struct peer *client);
void accounts_charge_id(const struct server *server, struct account *payers[NR_PAYERS]);
/* Charge for an id of an earlier server's, which has warned; -ENOMEM */
int accounts_recharge_id(struct server *server, struct account *payers[NR_PAYERS], pid_t pid, uid_t uid);
void accounts_return_id(const struct server *server, struct account *payers[NR_PAYERS]);
/* The quotas are others */
void accounts_reload(struct server *server);

/* id.c: who has which id. take_id() returns -1 if there is none that is safe to give. */
int take_id(struct server *server, struct peer *peer);
/* It has it since @joined, as the record says; -ENOMEM */
int retake_id(struct server *server, struct peer *peer);
/* Nobody has it any more, but somebody may know it; -ENOMEM */
int retake_left_id(struct server *server, unsigned int id);
/* @known: a client that is connected may have been told of it */
void give_up_id(struct server *server, struct peer *peer, bool known);
/* What nobody can know any more */
void forget_old_ids(struct server *server);
void ids_reload(struct server *server);

/* discard.c: close a socket without being held up by what was sent to it */
void discard_init(void);
bool has_input(int socket);
void discard(int socket);

/* client.c: takes the socket, which the store may have as that of a slot already, or -1 */
void client_join(struct server *server, int socket, int slot);
struct peer *client_new(struct server *server, int socket);
int client_watch(struct peer *client);
void client_open_endpoint(struct peer *client);
void client_leave(struct peer *client, const char *why);
/* At the end of the server: what systemd has kept goes on */
void clients_end(struct server *server);
/* From tick.c; true if it has to be called again */
bool clients_tick(struct server *server);

/* queue.c: messages of the protocol to one client */
void queue_greeting(struct peer *client, unsigned int from);
void queue_vectors(struct peer *client, const struct peer *about, unsigned int from);
void queue_gone(struct peer *client, uint16_t id);
/* The rest of one; @about: NULL: it has gone */
void queue_part(struct peer *client, uint32_t sending, const struct peer *about, size_t sent, unsigned int parts);
/* True if the client knows, or may know, that it was there */
bool queue_departure(struct peer *client, const struct peer *about);
void queue_drop(struct peer *client);
/* Sends as much as the client takes; why it must go, or NULL */
const char *queue_send(struct peer *client);

/* vectors.c: a peer's eventfds, none at first; -errno if there are none to be had */
void vectors_init(struct peer *peer);
int vectors_open(struct peer *peer, unsigned int nr);
void vectors_keep(const struct peer *peer);
/* From the store: false if one is missing. What else has the name may be the endpoint: @pvi, or NULL. */
bool vectors_restore(struct peer *peer, struct stored_fd **pvi);
void vectors_close(struct peer *peer);
/* As /proc/PID/fdinfo has it, or -1: it is none */
int eventfd_number(int fd);

/* endpoint.c: the endpoint of kvm_pvi that a peer is; -errno */
int endpoint_open(struct peer *peer);
/* GSI n becomes vector n */
int endpoint_expose(struct peer *peer);
/* Takes the descriptor, if it is that of the peer's endpoint */
bool endpoint_restore(struct peer *peer, struct stored_fd *pvi);
/* What is allowed is no longer @old, of which the first @nr_held were, the rest perhaps not yet: what is different */
void endpoint_allow_again(struct peer *peer, const struct allowed *old, size_t nr_old, size_t nr_held);
/* What there was no room for; true if it has to be called again */
bool endpoint_allow_owed(struct peer *peer);
void endpoint_uuid(const struct server *server, uint16_t id, uuid_t uuid);
/* Dies if there is no kvm_pvi */
void endpoint_check(void);

/* virtual.c */
void virtuals_start(struct server *server);
/* Those of the store; false if they are not all there */
bool virtuals_restore(struct server *server);
bool virtuals_tick(struct server *server);

/* tick.c: have *_tick() and listen_resume() called in a second */
void tick_soon(struct server *server);

#endif
