/* SPDX-License-Identifier: GPL-2.0-only */
/* kvm_pvi words - a UUID as it is compared, hashed and kept in registers */
#ifndef _PVI_WORDS_H
#define _PVI_WORDS_H

#include <linux/limits.h>
#include <linux/types.h>
#include <linux/uuid.h>

struct pvi_words {
	u64 first, last;
};

static __always_inline struct pvi_words pvi_words_of(const uuid_t *uuid)
{
	const u64 *words = (const u64 *)uuid;

	return (struct pvi_words){ words[0], words[1] };
}

static inline const uuid_t *pvi_words_uuid(const struct pvi_words *w)
{
	return (const uuid_t *)w;
}

/* Nil and max name nobody. */
static __always_inline bool pvi_words_are_name(struct pvi_words w)
{
	return (w.first | w.last) && (w.first & w.last) != U64_MAX;
}

static inline bool pvi_words_uuid_is_name(const uuid_t *uuid)
{
	return pvi_words_are_name(pvi_words_of(uuid));
}

#endif /* _PVI_WORDS_H */
