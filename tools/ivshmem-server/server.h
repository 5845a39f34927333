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

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#define PRINTF_LIKE(fmt, args) ATTRIBUTE(format(printf, fmt, args))
#define NORETURN ATTRIBUTE(noreturn)
#define UNUSED ATTRIBUTE(unused)

#define NR_IDS		65536	/* what a doorbell register can name */
#define NR_BUCKETS	1024	/* of accounts */
#define MAX_VECTORS	64
#define MAX_PEERS	4096
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

struct settings {
	const char *socket;	/* NULL: systemd's */
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
	size_t sent;			/* bytes */
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

struct server {
	struct settings settings;
	sd_event *event;
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
};

struct peer {
	TAILQ_ENTRY(peer) entry;
	struct server *server;
	uint16_t id;
	int pvi;			/* its endpoint, or -1 */
	int vectors[MAX_VECTORS];	/* eventfds; -1 behind the last */

	/* A client's */
	int socket;
	pid_t pid;
	uid_t uid;
	struct account *payers[NR_PAYERS];	/* NULL: nobody */
	uint64_t joined;		/* @serial then */
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

/* args.c */
void parse_args(struct settings *settings, int argc, char **argv);

/* error.c: "pvi-ivshmem-server: " and what was wrong to stderr */
void die(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* What an errno of kvm_pvi, positive or negative, means to whoever runs the server */
const char *explain(int err);
void *must_alloc(void *ptr);

/* listen.c */
void listen_start(struct server *server);
/* After a failure that passes by itself */
void listen_resume(struct server *server);
void listen_end(struct server *server);

/* account.c: who a client is, which then has a place; -errno */
int accounts_open(struct peer *client);
void accounts_close(struct peer *client);
/* Why it may not keep it, or have no id; NULL: it may */
const char *accounts_refuse(const struct peer *client);
void accounts_charge_id(const struct server *server, struct account *payers[NR_PAYERS]);
void accounts_return_id(const struct server *server, struct account *payers[NR_PAYERS]);

/* id.c: who has which id. take_id() returns -1 if there is none that is safe to give. */
int take_id(struct server *server, struct peer *peer);
/* @known: a client that is connected may have been told of it */
void give_up_id(struct server *server, const struct peer *peer, bool known);

/* discard.c: close a socket without being held up by what was sent to it */
void discard_init(void);
bool has_input(int socket);
void discard(int socket);

/* client.c: takes the socket */
void client_join(struct server *server, int socket);
/* Ends all, at the end of the server */
void clients_end(struct server *server);
/* From tick.c; true if it has to be called again */
bool clients_tick(struct server *server);

/* queue.c: messages of the protocol to one client */
void queue_greeting(struct peer *client);
void queue_vectors(struct peer *client, const struct peer *about);
/* True if the client knows, or may know, that it was there */
bool queue_departure(struct peer *client, const struct peer *about);
void queue_drop(struct peer *client);
/* Sends as much as the client takes; why it must go, or NULL */
const char *queue_send(struct peer *client);

/* vectors.c: a peer's eventfds, none at first; -errno if there are none to be had */
void vectors_init(struct peer *peer);
int vectors_open(struct peer *peer, unsigned int nr);
void vectors_close(struct peer *peer);

/* endpoint.c: the endpoint of kvm_pvi that a peer is; -errno */
int endpoint_open(struct peer *peer);
/* GSI n becomes vector n */
int endpoint_expose(struct peer *peer);
void endpoint_uuid(const struct server *server, uint16_t id, uuid_t uuid);
/* Dies if there is no kvm_pvi */
void endpoint_check(void);

/* virtual.c */
void virtuals_start(struct server *server);
bool virtuals_tick(struct server *server);

/* tick.c: have *_tick() and listen_resume() called in a second */
void tick_soon(struct server *server);

#endif
