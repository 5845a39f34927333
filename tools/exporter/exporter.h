/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvi-exporter: what its files share
 *
 * Who parses what strangers send has no rights: one process, the lister, may ask the module, and takes one byte
 * from the other one, the front, which has none but its sockets.
 */
#ifndef EXPORTER_H
#define EXPORTER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <systemd/sd-daemon.h>

#include "common.h"

#define MAX_LISTENERS 8
#define MAX_CLIENTS 32
#define MAX_OF_USER 8		/* of these, over sockets that tell users apart */
#define IDLE_SECONDS 5u		/* that a client may be silent */
#define CLIENT_SECONDS 20	/* that it may take for all it wants */
#define CLIENT_MEMORY 8192u	/* for what it says */

/* To stderr, with the priorities of sd-daemon */
#define LOG(level, fmt, ...) fprintf(stderr, level fmt "\n", ##__VA_ARGS__)

enum format { FORMAT_TEXT, FORMAT_OPENMETRICS, NR_FORMATS };

/* Says why, and ends the process */
void ATTRIBUTE(noreturn) end(const char *what, int err);

/* lister.c: answers what comes by @requests until nobody is there to ask. @run: where pvid is; @rows: of metrics_print() */
void lister_run(int requests, const char *run, size_t rows);
/* For the front: a file with all metrics, to be closed, or -errno */
int lister_ask(int requests, enum format format);

/* snapshot.c: what was listed a moment ago serves all who ask */
struct snapshot {
	enum format format;
	unsigned int users;
	int fd;
	uint64_t size;
	uint64_t time;		/* ms, when it was asked for */
};

/* To be put; NULL: there is none */
struct snapshot *snapshot_get(int requests, enum format format, uint64_t now);
void snapshot_put(struct snapshot *s);

/* client.c: who is connected */
struct client {
	int fd;			/* -1: none */
	uid_t uid;		/* (uid_t)-1: nobody knows */
	uint64_t deadline;	/* ms */
	struct snapshot *snapshot;
};

void client_init(void);
bool client_room(void);
/* Takes @fd, which was accepted; NULL: its user has enough of them, and it is closed */
struct client *client_add(int fd, uint64_t now);
struct client *client_find(int fd);
void client_free(struct client *c);
/* Ends those that are late; ms until another one is, or -1 */
int client_end_late(uint64_t now);

/* front.c: serves HTTP on the sockets; does not return */
void ATTRIBUTE(noreturn) front_run(const int *listeners, unsigned int nr, int requests);

#endif
