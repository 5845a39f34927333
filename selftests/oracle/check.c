// SPDX-License-Identifier: GPL-2.0
/* kvm-pvi oracle: what the module has done is what the model says */
#include <stdarg.h>
#include <string.h>

#include "../lib/pvi_test.h"
#include "check.h"
#include "model.h"
#include "world.h"

static bool __printf(3, 4) differ(struct finding *f, const struct op *op, const char *fmt, ...)
{
	va_list ap;

	f->found = true;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	/* Not the numbers of one run, but two errors are different kinds */
	snprintf(f->kind, sizeof(f->kind), "%s %.40s", op_name(op->kind),
		 strncmp(fmt, "answers", 7) ? fmt : f->text);
	return false;
}

static bool check_peers(const struct op *op, const struct answer *real, const struct answer *want,
			struct finding *f)
{
	u32 i;

	for (i = 0; i < want->nr; i++) {
		const struct kvm_pvi_peer *r = &real->peers[i], *w = &want->peers[i];

		if (memcmp(r, w, sizeof(*r)))
			return differ(f, op, "a peer is %u of epoch %#llx with %u GSIs, not %u of epoch %#llx with %u",
				      world_name(r->uuid), r->epoch, r->gsis, world_name(w->uuid),
				      w->epoch, w->gsis);
	}
	return true;
}

static bool check_verdicts(const struct op *op, const struct answer *real,
			   const struct answer *want, struct finding *f)
{
	u32 name, gsi;

	for (name = 0; name < NR_NAMES; name++) {
		for (gsi = 0; gsi < NR_GSIS; gsi++) {
			const u16 *r = real->verdicts[name][gsi], *w = want->verdicts[name][gsi];

			if (memcmp(r, w, sizeof(real->verdicts[0][0])))
				return differ(f, op, "GSI %u of %u: raised %u, coalesced %u, latched %u, refused %u; not %u, %u, %u, %u",
					      gsi_number[gsi], name, r[0], r[1], r[2], r[3], w[0],
					      w[1], w[2], w[3]);
		}
	}
	return true;
}

static bool check_answer(const struct op *op, const struct answer *real,
			 const struct answer *want, struct finding *f)
{
	u32 i;

	if (real->ret != want->ret && (!m.alt || real->ret != m.alt))
		return differ(f, op, "answers %lld, not %lld", real->ret, want->ret);
	if (real->rbx != want->rbx)
		return differ(f, op, "RBX is %#llx, not %#llx", real->rbx, want->rbx);
	if (real->nr != want->nr)
		return differ(f, op, "%u records of peers, not %u", real->nr, want->nr);
	if (!check_peers(op, real, want, f) || !check_verdicts(op, real, want, f))
		return false;
	for (i = 0; i < ARRAY_SIZE(want->counts); i++)
		if ((op->kind == OP_READ || op->kind == OP_STATS) &&
		    real->counts[i] != want->counts[i])
			return differ(f, op, "value %u is %llu, not %llu", i, real->counts[i],
				      want->counts[i]);
	if (real->length != want->length || memcmp(real->blob, want->blob, want->length))
		return differ(f, op, "the blob is another one");
	return true;
}

static bool words_are_right(void)
{
	u32 i;

	for (i = 0; i < NR_WORDS; i++)
		if (READ_ONCE(world->words[i].pending) != m.words[i].pending ||
		    READ_ONCE(world->words[i].count) != m.words[i].count)
			return false;
	return true;
}

/* The last step of a death is that its words are cleared */
static bool check_words(const struct op *op, struct finding *f)
{
	u32 i;

	if (op->kind == OP_CLOSE ? wait_until(words_are_right(), 5000) : words_are_right())
		return true;
	for (i = 0; i < NR_WORDS; i++)
		if (world->words[i].pending != m.words[i].pending ||
		    world->words[i].count != m.words[i].count)
			return differ(f, op, "status word %u is %u/%llu, not %u/%llu", i,
				      world->words[i].pending, world->words[i].count,
				      m.words[i].pending, m.words[i].count);
	return true;
}

static bool check_eventfds(const struct op *op, struct finding *f)
{
	u32 i;

	for (i = 0; i < NR_EFDS; i++) {
		u64 signals = world_signals(i), want = m.eventfds[i];

		m.eventfds[i] = 0;
		if (signals != want)
			return differ(f, op, "eventfd %u was signalled %llu times, not %llu", i,
				      signals, want);
	}
	return true;
}

/* Interrupts that are pending merge, so guests are to take them often */
static bool check_guest(u32 vm, const struct op *op, struct finding *f)
{
	u32 i;

	for (i = 0; i < 256; i++)
		if (m.pending[vm][i])
			break;
	if (i < 256)
		world_run_guest(vm);
	model_run_guest(vm);
	for (i = 32; i < 256; i++)
		if (world_interrupts(vm, i) != m.taken[vm][i])
			return differ(f, op, "guest %u has taken %llu interrupts %#x, not %llu", vm,
				      world_interrupts(vm, i), i, m.taken[vm][i]);
	return true;
}

/* One that the end of an endpoint has just made possible */
static bool bind_is_early(const struct op *op, const struct answer *real)
{
	u32 i;

	if (op->kind != OP_BIND || real->ret != -EEXIST || model_alive(op->b))
		return false;
	for (i = 0; i < NR_EPS; i++)
		if (op->a >= 0 && m.eps[i].bound && m.eps[i].vm == op->a)
			return false;
	return true;
}

static void count(const struct op *op, const struct answer *want, struct finding *f)
{
	f->good[op->kind] += want->ret >= 0;
	if ((op->kind == OP_RING || op->kind == OP_NOTIFY || op->kind == OP_SEND) && want->ret >= 0)
		f->verdicts[want->ret]++;
}

bool check_op(const struct op *op, struct finding *f)
{
	static struct answer real, want;
	u32 i;

	if (!model_knows(op))
		return true;
	if (op->kind == OP_STORM)
		world_storm(op, &real);
	else
		world_do(op, &real);
	if (bind_is_early(op, &real))
		wait_until((world_do(op, &real), real.ret != -EEXIST), 5000);
	model_do(op, &real, &want);
	count(op, &want, f);
	if (!check_answer(op, &real, &want, f) || !check_words(op, f) || !check_eventfds(op, f))
		return false;
	for (i = 0; i < NR_VMS; i++)
		if (!check_guest(i, op, f))
			return false;
	return true;
}
