// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * libpvi ivshmem_regs - the five registers, for a VMM's MMIO exits
 *
 * Registers, offsets, the halves of Doorbell and the broadcast are those of the "Device
 * Specification for Inter-VM shared memory device", which Cam Macdonell sent to the kvm list in
 * March 2010. What it leaves open is said in pvi_ivshmem(3).
 */
#include "ivshmem.h"

enum {
	INTR_MASK = 0,
	INTR_STATUS = 2,
	DOORBELL = PVI_IVSHMEM_DOORBELL,
	IV_POSITION = 6,
	IV_LIVE_LIST = 8,
	REGISTERS_END = 10,
};

#define LIVE_LIST_IDS 16

static uint16_t read_status(struct pvi_ivshmem *dev)
{
	uint64_t flags = 0;

	pvi_bell_receive(dev->pvi, dev->bell, ~0ull, &flags);
	return flags;
}

static uint16_t read_live_list(struct pvi_ivshmem *dev)
{
	uint16_t list = 0;
	uint32_t id;

	for (id = 0; id < LIVE_LIST_IDS; id++)
		if (pvi_ivshmem_is_live(dev, id))
			list |= 1u << id;
	return list;
}

static uint16_t read_register(struct pvi_ivshmem *dev, unsigned int offset)
{
	switch (offset) {
	case INTR_MASK:
		return dev->mask;
	case INTR_STATUS:
		return read_status(dev);
	case IV_POSITION:
		return dev->id;
	case IV_LIVE_LIST:
		return read_live_list(dev);
	default:
		return 0;
	}
}

static int write_mask(struct pvi_ivshmem *dev, uint16_t mask)
{
	dev->mask = mask;
	return pvi_bell_mask(dev->pvi, dev->bell, mask & MESSAGE_BITS, 0);
}

static int broadcast(struct pvi_ivshmem *dev, uint8_t message)
{
	int ret = 0, err;
	uint32_t id;

	for (id = 0; id < PVI_IVSHMEM_BROADCAST; id++) {
		if (id == dev->id || !dev->peers[id].there)
			continue;
		err = pvi_ivshmem_send(dev, id, message);
		if (!ret)
			ret = err;
	}
	return ret;
}

static int write_doorbell(struct pvi_ivshmem *dev, uint16_t value)
{
	uint8_t id = value >> 8, message = value;

	if (!message)
		return 0;
	return id == PVI_IVSHMEM_BROADCAST ? broadcast(dev, message) :
					     pvi_ivshmem_send(dev, id, message);
}

static int write_register(struct pvi_ivshmem *dev, unsigned int offset, uint16_t value)
{
	switch (offset) {
	case INTR_MASK:
		return write_mask(dev, value);
	case DOORBELL:
		return write_doorbell(dev, value);
	default:
		return 0;
	}
}

/*
 * The registers that @len bytes at @offset have whole: the first one's place in them, and how many.
 * What an access has of others, or of nothing, is 0 and has no effect.
 */
static unsigned int whole_registers(uint64_t offset, size_t len, unsigned int *first)
{
	size_t end;

	*first = offset & 1;
	if (offset >= REGISTERS_END || len <= *first)
		return 0;
	end = len < REGISTERS_END - offset ? len : REGISTERS_END - offset;
	return (end - *first) / 2;
}

void pvi_ivshmem_read(struct pvi_ivshmem *dev, uint64_t offset, void *data, size_t len)
{
	unsigned int i, nr = whole_registers(offset, len, &i);
	uint8_t *bytes = data;
	uint16_t value;

	memset(data, 0, len);
	pthread_mutex_lock(&dev->lock);
	for (; nr; nr--, i += 2) {
		value = read_register(dev, offset + i);
		bytes[i] = value;
		bytes[i + 1] = value >> 8;
	}
	pvi_ivshmem_unlock(dev);
}

int pvi_ivshmem_write(struct pvi_ivshmem *dev, uint64_t offset, const void *data, size_t len)
{
	unsigned int i, nr = whole_registers(offset, len, &i);
	const uint8_t *bytes = data;
	int ret = 0, err;

	pthread_mutex_lock(&dev->lock);
	for (; nr; nr--, i += 2) {
		err = write_register(dev, offset + i, bytes[i] | bytes[i + 1] << 8);
		if (!ret)
			ret = err;
	}
	pvi_ivshmem_unlock(dev);
	return ret;
}

/* Masked first: what comes meanwhile is not to raise anything. */
int pvi_ivshmem_reset(struct pvi_ivshmem *dev)
{
	int ret;

	pthread_mutex_lock(&dev->lock);
	ret = write_mask(dev, 0);
	if (!ret)
		read_status(dev);
	pvi_ivshmem_unlock(dev);
	return ret;
}
