/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi trace - tracepoints kvm_pvi:* */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm_pvi

#ifndef _PVI_TRACE_ENUM
#define _PVI_TRACE_ENUM
/* Why a ring was denied: the sender learns EPERM alone. */
enum pvi_deny {
	PVI_DENY_ABSENT,
	PVI_DENY_NOT_EXPOSED,
	PVI_DENY_NOT_ALLOWED,
	PVI_DENY_REVOKED,
	PVI_DENY_GRANT,
};
#endif

#if !defined(_PVI_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _PVI_TRACE_H

#include <linux/tracepoint.h>

#include "edge.h"
#include "vm.h"

TRACE_DEFINE_ENUM(PVI_DENY_ABSENT);
TRACE_DEFINE_ENUM(PVI_DENY_NOT_EXPOSED);
TRACE_DEFINE_ENUM(PVI_DENY_NOT_ALLOWED);
TRACE_DEFINE_ENUM(PVI_DENY_REVOKED);
TRACE_DEFINE_ENUM(PVI_DENY_GRANT);

DECLARE_EVENT_CLASS(kvm_pvi_vm,
	TP_PROTO(const struct pvi_vm *vm),
	TP_ARGS(vm),
	TP_STRUCT__entry(
		__array(u8, uuid, UUID_SIZE)
		__field(u64, epoch)
	),
	TP_fast_assign(
		export_uuid(__entry->uuid, &vm->uuid);
		__entry->epoch = vm->epoch;
	),
	TP_printk("uuid %pUb epoch %#llx", __entry->uuid, __entry->epoch)
);

DEFINE_EVENT(kvm_pvi_vm, kvm_pvi_bind, TP_PROTO(const struct pvi_vm *vm), TP_ARGS(vm));
DEFINE_EVENT(kvm_pvi_vm, kvm_pvi_unbind, TP_PROTO(const struct pvi_vm *vm), TP_ARGS(vm));

TRACE_EVENT(kvm_pvi_ring,
	TP_PROTO(const struct pvi_vm *from, const struct pvi_edge *edge, u32 gsi, int verdict),
	TP_ARGS(from, edge, gsi, verdict),
	TP_STRUCT__entry(
		__array(u8, from, UUID_SIZE)
		__array(u8, to, UUID_SIZE)
		__field(u32, gsi)
		__field(int, verdict)
	),
	TP_fast_assign(
		export_uuid(__entry->from, &from->uuid);
		export_uuid(__entry->to, pvi_words_uuid(&edge->key.receiver));
		__entry->gsi = gsi;
		__entry->verdict = verdict;
	),
	TP_printk("from %pUb to %pUb gsi %u verdict %d", __entry->from, __entry->to,
		  __entry->gsi, __entry->verdict)
);

TRACE_EVENT(kvm_pvi_notify,
	TP_PROTO(const struct pvi_vm *from, u32 port),
	TP_ARGS(from, port),
	TP_STRUCT__entry(
		__array(u8, from, UUID_SIZE)
		__field(u32, port)
	),
	TP_fast_assign(
		export_uuid(__entry->from, &from->uuid);
		__entry->port = port;
	),
	TP_printk("from %pUb port %u", __entry->from, __entry->port)
);

TRACE_EVENT(kvm_pvi_deny,
	TP_PROTO(const struct pvi_vm *from, const uuid_t *to, u32 gsi, enum pvi_deny why),
	TP_ARGS(from, to, gsi, why),
	TP_STRUCT__entry(
		__array(u8, from, UUID_SIZE)
		__array(u8, to, UUID_SIZE)
		__field(u32, gsi)
		__field(u32, why)
	),
	TP_fast_assign(
		export_uuid(__entry->from, &from->uuid);
		export_uuid(__entry->to, to);
		__entry->gsi = gsi;
		__entry->why = why;
	),
	TP_printk("from %pUb to %pUb gsi %u: %s", __entry->from, __entry->to, __entry->gsi,
		  __print_symbolic(__entry->why,
				   { PVI_DENY_ABSENT, "no such VM" },
				   { PVI_DENY_NOT_EXPOSED, "not exposed" },
				   { PVI_DENY_NOT_ALLOWED, "not allowed" },
				   { PVI_DENY_REVOKED, "revoked" },
				   { PVI_DENY_GRANT, "grant does not hold" }))
);

#endif /* _PVI_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
